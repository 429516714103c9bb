"""The hybrid rule: one pure function decides whether a tool may run, and the same function explains.

A run names one acting ID. It must be the caller's own user ID or an organization the caller acts
in, and the account must have been connected under exactly that ID. Nothing falls back from one
kind of ID to the other. Pages, API, MCP and the worker call `decide`; none has a rule of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from uuid import UUID

from orgs.permissions import words
from orgs.permissions.policies import PolicyRule, Use, Verdict, deciding_rule
from orgs.permissions.question import (
    GONE,
    USABLE,
    AccountFacts,
    AccountState,
    Because,
    Check,
    Decision,
    Fix,
    Outcome,
    Question,
    Remedy,
)
from orgs.permissions.roles import GRANTS, Permission, Scope
from orgs.permissions.values import Actor, ActorKind, OwnerKind, OwnerRef, RequestedId, Standing

STATE_CODES = {
    AccountState.WAITING: "connection_not_ready",
    AccountState.EXPIRED: "connection_expired",
    AccountState.FAILED: "connection_failed",
    AccountState.PAUSED: "connection_inactive",
}


@dataclass(frozen=True)
class _Refusal:
    status: HTTPStatus
    code: str
    message: str
    remedies: tuple[Remedy, ...] = ()
    fixable_by: str = words.YOU


@dataclass(frozen=True)
class _Case:
    """A question with what can be worked out from it."""

    question: Question

    @cached_property
    def owner(self) -> OwnerRef | None:
        """The owner that the requested ID means to this actor; None for everybody else's."""
        return owner_meant(self.question.actor, self.question.requested)

    @cached_property
    def visible(self) -> list[AccountFacts]:
        """The accounts whose existence the actor may learn of here."""
        owners = set(self._visible_owners())
        return [one for one in self.question.accounts if one.owner in owners and one.state is not GONE]

    def _visible_owners(self) -> list[OwnerRef]:
        actor, owner = self.question.actor, self.owner
        if owner is not None and owner.is_organization:  # another organization's things stay out of this one's pages
            return [owner, *([actor.as_owner] if actor.as_owner else []), *self._end_users()]
        if owner is not None and actor.speaks_for(owner):  # one end user is never told of another
            return [owner, *(one for one in actor.reach() if one.is_organization)]
        return actor.admitted()

    def _end_users(self) -> list[OwnerRef]:
        """Of the accounts, those whose owners are the actor's own end users."""
        return [one.owner for one in self.question.accounts if self.question.actor.speaks_for(one.owner)]

    @cached_property
    def named(self) -> AccountFacts | None:
        return next((one for one in self.visible if one.id == self.question.named_account), None)

    @cached_property
    def choice(self) -> tuple[AccountFacts, Because] | None:
        """The account that would be used, and why that one."""
        if self.question.named_account is not None:
            return (self.named, Because.NAMED) if self.named else None
        return choose(self.matching, self.question.pinned_account)

    @cached_property
    def matching(self) -> list[AccountFacts]:
        """Accounts of this toolkit, connected under exactly the requested ID."""
        return [
            one
            for one in self.visible
            if one.owner == self.owner and self._same_toolkit(one) and one.state is not AccountState.WAITING
        ]

    @cached_property
    def elsewhere(self) -> list[AccountFacts]:
        """Usable accounts of this toolkit that the actor could use under another ID of theirs."""
        return [
            one
            for one in self.visible
            if one.owner != self.owner and self._same_toolkit(one) and one.state is AccountState.ACTIVE
        ]

    def _same_toolkit(self, account: AccountFacts) -> bool:
        return account.toolkit == self.question.tool.toolkit

    @cached_property
    def rule(self) -> PolicyRule | None:
        """The policy that decides. What belongs to a person has none."""
        owner, ruling, tool, actor = self.owner, self.ruled_by, self.question.tool, self.question.actor
        if ruling is None:
            return None
        role = actor.role_in(owner) if owner else None
        account = self.choice[0].id if tool.needs_account and self.choice else None
        use = Use(ruling, role, actor.person_id, tool.toolkit, account, tool.effect, actor.application_id)
        return deciding_rule(self.question.rules, use)

    @cached_property
    def ruled_by(self) -> OwnerRef | None:
        """The organization whose policies hold: the owner itself, or the one whose application speaks for an end user.

        The role that counts is the one under the requested ID: an end user has none, so rules about a role mean nothing
        to them, and those about everybody do.
        """
        owner = self.owner
        if owner is None or owner.is_organization:
            return owner
        lender = owner.organization_id
        if lender is None:
            return None
        return self.question.actor.organizations.get(lender) or OwnerRef(OwnerKind.ORGANIZATION, lender)

    @property
    def asks(self) -> bool:
        return self.rule is not None and self.rule.verdict is Verdict.ASK

    @property
    def nobody_can_approve(self) -> bool:
        """What an end user's run carries is the application's to read, so nobody here could know what they approve."""
        return self.asks and words.is_end_user(self.owner)

    @property
    def needs_approval(self) -> bool:
        return self.asks and not self.question.is_approved

    def may_manage(self) -> bool:
        """Whether the actor could connect an account for the requested owner."""
        return self.owner is not None and (
            self.owner == self.question.actor.as_owner
            or self.question.actor.speaks_for(self.owner)
            or self.holds(Permission.CONNECTED_ACCOUNTS_MANAGE)
        )

    def holds(self, permission: Permission) -> bool:
        """Whether the actor's role in the requested organization holds a permission."""
        role = self.question.actor.role_in(self.owner) if self.owner else None
        return role is not None and permission in GRANTS[role]


