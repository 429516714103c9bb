"""End what policies granted: exceptions whose time is over, and what was allowed to people who have left."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from integrations.access import POLICY_NAMES
from integrations.models import Policy
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Target
from orgs.models import Membership
from orgs.models.organizations import MemberStatus
from orgs.notices import NoticeKind
from orgs.permissions import Verdict, words
from orgs.services.audit import record
from orgs.services.notices import notify

BATCH: Final = 200


def end_policies(now: datetime) -> int:
    """How many ended. The rule leaves out what is over by itself: this tells people, and tidies up."""
    rows = Policy.objects.unscoped("the sweep serves every organization").filter(user__isnull=False)
    gone = rows.filter(verdict=Verdict.ALLOW.value).exclude(_still_there())
    over = [_end(row, now, is_over=True) for row in _named(rows.filter(until__lte=now))]
    return sum(over) + sum(_end(row, now, is_over=False) for row in _named(gone))


def _named(rows: Any) -> list[Policy]:
    return list(rows.select_related(*POLICY_NAMES).order_by("id")[:BATCH])


def _still_there() -> Exists:
    places = Membership.objects.exclude(status=MemberStatus.LEFT)
    return Exists(places.filter(organization_id=OuterRef("owner__organization_id"), user_id=OuterRef("user_id")))


def _end(row: Policy, now: datetime, *, is_over: bool) -> int:
    """One sweep ends it, once, whoever else sweeps; coming back to an organization revives nothing (check T24)."""
    owner, sentence = row.owner.ref, words.policy_sentence(row.rule)
    with transaction.atomic():
        gone, _counts = Policy.objects.owned_by(owner).filter(id=row.id).delete()
        if not gone:
            return 0
        target, details = Target("policy", row.text_id, sentence), {"before": [sentence]}
        record(actor=None, owner=owner, action=AuditAction.POLICY_END, target=target, details=details, now=now)
        if is_over and row.user is not None:
            notify(
                actor=None,
                users=[row.user],
                kind=NoticeKind.ACCESS,
                title=f"What {owner.label} granted you has ended",
                text=f"The time is over: {sentence}",
                path=owner_url(owner, "policies"),
                owner=owner,
                now=now,
                mail=False,
            )
    return 1
