"""The mailboxes and channels: what is in them at first, reading, sending, posting and deleting."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.sandbox.identities import IDENTITIES, Identity, identity_by_email
from integrations.sandbox.models import ChannelMessage, Message

# (mailbox, sender, subject, body), newest first
FIRST_MESSAGES = (
    ("ada", "Mira Holt <mira@travel.sandbox.example>", "Your trip to Lisbon", "The train leaves at 9:14 on Friday."),
    ("ada", "Sam Rivera <sam.rivera@sandbox.example>", "Lunch?", "The new place on the corner, at noon?"),
    ("ada", "Colour Weekly <news@colour.sandbox.example>", "Seven blues", "This week: blues that age well."),
    ("sam", "Billing <billing@hosting.sandbox.example>", "Invoice 1042", "42.00 is due on the first of the month."),
    ("sam", "Acme team <team@acme.sandbox.example>", "On call next week", "You are on call from Monday."),
    ("acme", "Jo Lindqvist <jo@customer.sandbox.example>", "Question about widgets", "Do they come in green?"),
    ("acme", "Ada Park <ada.park@sandbox.example>", "New start page", "The drawings are ready for the team."),
)
FIRST_POSTS = (
    ("general", "acme", "Welcome! This is a pretend channel: try a tool and watch what appears here."),
    ("general", "ada", "Good morning everybody."),
    ("design", "ada", "I moved the button to the right. Opinions?"),
    ("operations", "sam", "The nightly backup took four minutes."),
)


class UnknownRecipientError(Exception):
    """Mail never leaves the sandbox, so only its own addresses can be written to."""


def messages_of(identity: Identity, folder: str) -> QuerySet[Message]:
    fill_when_empty()
    return Message.objects.filter(mailbox=identity.slug, folder=folder).order_by("-sent_at", "-id")


def message_of(identity: Identity, message_id: UUID) -> Message | None:
    return Message.objects.filter(mailbox=identity.slug, id=message_id).first()


@transaction.atomic
def send_message(identity: Identity, *, recipient: str, subject: str, body: str) -> Message:
    """One copy for the recipient's inbox, one for the sender's own records, which is returned."""
    fill_when_empty()
    to = identity_by_email(recipient)
    if to is None:
        raise UnknownRecipientError
    shared = {"sender": address_of(identity), "recipient": to.email, "subject": subject, "body": body}
    Message.objects.create(mailbox=to.slug, folder=Message.Folder.INBOX, **shared)
    return Message.objects.create(mailbox=identity.slug, folder=Message.Folder.SENT, **shared)


def delete_message(identity: Identity, message_id: UUID) -> bool:
    deleted, _ = Message.objects.filter(mailbox=identity.slug, id=message_id).delete()
    return deleted == 1


def posts_in(channel: str) -> QuerySet[ChannelMessage]:
    fill_when_empty()
    return ChannelMessage.objects.filter(channel=channel).order_by("-posted_at", "-id")


def post(identity: Identity, *, channel: str, text: str) -> ChannelMessage:
    fill_when_empty()
    return ChannelMessage.objects.create(channel=channel, author=identity.slug, text=text)


def address_of(identity: Identity) -> str:
    return f"{identity.name} <{identity.email}>"


def fill_when_empty() -> None:
    """A first visit finds something to read. Two first visits at once write the same rows, hence the fixed ids."""
    if ChannelMessage.objects.exists():
        return
    now = timezone.now()
    Message.objects.bulk_create(_first_messages(now), ignore_conflicts=True)
    ChannelMessage.objects.bulk_create(_first_posts(now), ignore_conflicts=True)


def _first_messages(now: datetime) -> Iterator[Message]:
    for number, (mailbox, sender, subject, body) in enumerate(FIRST_MESSAGES, start=1):
        yield Message(
            id=uuid5(NAMESPACE_URL, subject),
            mailbox=mailbox,
            folder=Message.Folder.INBOX,
            sender=sender,
            recipient=IDENTITIES[mailbox].email,
            subject=subject,
            body=body,
            sent_at=now - timedelta(hours=5 * number),
        )


def _first_posts(now: datetime) -> Iterator[ChannelMessage]:
    for number, (channel, author, text) in enumerate(FIRST_POSTS, start=1):
        yield ChannelMessage(
            id=uuid5(NAMESPACE_URL, text),
            channel=channel,
            author=author,
            text=text,
            posted_at=now - timedelta(hours=3 * number),
        )
