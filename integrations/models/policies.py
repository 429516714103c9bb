"""The policies of organizations, and what somebody decided on a run that one of them held back."""

from typing import Any, ClassVar, Final
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from accounts.ids import new_id, to_text
from integrations.models.catalog import Toolkit
from integrations.models.connected_accounts import ConnectedAccount
from integrations.models.executions import Execution
from integrations.models.owned import OwnedModel
from orgs.models import Application, Owner
from orgs.permissions import ROLE_LABELS, PolicyRule, Role, ToolEffect, Verdict

REASON_LENGTH: Final = 300
NOTHING: Final = Value(UUID(int=0), output_field=models.UUIDField())


class Policy(OwnedModel):
    """One rule of an organization. What is empty means all of them; `until` ends it by itself.

    What was changed when, and by whom, stands in the audit log; a run keeps the words of the rule that decided it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="policies")
    toolkit = models.ForeignKey(Toolkit, models.CASCADE, null=True, blank=True, related_name="policies")
    connected_account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, null=True, blank=True, related_name="policies"
    )
    effect = models.CharField(
        max_length=12, blank=True, choices=[(effect.value, effect.value) for effect in ToolEffect]
    )
    role = models.CharField(
        max_length=10, blank=True, choices=[(role.value, label) for role, label in ROLE_LABELS.items()]
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    application = models.ForeignKey(Application, models.CASCADE, null=True, blank=True, related_name="policies")
    verdict = models.CharField(max_length=6, choices=[(verdict.value, verdict.value) for verdict in Verdict])
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta(OwnedModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(toolkit__isnull=True) | Q(connected_account__isnull=True), name="policy_one_place"
            ),
            models.CheckConstraint(
                condition=Q(role="", user__isnull=True)
                | Q(role="", application__isnull=True)
                | Q(user__isnull=True, application__isnull=True),
                name="policy_about_one_kind_of_people",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=[verdict.value for verdict in Verdict]), name="policy_verdict_known"
            ),
            models.CheckConstraint(
                condition=Q(effect__in=["", *(effect.value for effect in ToolEffect)]), name="policy_effect_known"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["", *(role.value for role in Role)]), name="policy_role_known"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(user__isnull=False), name="policy_only_persons_rules_end"
            ),
            # coalesced, because SQLite has no NULLS NOT DISTINCT
            models.UniqueConstraint(
                F("owner"),
                Coalesce(F("toolkit"), NOTHING),
                Coalesce(F("connected_account"), NOTHING),
                F("effect"),
                F("role"),
                Coalesce(F("user"), NOTHING),
                Coalesce(F("application"), NOTHING),
                condition=Q(until__isnull=True),
                name="policy_once_per_place_people_and_effect",
            ),
        ]

    def __str__(self) -> str:
        return self.text_id

    @property
    def text_id(self) -> str:
        return to_text("pol", self.id)

    @property
    def rule(self) -> PolicyRule:
        """The policy as the rule sees it. Needs what `POLICY_NAMES` lists."""
        account = self.connected_account
        return PolicyRule(
            owner=self.owner.ref,
            verdict=Verdict(self.verdict),
            toolkit=self.toolkit.slug if self.toolkit else "",
            account_id=account.id if account else None,
            effect=ToolEffect(self.effect) if self.effect else None,
            role=Role(self.role) if self.role else None,
            user_id=self.user_id,
            application_id=self.application_id,
            until=self.until,
            id=self.id,
            place=f"{account.label} ({account.toolkit.name})" if account else self.toolkit.name if self.toolkit else "",
            person=self.user.display_name if self.user else "",
            application=self.application.name if self.application else "",
        )


class Approval(OwnedModel):
    """That a run had to wait for somebody's decision, and the decision. The run's own status says how it stands.

    `policy` is the rule that asked, as it was then. `was_alone`: nobody else could have decided it, so whoever
    asked for the run did.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(Owner, models.PROTECT, related_name="approvals")
    execution = models.OneToOneField(Execution, models.CASCADE, related_name="approval")
    policy: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    is_approved = models.BooleanField(default=False)
    was_alone = models.BooleanField(default=False)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)

    class Meta(OwnedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["owner", "-asked_at"], name="approval_by_owner")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(is_approved=False) | Q(decided_at__isnull=False), name="approval_was_decided"
            ),
        ]

    def __str__(self) -> str:
        return f"approval of {self.execution_id}"