def owner_meant(actor: Actor, asked: RequestedId) -> OwnerRef | None:
    """The owner within the actor's reach that a requested ID means; None for everybody else's."""
    return next((owner for owner in actor.reach() if _means(asked, owner, actor)), None)


def _means(asked: RequestedId, owner: OwnerRef, actor: Actor) -> bool:
    if asked.external:
        return actor.speaks_for(owner) and owner.external == asked.external
    if asked.uuid is not None:
        return owner.id == asked.uuid and asked.kind in {None, owner.kind}
    return owner == actor.as_owner and bool(asked.name) and asked.name == actor.username.casefold()


def choose(accounts: Sequence[AccountFacts], pinned: UUID | None = None) -> tuple[AccountFacts, Because] | None:
    """Pin, then default mark, then the most recently connected that is not paused; ties by ID.

    An expired account is not passed over: an older one may be another mailbox (check H7). For the same reason
    nothing is used in place of a pin that is gone.
    """
    if pinned is not None:
        return next(((account, Because.PINNED) for account in accounts if account.id == pinned), None)
    for account in accounts:
        if account.is_default:
            return account, Because.DEFAULT
    awake = [one for one in accounts if one.state is not AccountState.PAUSED] or accounts
    if not awake:
        return None
    return max(awake, key=lambda one: (one.connected_at, one.id)), Because.NEWEST


# --- The checks, in the order in which they are made. Each returns a refusal, or None when it passes.


def _check_actor(case: _Case) -> _Refusal | None:
    actor = case.question.actor
    if actor.standing is not Standing.GOOD or actor.kind is ActorKind.ANONYMOUS:
        remedy = Remedy(Fix.SIGN_IN, "Sign in")
        return _Refusal(HTTPStatus.UNAUTHORIZED, "unauthenticated", words.unauthenticated(actor), (remedy,))
    if actor.kind is ActorKind.SUPPORT:
        return _Refusal(HTTPStatus.FORBIDDEN, "support_cannot_execute", words.SUPPORT, fixable_by=words.NOBODY)
    return None


def _check_membership(case: _Case) -> _Refusal | None:
    actor = case.question.actor
    here = actor.organization_id
    if actor.is_organizations_key or here is None or here in actor.roles:
        return None
    return _Refusal(HTTPStatus.UNAUTHORIZED, "membership_ended", words.MEMBERSHIP_ENDED, fixable_by=words.AN_ADMIN)


def _check_scope(case: _Case) -> _Refusal | None:
    scopes = case.question.actor.scopes
    if scopes is None or Scope.EXECUTIONS_WRITE in scopes:
        return None
    return _Refusal(HTTPStatus.FORBIDDEN, "insufficient_scope", words.SCOPE)


def _check_id_form(case: _Case) -> _Refusal | None:
    problem, actor = case.question.requested.problem, case.question.actor
    if problem is None:
        return None
    remedies = tuple(Remedy(Fix.CHANGE_ID, f"Use {one.text_id}", one) for one in actor.reach()[:1])
    return _Refusal(HTTPStatus.BAD_REQUEST, problem.value, words.id_problem(problem, actor), remedies)


