"""A decision about somebody else, as an admin reads it: the same checks and outcomes, in the third person."""

from dataclasses import replace
from typing import Final

from orgs.permissions.question import Because, Check, Decision, Outcome
from orgs.permissions.roles import ROLE_LABELS
from orgs.permissions.values import Actor, OwnerRef

# By check: its line, and what is said where it failed. What speaks of no person is left as it is.
LABELS: Final = {
    "actor": "{name} may sign in",
    "membership": "{name} is an active member",
    "scope": "{name} is not limited by an API key's scopes",
    "id_reach": "The ID is one that {name} may act under",
    "factor": "{name} has a second factor, where one is required",
    "role": "{name}'s role may run tools",
}
FAILURES: Final = {
    "membership": "{name}'s membership is suspended, so nothing runs in the name of {owner} for {name}.",
    "role": "{name}'s role in {owner} is {role}. Viewers see what happens; they do not run tools.",
    "factor": "{owner} requires two-factor sign-in, and {name} has not set it up. Only {name} can do that.",
    "actor": "{name} is suspended in this installation. Whoever runs it can lift that.",
}
PASSES: Final = {"actor": "{name}", "id_reach": "Acting as {owner}", "role": "The role is {role}"}

# The same about whoever uses an application: a program asks for them, and nobody signs in.
END_USER_LABELS: Final = {
    "actor": "The application goes on, and its key is valid",
    "membership": "No membership is needed",
    "scope": "Its key may run tools",
    "id_reach": "The ID is one of its end users'",
    "factor": "No second factor is needed",
    "role": "No role is needed",
}


def about_end_user(decision: Decision, name: str) -> Decision:
    """The decision on an end user, worded for somebody of the organization. `name` says of which application."""
    return replace(decision, checks=tuple(_of_end_user(check, name) for check in decision.checks))


def _of_end_user(check: Check, name: str) -> Check:
    detail = name if check.code == "actor" else check.detail
    return replace(check, label=END_USER_LABELS.get(check.code, check.label), detail=detail)


def about(decision: Decision, member: Actor, owner: OwnerRef) -> Decision:
    """The decision on `member`, worded for somebody who is not the member."""
    role = member.role_in(owner)
    words = {
        "name": member.label or "This member",
        "owner": owner.label or "the organization",
        "role": ROLE_LABELS[role].lower() if role else "none",
    }
    checks = tuple(_check(check, words, decision) for check in decision.checks)
    failed = next((check.detail for check in checks if check.outcome is Outcome.FAILED), "")
    return replace(decision, checks=checks, message=failed or decision.message)


def _check(check: Check, words: dict[str, str], decision: Decision) -> Check:
    label = LABELS.get(check.code, "").format(**words) or check.label
    return replace(check, label=label, detail=_detail(check, words, decision))


def _detail(check: Check, words: dict[str, str], decision: Decision) -> str:
    if check.outcome is Outcome.FAILED:
        return FAILURES.get(check.code, "").format(**words) or check.detail
    if check.outcome is not Outcome.PASSED:
        return check.detail
    if check.code == "account" and decision.because is Because.NAMED and decision.account is not None:
        return f"{decision.account.label or 'One account'}: it was asked for"
    return PASSES.get(check.code, "").format(**words) or check.detail
