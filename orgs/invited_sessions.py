"""A browser that followed an invitation's link remembers it until somebody has accepted.

The token leaves the address at once: no later page can hand it on as a referrer (check T17). What
the session keeps is the digest, which opens nothing by itself.
"""

import re
from typing import Final

from django.http import HttpRequest

from orgs.invitation_tokens import digest_of

KEY: Final = "invitation"
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def remember_invitation(request: HttpRequest, token: str) -> None:
    if SHAPE.match(token):
        request.session[KEY] = digest_of(token)


def remembered_invitation(request: HttpRequest) -> str:
    return str(request.session.get(KEY, ""))


def forget_invitation(request: HttpRequest) -> None:
    request.session.pop(KEY, None)
