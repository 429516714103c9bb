"""Change the policies of an organization. One change at a time, by somebody who still may; each leaves a record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypedDict, Unpack
from uuid import UUID

from django.db import transaction

from accounts.models import User
from integrations.access import POLICY_NAMES
from integrations.models import ConnectedAccount, Policy, Toolkit
from integrations.models.policies import REASON_LENGTH
from integrations.queries.policies import PolicyTarget, Verdicts, get_policy, rules_for, target_of
from orgs.addresses import owner_url
from orgs.audit import AuditAction, Detail, Target
from orgs.errors import ConflictError, DomainError, NotFoundError
from orgs.models import Membership
from orgs.models.organizations import MemberStatus
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerRef, Permission, PolicyRule, Verdict, require, words
from orgs.queries.owners import owner_row
from orgs.services.audit import record
from orgs.services.fresh_rights import with_fresh_rights
from orgs.services.notices import notify

LONGEST_GRANT: Final = timedelta(days=366)


@transaction.atomic
def set_policies(
    *, actor: Actor, owner: OwnerRef, target: PolicyTarget, verdicts: Verdicts, now: datetime
) -> list[PolicyRule]:
    """Make these the lasting rules about exactly this place and these people; without a verdict there is none."""
    _require(actor, owner)
    rows = Policy.objects.owned_by(owner).filter(**target.columns, until=None)
    before = [row.rule for row in rows.select_related(*POLICY_NAMES)]
    rules = rules_for(target, verdicts, actor=actor, owner=owner)
    if set(map(_said, rules)) == set(map(_said, before)):
        return rules
    rows.delete()
    for rule in rules:
        row = _policy(actor, owner, target, now)
        row.verdict, row.effect = rule.verdict.value, rule.effect.value if rule.effect else ""
        row.save(force_insert=True)
    sentences: dict[str, Detail] = {"before": _sentences(before), "after": _sentences(rules)}
    _record(actor, owner, AuditAction.POLICY_CHANGE, target, now, sentences)
    if target.user is not None:
        _tell_of_change(target.user, rules, actor=actor, owner=owner, now=now)
    return rules


class Terms(TypedDict, total=False):
    """What a grant is for: a toolkit or one account, else all of them; an effect, else all of them."""

    toolkit: Toolkit | None
    account: ConnectedAccount | None
    effect: str | None
    until: datetime | None
    reason: str
    is_told: bool  # the person hears of it as the answer to what they asked for


@transaction.atomic
def grant(*, actor: Actor, owner: OwnerRef, user: User, now: datetime, **terms: Unpack[Terms]) -> Policy:
    """Let one person run what a policy would hold back, for a time or for good. It gives nobody a role.

    A grant with an end stands beside the person's lasting rule and wins while it lasts; one without replaces it.
    """
    _require(actor, owner)
    account, effect, until = terms.get("account"), terms.get("effect"), terms.get("until")
    _check_person(owner, user)
    _check_account(owner, account)
    _check_until(until, now)
    target = PolicyTarget(toolkit=None if account else terms.get("toolkit"), account=account, user=user)
    same = Policy.objects.owned_by(owner).filter(**target.columns, effect=effect or "", until__isnull=until is None)
    same.delete()
    row = _policy(actor, owner, target, now)
    row.verdict, row.effect, row.until = Verdict.ALLOW.value, effect or "", until
    row.reason = terms.get("reason", "")[:REASON_LENGTH]
    row.save(force_insert=True)
    ends = until.isoformat() if until else None
    details: dict[str, Detail] = {"effect": row.effect or None, "expires_at": ends, "reason": row.reason or None}
    _record(actor, owner, AuditAction.POLICY_GRANT, target, now, {**details, "after": _sentences([row.rule])})
    if not terms.get("is_told"):
        _tell_of_grant(user, row, actor=actor, owner=owner, now=now)
    return row


@transaction.atomic
def end_grant(*, actor: Actor, owner: OwnerRef, policy_id: UUID, now: datetime) -> None:
    """End a person's rule at once, before its time or although it has none."""
    _require(actor, owner)
    row = get_policy(actor=actor, owner=owner, policy_id=policy_id)
    if row.user is None:
        raise ConflictError("This is a rule for many. Change it among the policies.", code="not_a_grant")
    target = target_of(row, actor=actor)
    details: dict[str, Detail] = {"before": _sentences([row.rule])}
    row.delete()
    _record(actor, owner, AuditAction.POLICY_END, target, now, details)
    title, text = f"A rule about you in {owner.label} has ended", f"{actor.label} ended it: {_sentences([row.rule])[0]}"
    _tell(row.user, title, text, actor=actor, owner=owner, now=now)


