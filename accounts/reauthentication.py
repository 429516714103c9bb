"""Has this browser shown lately who sits in front of it? Asked before what cannot be taken back (check W9)."""

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.htmx import lead_to

ASKED: Final = "Confirm that it is you first. Nothing was done yet."


def is_freshly_signed_in(request: HttpRequest) -> bool:
    """Whether the person signed in, or confirmed it, within the last minutes; or has no way of confirming it."""
    records = get_authentication_records(request, request.user)
    if any(time.time() - one["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT for one in records):
        return True
    return not get_adapter(request).get_reauthentication_methods(request.user)


def ask_again(request: HttpRequest, *, query: Mapping[str, str] | None = None, back: str = "") -> HttpResponse:
    """To the page that asks, and back to this one, with `query` in its address; or to `back`.

    What was sent is not kept: there may be a secret in it.
    """
    if request.method == "POST":
        messages.info(request, ASKED)
    back = back or (f"{request.path}?{urlencode(query)}" if query else request.get_full_path())
    url = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    return lead_to(request, url)