def _check_id_reach(case: _Case) -> _Refusal | None:
    if case.owner is not None:
        return None
    return _Refusal(HTTPStatus.NOT_FOUND, "user_id_not_found", words.id_not_found(case.question.actor))


def _check_factor(case: _Case) -> _Refusal | None:
    owner = case.owner
    if owner is None or owner.id not in case.question.actor.lacks_factor:
        return None
    remedy = Remedy(Fix.ADD_FACTOR, "Set up two-factor sign-in", owner)
    return _Refusal(HTTPStatus.FORBIDDEN, "mfa_required", words.factor_missing(owner), (remedy,))


def _check_role(case: _Case) -> _Refusal | None:
    owner = case.owner
    role = case.question.actor.role_in(owner) if owner else None
    if role is None or Permission.TOOLS_EXECUTE in GRANTS[role]:
        return None
    who = words.admin_of(owner)
    remedy = Remedy(Fix.ASK, f"Ask {who} for the role member", owner, by_actor=False)
    return _Refusal(HTTPStatus.FORBIDDEN, "role_cannot_execute", words.role_cannot_run(role, owner), (remedy,), who)


def _check_tool(case: _Case) -> _Refusal | None:
    if case.question.tool.is_enabled:
        return None
    message = words.tool_disabled(case.question.tool.name)
    return _Refusal(HTTPStatus.FORBIDDEN, "tool_disabled", message, (), words.OPERATOR)


def _check_account_exists(case: _Case) -> _Refusal | None:
    if not case.question.tool.needs_account or case.choice is not None:
        return None
    if case.question.named_account is not None:
        return _Refusal(HTTPStatus.NOT_FOUND, "connected_account_not_found", words.ACCOUNT_NOT_FOUND)
    if case.question.pinned_account is not None:
        return _Refusal(HTTPStatus.NOT_FOUND, "pinned_account_gone", words.PIN_GONE)
    return _no_account(case)


def _no_account(case: _Case) -> _Refusal:
    tool, owner, others = case.question.tool, case.owner, case.elsewhere
    hints = [Remedy(Fix.RUN_AS, words.run_as(one), one) for one in dict.fromkeys(other.owner for other in others)]
    mine = case.may_manage()
    connect = Remedy(Fix.CONNECT, words.connect(tool.toolkit_name, owner, may=mine), owner, by_actor=mine)
    message = words.no_account(tool.toolkit_name, owner, [hint.owner for hint in hints if hint.owner], may=mine)
    who = words.YOU if mine or hints else words.admin_of(owner)
    return _Refusal(HTTPStatus.NOT_FOUND, "no_connected_account", message, (*hints, connect), who)


def _check_account_kind(case: _Case) -> _Refusal | None:
    account = case.choice[0] if case.choice else None
    if not case.question.tool.needs_account or account is None or account.owner == case.owner:
        return None
    remedy = Remedy(Fix.RUN_AS, words.run_as(account.owner), account.owner, account.id)
    return _Refusal(HTTPStatus.FORBIDDEN, "id_kind_mismatch", words.kind_mismatch(account, case.owner), (remedy,))


def _check_account_toolkit(case: _Case) -> _Refusal | None:
    tool = case.question.tool
    account = case.choice[0] if case.choice else None
    if not tool.needs_account or account is None or account.toolkit == tool.toolkit:
        return None
    message = words.toolkit_mismatch(account, tool)
    return _Refusal(HTTPStatus.BAD_REQUEST, "toolkit_mismatch", message)


def _check_account_state(case: _Case) -> _Refusal | None:
    account = case.choice[0] if case.choice else None
    if not case.question.tool.needs_account or account is None or account.state in USABLE:
        return None
    mine = case.may_manage()
    fix = Fix.RESUME if account.state is AccountState.PAUSED else Fix.RECONNECT
    remedy = Remedy(fix, words.repair(fix.value, account, may=mine), account.owner, account.id, by_actor=mine)
    who = words.YOU if mine else words.admin_of(case.owner)
    return _Refusal(HTTPStatus.CONFLICT, STATE_CODES[account.state], words.bad_state(account), (remedy,), who)


