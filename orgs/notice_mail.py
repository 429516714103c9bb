"""The e-mail of a notice. Plain text in one piece, without anything that people could have put into a header."""

import textwrap
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from orgs.mail_text import one_line
from orgs.models import Notice

WIDTH: Final = 78
BODY: Final = """Hello {name},

{text}

{link}

Sent by Switchboard to {email}. What you were told before: {all}
"""


def notice_message(notice: Notice) -> EmailMessage:
    """Needs `user` and `organization`."""
    subject = f"Switchboard: {one_line(notice.title, 120)}"
    body = BODY.format(
        name=one_line(notice.user.display_name),
        text=textwrap.fill(f"{notice.title.rstrip('.')}. {notice.text}".strip(), WIDTH),
        link=f"{settings.BASE_URL}{notice.target}",
        email=notice.user.email,
        all=f"{settings.BASE_URL}{reverse('notices')}",
    )
    return EmailMessage(subject, body, to=[notice.user.email])
