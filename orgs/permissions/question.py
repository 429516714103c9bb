"""What the rule is asked, and what it answers: plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from orgs.permissions.policies import PolicyRule, ToolEffect
from orgs.permissions.values import Actor, OwnerRef, RequestedId


class AccountState(StrEnum):
    """The state of a connected account, as the rule sees it."""

    WAITING = "waiting"
    ACTIVE = "active"
    NEEDS_ATTENTION = "needs_attention"  # works, but somebody should look
    EXPIRED = "expired"
    PAUSED = "paused"
    REVOKED = "revoked"
    FAILED = "failed"


USABLE = frozenset({AccountState.ACTIVE, AccountState.NEEDS_ATTENTION})
GONE = AccountState.REVOKED


@dataclass(frozen=True)
class ToolFacts:
    """What the rule needs to know about a tool."""

    slug: str
    name: str
    toolkit: str
    toolkit_name: str
    is_enabled: bool = True
    needs_account: bool = True
    scopes: tuple[frozenset[str], ...] = ()  # alternatives: any one set suffices
    effect: ToolEffect = ToolEffect.DESTRUCTIVE  # whoever does not say is taken at the worst


@dataclass(frozen=True)
class AccountFacts:
    """What the rule needs to know about a connected account."""

    id: UUID
    owner: OwnerRef
    toolkit: str
    state: AccountState
    connected_at: datetime
    is_default: bool = False
    label: str = ""
    scopes: frozenset[str] | None = None  # None: the provider does not tell


@dataclass(frozen=True)
class Question:
    """May `actor` run `tool` under the ID `requested`, with one of `accounts`?"""

    actor: Actor
    requested: RequestedId
    tool: ToolFacts
    accounts: Sequence[AccountFacts] = ()
    named_account: UUID | None = None  # asked for explicitly
    pinned_account: UUID | None = None  # the tool session's choice
    rules: Sequence[PolicyRule] = ()  # the policies of the organizations within reach
    is_approved: bool = False  # somebody who may decide has approved this very run


class Because(StrEnum):
    """Why this account and no other."""

    NAMED = "named"
    PINNED = "pinned"
    DEFAULT = "default"
    NEWEST = "newest"
    NOT_NEEDED = "not_needed"


class Fix(StrEnum):
    """The way out of a refusal."""

    SIGN_IN = "sign_in"
    ADD_FACTOR = "add_factor"
    RUN_AS = "run_as"
    CONNECT = "connect"
    RECONNECT = "reconnect"
    RESUME = "resume"
    ASK = "ask"
    CHANGE_ID = "change_id"
    CHANGE_POLICY = "change_policy"


@dataclass(frozen=True)
class Remedy:
    """One way out: what to do, for which owner, and whether the actor can do it alone."""

    fix: Fix
    label: str
    owner: OwnerRef | None = None
    account_id: UUID | None = None
    by_actor: bool = True


class Outcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True)
class Check:
    """One line of the explanation."""

    code: str
    label: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Decision:
    """The answer, and everything that is needed to explain it.

    `needs_approval`: it is allowed, but must wait until somebody approves it. `rule` is the policy that decided.
    """

    allowed: bool
    status: HTTPStatus
    code: str
    message: str
    owner: OwnerRef | None
    account: AccountFacts | None
    because: Because | None
    checks: tuple[Check, ...]
    remedies: tuple[Remedy, ...] = ()
    fixable_by: str = ""
    needs_approval: bool = False
    rule: PolicyRule | None = None

    @property
    def has_hint(self) -> bool:
        return any(remedy.fix is Fix.RUN_AS for remedy in self.remedies)