def _check_granted(case: _Case) -> _Refusal | None:
    tool = case.question.tool
    account = case.choice[0] if case.choice else None
    if not tool.needs_account or account is None or account.scopes is None or not tool.scopes:
        return None
    if any(alternative <= account.scopes for alternative in tool.scopes):
        return None
    mine = case.may_manage()
    lacking: list[frozenset[str]] = [alternative - account.scopes for alternative in tool.scopes]
    fewest = min(lacking, key=len)
    missing = sorted(fewest)
    label = words.repair(Fix.RECONNECT.value, account, may=mine)
    remedy = Remedy(Fix.RECONNECT, label, account.owner, account.id, by_actor=mine)
    who = words.YOU if mine else words.admin_of(case.owner)
    message = words.missing_scope(account, missing, may=mine)
    return _Refusal(HTTPStatus.CONFLICT, "missing_scope", message, (remedy,), who)


def _check_policy(case: _Case) -> _Refusal | None:
    rule, owner = case.rule, case.ruled_by
    if rule is None or not (rule.verdict is Verdict.DENY or case.nobody_can_approve):
        return None
    mine = case.holds(Permission.POLICIES_MANAGE)
    who = words.YOU if mine else words.admin_of(owner)
    remedy = Remedy(Fix.CHANGE_POLICY if mine else Fix.ASK, words.change_policy(owner, may=mine), owner, by_actor=mine)
    said = words.approval_impossible if case.nobody_can_approve else words.policy_denied
    message = said(case.question.tool.name, rule)
    return _Refusal(HTTPStatus.FORBIDDEN, "policy_denied", message, (remedy,), who)


CHECKS: tuple[tuple[str, str, Callable[[_Case], _Refusal | None]], ...] = (
    ("actor", "You are signed in, or your API key is valid", _check_actor),
    ("membership", "You are still a member", _check_membership),
    ("scope", "The API key may run tools", _check_scope),
    ("id_form", "The ID is well formed", _check_id_form),
    ("id_reach", "The ID is yours to act under", _check_id_reach),
    ("factor", "You have a second factor, where one is required", _check_factor),
    ("role", "Your role may run tools", _check_role),
    ("tool", "The tool is switched on", _check_tool),
    ("account", "There is an account to use", _check_account_exists),
    ("account_id", "It was connected under this very ID", _check_account_kind),
    ("account_toolkit", "It belongs to this toolkit", _check_account_toolkit),
    ("account_state", "It is working", _check_account_state),
    ("granted", "It was granted what the tool needs", _check_granted),
    ("policy", "The organization's policies allow it", _check_policy),
)


def decide(question: Question) -> Decision:
    """Answer the question and say how the answer came about. Pure: no query, no clock."""
    case = _Case(question)
    checks: list[Check] = []
    refusal: _Refusal | None = None
    for code, label, check in CHECKS:
        if refusal is not None:
            checks.append(Check(code, label, Outcome.NOT_REACHED))
            continue
        refusal = check(case)
        if refusal is None:
            checks.append(Check(code, label, Outcome.PASSED, words.passed(code, case)))
        else:
            checks.append(Check(code, label, Outcome.FAILED, refusal.message))
    return _refuse(case, refusal, checks) if refusal else _allow(case, checks)


def _allow(case: _Case, checks: list[Check]) -> Decision:
    account, because = case.choice or (None, Because.NOT_NEEDED)
    if not case.question.tool.needs_account:
        account, because = None, Because.NOT_NEEDED
    said = words.waits if case.needs_approval else words.allowed
    return Decision(
        allowed=True,
        status=HTTPStatus.ACCEPTED,
        code="approval_needed" if case.needs_approval else "accepted",
        message=said(case.question.tool.name, case.owner, account),
        owner=case.owner,
        account=account,
        because=because,
        checks=tuple(checks),
        fixable_by=words.admin_of(case.owner) if case.needs_approval else "",
        needs_approval=case.needs_approval,
        rule=case.rule,
    )


def _refuse(case: _Case, refusal: _Refusal, checks: list[Check]) -> Decision:
    chosen = case.choice if _reached_account(checks) else None
    return Decision(
        allowed=False,
        status=refusal.status,
        code=refusal.code,
        message=refusal.message,
        owner=case.owner,
        account=chosen[0] if chosen else None,
        because=chosen[1] if chosen else None,
        checks=tuple(checks),
        remedies=refusal.remedies,
        fixable_by=refusal.fixable_by,
        rule=case.rule if refusal.code == "policy_denied" else None,
    )


def _reached_account(checks: list[Check]) -> bool:
    return any(check.code == "account" and check.outcome is Outcome.PASSED for check in checks)
