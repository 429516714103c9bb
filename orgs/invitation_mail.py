"""The e-mail with an invitation's link. Plain text: what people chose as names can do nothing in it (check I14)."""

from collections.abc import Iterable, Iterator
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse

from orgs.mail_text import one_line
from orgs.models import Invitation
from orgs.permissions import ROLE_LABELS, Role

log = structlog.get_logger(__name__)
BODY: Final = """Hello,

{inviter} invites you to {organization} on Switchboard, as {role}.
Accept or read more here:

{link}

The link works once, until {expires:%d %B %Y, %H:%M} UTC, and only for this e-mail address
({email}). If you do not know {inviter}, ignore this message: nothing happens then.
"""


def send_invitations(made: Iterable[tuple[Invitation, str]]) -> Iterator[Invitation]:
    """Send each with its token; yield those that the mail server took."""
    connection = get_connection()
    for invitation, token in made:
        try:
            connection.send_messages([_message(invitation, token)])
        except OSError as error:  # SMTP errors are OSErrors
            log.warning("invitation.not_sent", invitation=invitation.text_id, error=type(error).__name__)
        else:
            yield invitation


def _message(invitation: Invitation, token: str) -> EmailMessage:
    organization = one_line(invitation.organization.name)
    inviter = one_line(invitation.invited_by.display_name) if invitation.invited_by else "Somebody"
    body = BODY.format(
        inviter=inviter,
        organization=organization,
        role=ROLE_LABELS[Role(invitation.role)].lower(),
        link=f"{settings.BASE_URL}{reverse('invitation_link', kwargs={'token': token})}",
        expires=invitation.expires_at,
        email=invitation.email,
    )
    return EmailMessage(f"Switchboard: {inviter} invites you to {organization}", body, to=[invitation.email])
