"""Notices: what a person is told, in the product and by e-mail."""

from datetime import datetime
from typing import ClassVar, Final, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.ids import new_id, to_text
from orgs.models.organizations import Membership, Organization
from orgs.notices import TEXT_LENGTH, TITLE_LENGTH, NoticeKind
from orgs.status_words import StatusWord

ORGANIZATION_PAGES: Final = "/orgs/"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def readable(self) -> Self:
        """Without those about an organization that the person does not belong to any more (check T21).

        Whom it shuts out for want of a second factor is told that, and nothing else of it.
        """
        places = Membership.objects.active().filter(
            organization_id=OuterRef("organization_id"), user_id=OuterRef("user_id")
        )
        way_in = Q(kind=NoticeKind.FACTOR.value) & Q(Exists(places))
        return self.filter(Q(organization=None) | Exists(places.let_in()) | way_in)

    def of_user(self, user_id: UUID | None) -> Self:
        return self.readable().filter(user_id=user_id)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def due(self, now: datetime) -> Self:
        """Those whose e-mail should go out now."""
        return self.readable().filter(mail_due_at__lte=now, user__is_active=True)


class Notice(models.Model):
    """One person's. The row is also the outbox: while `mail_due_at` is set, an e-mail is still to be sent then."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=20)  # a NoticeKind; no list in the database, which grows with every feature
    title = models.CharField(max_length=TITLE_LENGTH)
    text = models.CharField(max_length=TEXT_LENGTH, blank=True)
    path = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(path__startswith="/") & ~Q(path__startswith="//"), name="notice_path_is_ours"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="notice_by_user"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notice_unread"),
            models.Index(fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False), name="notice_to_mail"),
            models.Index(fields=["created_at"], name="notice_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.text_id}: {self.kind}"

    @property
    def text_id(self) -> str:
        return to_text("nt", self.id)

    @property
    def word(self) -> StatusWord:
        return NoticeKind(self.kind).word

    @property
    def target(self) -> str:
        """Where it leads now: an organization's address may have changed since."""
        if self.organization is None or not self.path.startswith(ORGANIZATION_PAGES):
            return self.path
        _slug, _slash, rest = self.path.removeprefix(ORGANIZATION_PAGES).partition("/")
        return f"{ORGANIZATION_PAGES}{self.organization.slug}/{rest}"
