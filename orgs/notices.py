"""The words of the notices: what somebody is told about. Values only: no queries, no models, no clock."""

from typing import Final

from django.db.models import TextChoices

from orgs.status_words import StatusWord, word_table

TITLE_LENGTH: Final = 160
TEXT_LENGTH: Final = 600


class NoticeKind(TextChoices):
    """The topics of notices."""

    CONNECTION = "connection", "Connection"
    REQUEST = "request", "Request"
    APPROVAL = "approval", "Approval"
    ACCESS = "access", "Access"
    MEMBERSHIP = "membership", "Membership"
    OWNERSHIP = "ownership", "Ownership"
    SUPPORT = "support", "Support"
    WEBHOOK = "webhook", "Webhook"
    SECURITY = "security", "Security"
    FACTOR = "factor", "Two-factor sign-in"

    @property
    def word(self) -> StatusWord:
        return NOTICE_WORDS[self]


NOTICE_WORDS: Final = word_table(
    NoticeKind,
    [
        ("connection", "warning", "link", "A connected account needs somebody."),
        ("request", "info", "hand-raised", "Somebody asks for access, or was answered."),
        ("approval", "info", "clipboard-document-check", "A run waits for a decision, or was decided on."),
        ("access", "info", "key", "What somebody may use has changed."),
        ("membership", "neutral", "users", "Who belongs to an organization has changed."),
        ("ownership", "warning", "building-office-2", "An organization changes hands, is exported or ends."),
        ("support", "warning", "lifebuoy", "Support staff asked for access, or got it."),
        ("webhook", "warning", "paper-airplane", "A webhook needs somebody."),
        ("security", "error", "shield-exclamation", "Something about signing in, keys or refusals."),
        ("factor", "warning", "shield-check", "An organization lets nobody in without a second factor."),
    ],
)
