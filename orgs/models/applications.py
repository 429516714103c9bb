"""Applications that an organization has registered, and their end users."""

from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import new_id, to_text
from orgs.models.organizations import Organization
from orgs.permissions import OwnerKind, OwnerRef
from orgs.status_words import StatusWord

NAME_LENGTH: Final = 80
EXTERNAL_LENGTH: Final = 128
LIVE: Final = StatusWord("active", "Active", "success", "check-circle", "Its keys work.")
ENDED: Final = StatusWord("ended", "Ended", "neutral", "no-symbol", "Its keys open nothing any more.")


class Application(models.Model):
    """A program of an organization that has users of its own. Its keys reach them, and the organization's own ID.

    `callback_urls` are the addresses to which its end users may be sent back after they connected an account.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="applications")
    name = models.CharField(max_length=NAME_LENGTH)
    callback_urls: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Application"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(ended_at=None), name="application_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def text_id(self) -> str:
        return to_text("app", self.id)

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None

    @property
    def word(self) -> StatusWord:
        return ENDED if self.has_ended else LIVE


class EndUser(models.Model):
    """Somebody who uses an application, known by the application's own string alone. Made on first use.

    `deleting_since`: everything of theirs is being deleted, and nothing new is made for them until it is gone.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="end_users")
    external = models.CharField(max_length=EXTERNAL_LENGTH)
    created_at = models.DateTimeField()
    deleting_since = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["EndUser"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "external"], name="end_user_once_per_application"),
        ]

    def __str__(self) -> str:
        return self.external

    @property
    def text_id(self) -> str:
        return to_text("eu", self.id)

    @property
    def ref(self) -> OwnerRef:
        """Needs `application`."""
        return end_user_ref(self.application, self.external, self.id)


def end_user_ref(application: Any, external: str, end_user_id: Any) -> OwnerRef:
    """An end user as a value; also one that there is no row of yet."""
    return OwnerRef(
        OwnerKind.END_USER,
        end_user_id,
        external,
        external=external,
        application_id=application.id,
        organization_id=application.organization_id,
    )
