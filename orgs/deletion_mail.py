"""The e-mail to somebody who has left the installation: what the providers confirmed. Plain text."""

from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage

from orgs.mail_text import one_line
from orgs.models import Deletion

BODY: Final = """Hello {name},

your account at {site} is deleted, with everything that was connected under your own name.

{lines}

You cannot sign in there any more. To come back, make a new account.
"""
NOTHING: Final = "Nothing was connected, so there is nothing left for you to do."


def farewell(deletion: Deletion) -> EmailMessage:
    lines = [
        f"- {one_line(one.toolkit)}, {one_line(one.label)}: {one.detail}" for one in deletion.accounts.order_by("id")
    ]
    body = BODY.format(name=one_line(deletion.label), site=settings.BASE_URL, lines="\n".join(lines) or NOTHING)
    return EmailMessage("Switchboard: your account is deleted", body, to=[deletion.mail_to])
