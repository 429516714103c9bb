"""Who lives in the sandbox, what they may be asked for, and which channels they are in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """One of the pretend people, or the team's bot."""

    slug: str
    name: str
    email: str
    kind: str
    description: str
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Channel:
    slug: str
    topic: str


IDENTITIES = {
    identity.slug: identity
    for identity in (
        Identity(
            "ada",
            "Ada Park",
            "ada.park@sandbox.example",
            "Personal mailbox",
            "A designer who is planning a trip. Her mailbox is hers alone.",
            ("general", "design"),
        ),
        Identity(
            "sam",
            "Sam Rivera",
            "sam.rivera@sandbox.example",
            "Personal mailbox",
            "An engineer with an unpaid invoice. His mailbox is his alone.",
            ("general", "operations"),
        ),
        Identity(
            "acme",
            "Acme team",
            "team@acme.sandbox.example",
            "Team bot",
            "The bot of a whole team, with the team's mailbox. Made to be shared.",
            ("general", "design", "operations"),
        ),
    )
}

CHANNELS = {
    channel.slug: channel
    for channel in (
        Channel("general", "For everybody at Acme"),
        Channel("design", "Screens, words and colours"),
        Channel("operations", "What is running and what is not"),
    )
}

SCOPES = {
    "profile": "See whose account this is",
    "mail.read": "Read the messages in the mailbox",
    "mail.send": "Send messages from the mailbox",
    "mail.delete": "Delete messages from the mailbox for good",
    "channel.read": "Read the team's channels",
    "channel.write": "Post to the team's channels",
}


def identity_by_email(email: str) -> Identity | None:
    return next((item for item in IDENTITIES.values() if item.email == email.strip().lower()), None)
