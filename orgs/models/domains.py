"""E-mail domains whose people may join an organization by themselves."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.ids import new_id, to_text
from orgs.models.organizations import Organization
from orgs.permissions import ROLE_LABELS, Role

JOINING_ROLES = (Role.MEMBER, Role.VIEWER)
DOMAIN_LENGTH = 253


class JoinDomain(models.Model):
    """Whoever has a verified address of this domain may join with that role."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="join_domains")
    domain = models.CharField(max_length=DOMAIN_LENGTH, db_index=True)
    role = models.CharField(max_length=10, choices=[(role.value, ROLE_LABELS[role]) for role in JOINING_ROLES])
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField()

    objects: ClassVar[models.Manager["JoinDomain"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "domain"], name="join_domain_once"),
            models.CheckConstraint(condition=Q(domain=Lower("domain")), name="join_domain_lower_case"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in JOINING_ROLES]), name="join_domain_role_is_small"
            ),
        ]

    def __str__(self) -> str:
        return self.domain

    @property
    def text_id(self) -> str:
        return to_text("dom", self.id)

    @property
    def role_label(self) -> str:
        return ROLE_LABELS[Role(self.role)].lower()