def end_grants_of(*, actor: Actor, owner: OwnerRef, user: User, now: datetime) -> int:
    """Whoever leaves loses what was allowed to them alone, and does not find it again when they return (check T24).

    What is denied to them stays. Ending the membership was checked before.
    """
    rows = Policy.objects.owned_by(owner).filter(user=user, verdict=Verdict.ALLOW.value)
    grants = list(rows.select_related(*POLICY_NAMES))
    for row in grants:
        target = target_of(row, actor=actor)
        details: dict[str, Detail] = {"before": _sentences([row.rule])}
        row.delete()
        _record(actor, owner, AuditAction.POLICY_END, target, now, details)
    return len(grants)


def _tell_of_change(user: User, rules: Sequence[PolicyRule], *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    said = " ".join(_sentences(rules)) or "There is no rule about you alone any more."
    title = f"What you may run in {owner.label} has changed"
    _tell(user, title, f"By {actor.label}: {said}", actor=actor, owner=owner, now=now)


def _tell_of_grant(user: User, row: Policy, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    ends = f" It ends on {row.until:%d %B %Y at %H:%M} UTC." if row.until else ""
    said = f"{actor.label} granted it: {_sentences([row.rule])[0]}{ends}"
    _tell(user, f"You may run more in {owner.label}", said, actor=actor, owner=owner, now=now)


def _tell(user: User, title: str, text: str, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """Whom it concerns, unless they did it themselves."""
    if user.id == actor.user_id:
        return
    path, kind = owner_url(owner, "policies"), NoticeKind.ACCESS
    notify(actor=actor, users=[user], kind=kind, title=title, text=text, path=path, owner=owner, now=now)


def _require(actor: Actor, owner: OwnerRef) -> None:
    """A person's own accounts have no policies: nobody holds the permission there."""
    require(actor, Permission.POLICIES_MANAGE, owner)
    require(with_fresh_rights(actor=actor, owner=owner), Permission.POLICIES_MANAGE, owner)


def _check_person(owner: OwnerRef, user: User) -> None:
    rows = Membership.objects.of_organization(owner.id).exclude(status=MemberStatus.LEFT)
    if not rows.filter(user_id=user.id).exists():
        raise NotFoundError("There is no such member here.")


def _check_account(owner: OwnerRef, account: ConnectedAccount | None) -> None:
    if account is not None and not ConnectedAccount.objects.owned_by(owner).filter(id=account.id).exists():
        raise NotFoundError("There is no such connected account here.")


def _check_until(until: datetime | None, now: datetime) -> None:
    if until is None:
        return
    if until <= now:
        raise DomainError("Choose an end that is still to come.", code="until_over", field="until")
    if until > now + LONGEST_GRANT:
        raise DomainError("Choose an end within a year.", code="until_too_late", field="until")


def _policy(actor: Actor, owner: OwnerRef, target: PolicyTarget, now: datetime) -> Policy:
    row = owner_row(actor=actor, owner=owner)
    return Policy(owner=row, **target.columns, created_by_id=actor.user_id, created_at=now)


def _said(rule: PolicyRule) -> tuple[str, str]:
    return str(rule.effect), rule.verdict.value


def _sentences(rules: Sequence[PolicyRule]) -> list[str]:
    return [words.policy_sentence(rule) for rule in rules]


def _record(
    actor: Actor,
    owner: OwnerRef,
    action: AuditAction,
    target: PolicyTarget,
    now: datetime,
    details: dict[str, Detail],
) -> None:
    subject = Target("policy", f"{target.place_key} {target.people_key}", f"{target.people}: {target.place}")
    record(actor=actor, owner=owner, action=action, target=subject, details=details, now=now)
