"""Policies of an organization: what runs with its accounts and through its applications, narrower than a role.

A rule says for a place (one account, one toolkit, or all of them), for people (one person or application, one role,
or everybody) and for an effect (or all of them) whether tools run, need approval, or do not run. The most specific
rule decides. Values only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from orgs.permissions.roles import Role
from orgs.permissions.values import OwnerRef


class Verdict(StrEnum):
    """What a rule says about a run."""

    ALLOW = "allow"
    ASK = "ask"  # an admin decides each time
    DENY = "deny"


class ToolEffect(StrEnum):
    """What a tool does to the world."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


STRICTNESS: Final = {Verdict.ALLOW: 0, Verdict.ASK: 1, Verdict.DENY: 2}


@dataclass(frozen=True)
class Use:
    """What is asked of the policies: who would use what, in the name of which organization."""

    owner: OwnerRef
    role: Role | None
    person_id: UUID | None
    toolkit: str
    account_id: UUID | None
    effect: ToolEffect
    application_id: UUID | None = None


@dataclass(frozen=True)
class PolicyRule:
    """One rule of an organization. What is left empty means all of them.

    `application_id`: what this application runs, as the organization and for its end users. `place`, `person` and
    `application` are for people.
    """

    owner: OwnerRef
    verdict: Verdict
    toolkit: str = ""
    account_id: UUID | None = None
    effect: ToolEffect | None = None
    role: Role | None = None
    user_id: UUID | None = None
    application_id: UUID | None = None
    until: datetime | None = None  # whoever gathers the rules leaves out those whose time is over
    id: UUID | None = None
    place: str = field(default="", compare=False)
    person: str = field(default="", compare=False)
    application: str = field(default="", compare=False)

    def speaks_of(self, use: Use) -> bool:
        return (
            self.owner == use.owner
            and self.toolkit in {"", use.toolkit}
            and self.account_id in {None, use.account_id}
            and self.effect in {None, use.effect}
            and self.role in {None, use.role}
            and self.user_id in {None, use.person_id}
            and self.application_id in {None, use.application_id}
        )

    @property
    def rank(self) -> tuple[int, int, bool, bool, int, str]:
        """The place first, then the people, then the effect; what ends over what stays; at a tie the strictest."""
        place = 2 if self.account_id else int(bool(self.toolkit))
        people = 2 if self.user_id or self.application_id else int(self.role is not None)
        named, ends = self.effect is not None, self.until is not None
        return place, people, named, ends, STRICTNESS[self.verdict], str(self.id)


def deciding_rule(rules: Iterable[PolicyRule], use: Use) -> PolicyRule | None:
    """The most specific rule that speaks of this use; None when none does, and then it is allowed."""
    return max((rule for rule in rules if rule.speaks_of(use)), key=lambda rule: rule.rank, default=None)
