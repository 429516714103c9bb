"""Views about the signed-in person themself. SignInMiddleware keeps everybody else out."""

from collections.abc import Callable
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse

from accounts.models import User

SIGNED_IN: Final = "signed_in"


class PersonalRequest(HttpRequest):
    """A request by somebody who is signed in."""

    user: User


def for_self(view: Callable[[PersonalRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Say what the view needs, in the same way as the views of `orgs` and `integrations`."""
    declared = cast("Any", view)
    declared.required_permission = SIGNED_IN
    return cast("Callable[[HttpRequest], HttpResponse]", declared)
