"""The sentences of a decision. They name the way out, and nothing that the reader may not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orgs.permissions.policies import PolicyRule, ToolEffect, Verdict
from orgs.permissions.roles import ROLE_LABELS, Role
from orgs.permissions.values import Actor, ActorKind, IdProblem, OwnerKind, OwnerRef, Standing

if TYPE_CHECKING:
    from orgs.permissions.decide import _Case
    from orgs.permissions.question import AccountFacts, ToolFacts

YOU: Final = "you"
NOBODY: Final = "nobody"
AN_ADMIN: Final = "an admin of the organization"
OPERATOR: Final = "whoever runs this installation"

MEMBERSHIP_ENDED: Final = (
    "Your membership in this organization has ended, so nothing runs in its name for you any more."
)
SUPPORT: Final = "Support staff can look after an installation, but cannot run tools in it."
SCOPE: Final = "This API key lacks the scope executions:write. Use a key that has it."
ID_NOT_FOUND: Final = "No such ID among yours. Pass your own user ID, or the ID of an organization that you belong to."
ACCOUNT_NOT_FOUND: Final = "No such connected account among those of this ID. Choose one from the list of connections."
PIN_GONE: Final = (
    "The account that this session pins is not connected any more, and no other is used in its place. "
    "Change the session: choose another account, or let it follow the newest one."
)
GOOD_ID: Final = "A user ID looks like user_ and 32 hex digits, an organization ID like org_ and 32 hex digits."
ID_PROBLEMS: Final[dict[IdProblem, str]] = {
    IdProblem.MISSING: f"Say under which ID the tool should run. {GOOD_ID}",
    IdProblem.DEFAULT: f"`default` would mix up the accounts of different people, so it is refused. {GOOD_ID}",
    IdProblem.EMAIL: f"E-mail addresses change hands, so they are not accepted as IDs. {GOOD_ID}",
    IdProblem.INVALID: f"This is not a user ID or an organization ID. {GOOD_ID}",
}
GOOD_END_USER_ID: Final = (
    "Pass what your application calls this user for good, such as user-8472 from your own database: up to 128 letters, "
    "digits and . _ : | / + = ~ -, beginning with a letter or digit. Or pass the ID of your organization, org_…."
)
END_USER_ID_NOT_FOUND: Final = (
    "This looks like an ID of Switchboard, and it is neither your organization nor one of this application's end "
    f"users. {GOOD_END_USER_ID}"
)
STATES: Final[dict[str, str]] = {
    "waiting": "is still waiting for sign-in at the provider",
    "expired": "has expired and must be reconnected",
    "failed": "could not be connected",
    "paused": "is paused",
}


def id_problem(problem: IdProblem, actor: Actor) -> str:
    """Why the text cannot be an ID, and what a good one looks like to this actor."""
    if actor.kind is not ActorKind.APPLICATION_KEY:
        return ID_PROBLEMS[problem]
    said = ID_PROBLEMS[problem].removesuffix(GOOD_ID)
    if problem is IdProblem.INVALID:
        said = "This cannot be the ID of an end user. "
    return f"{said}{GOOD_END_USER_ID}"


def id_not_found(actor: Actor) -> str:
    return END_USER_ID_NOT_FOUND if actor.kind is ActorKind.APPLICATION_KEY else ID_NOT_FOUND


def is_end_user(owner: OwnerRef | None) -> bool:
    return owner is not None and owner.kind is OwnerKind.END_USER


def name_of(owner: OwnerRef | None) -> str:
    """`yourself`, the organization's name, or the end user."""
    if owner is None:
        return "this ID"
    if is_end_user(owner):
        return f"the end user {owner.external}"
    return (owner.label or "the organization") if owner.is_organization else "yourself"


def admin_of(owner: OwnerRef | None) -> str:
    return f"an admin of {owner.label or 'the organization'}" if owner and owner.is_organization else YOU


def unauthenticated(actor: Actor) -> str:
    if actor.standing is Standing.REVOKED:
        return "This API key was revoked or has expired. Make a new one."
    if actor.standing is Standing.SUSPENDED:
        return "This user is suspended. An admin can lift it."
    return "Sign in, or send an API key."


def role_cannot_run(role: Role, owner: OwnerRef | None) -> str:
    mine = f"Your role in {name_of(owner)} is {ROLE_LABELS[role].lower()}."
    return f"{mine} Viewers see what happens; they do not run tools."


def factor_missing(owner: OwnerRef | None) -> str:
    where = (owner.label if owner else "") or "This organization"
    return f"{where} requires two-factor sign-in. Set it up for yourself; then everything here is open to you again."


def tool_disabled(tool: str) -> str:
    return f"{tool} is switched off in this installation."


def run_as(owner: OwnerRef) -> str:
    if is_end_user(owner):
        return f"Run as {name_of(owner)}"
    return f"Run as {owner.label or 'the organization'}" if owner.is_organization else "Run as yourself"


def connect(toolkit: str, owner: OwnerRef | None, *, may: bool) -> str:
    if not may:
        return f"Ask {admin_of(owner)} to connect {toolkit}"
    return f"Connect {toolkit} for {name_of(owner)}"


def no_account(toolkit: str, owner: OwnerRef | None, hints: list[OwnerRef], *, may: bool) -> str:
    """Say that nothing is connected, and under which of the caller's IDs something is."""
    under = "your user ID" if owner and owner.kind is OwnerKind.USER else name_of(owner)
    sentence = f"No {toolkit} account is connected under {under}."
    if not hints:
        return f"{sentence} {'Connect one first' if may else f'Ask {admin_of(owner)} to connect one'}."
    others = " and ".join(_connected_under(hint) for hint in hints)
    return f"{sentence} One is connected under {others}; an account only answers to the ID it was connected with."


def _connected_under(hint: OwnerRef) -> str:
    if is_end_user(hint):
        return f"{name_of(hint)}: use the user ID {hint.passed_id}"
    if hint.is_organization:
        return f"{hint.label or 'your organization'}: use the organization ID {hint.text_id}"
    return f"your own name: use your user ID {hint.text_id}"


def kind_mismatch(account: AccountFacts, owner: OwnerRef | None) -> str:
    asked = "your user ID" if owner and owner.kind is OwnerKind.USER else f"the ID of {name_of(owner)}"
    right = "organization" if account.owner.is_organization else "user"
    return (
        f"This account was connected under {name_of(account.owner)}, so it does not answer to {asked}. "
        f"Use the {right} ID {account.owner.passed_id}."
    )


def toolkit_mismatch(account: AccountFacts, tool: ToolFacts) -> str:
    needed = f"{tool.slug} needs one of {tool.toolkit_name}"
    return f"This is a {account.toolkit} account, and {needed}. Choose another account."


def bad_state(account: AccountFacts) -> str:
    which = f"The account {account.label}" if account.label else "The account"
    return f"{which} {STATES[account.state.value]}. No other account is used in its place: it might be the wrong one."


def missing_scope(account: AccountFacts, missing: list[str], *, may: bool) -> str:
    which = account.label or "The account"
    repair = "Reconnect" if may else f"Ask {admin_of(account.owner)} to reconnect"
    return f"{which} was not granted {', '.join(missing)}, which this tool needs. {repair} it and allow that."


def repair(fix: str, account: AccountFacts, *, may: bool) -> str:
    verb = {"reconnect": "Reconnect", "resume": "Resume"}[fix]
    what = f"{verb} {account.label}" if account.label else f"{verb} the account"
    return what if may else f"Ask {admin_of(account.owner)} to {what[0].lower()}{what[1:]}"


def allowed(tool: str, owner: OwnerRef | None, account: AccountFacts | None) -> str:
    who = "you" if owner is None or owner.kind is OwnerKind.USER else name_of(owner)
    if account is None:
        return f"“{tool}” runs as {who}. It needs no account."
    return f"“{tool}” runs as {who}, through {account.label or 'the connected account'}."


def waits(tool: str, owner: OwnerRef | None, account: AccountFacts | None) -> str:
    """Allowed, after somebody has approved it."""
    through = f", through {account.label or 'the connected account'}" if account else ""
    return f"“{tool}” waits until {admin_of(owner)} approves it. Then it runs as {name_of(owner)}{through}."


# --- Policies

VERDICTS: Final[dict[Verdict, str]] = {
    Verdict.ALLOW: "may run",
    Verdict.ASK: "need approval for",
    Verdict.DENY: "may not run",
}
EFFECT_TOOLS: Final[dict[ToolEffect | None, str]] = {
    ToolEffect.READ: "reading tools",
    ToolEffect.WRITE: "writing tools",
    ToolEffect.DESTRUCTIVE: "destructive tools",
    None: "tools",
}


def policy_sentence(rule: PolicyRule) -> str:
    """The rule as a person would say it: `Members need approval for writing tools of GitHub.`"""
    return f"{_who_may(rule)} {EFFECT_TOOLS[rule.effect]} {policy_place(rule)}."


def _who_may(rule: PolicyRule) -> str:
    """Everybody is members, keys, applications and their end users."""
    if rule.role:
        return f"{ROLE_LABELS[rule.role]}s {VERDICTS[rule.verdict]}"
    one = _one(rule)
    if not one and rule.verdict is Verdict.DENY:
        return "Nobody may run"
    return f"{one or 'Everybody'} {VERDICTS[rule.verdict].replace('need ', 'needs ')}"


def _one(rule: PolicyRule) -> str:
    """The person or application of whom alone it speaks."""
    if rule.user_id:
        return rule.person or "One person"
    if rule.application_id:
        return f"The application {rule.application}" if rule.application else "One application"
    return ""


def policy_place(rule: PolicyRule) -> str:
    if rule.account_id:
        return f"through {rule.place or 'one account'}"
    return f"of {rule.place or rule.toolkit}" if rule.toolkit else "of all toolkits"


def policy_denied(tool: str, rule: PolicyRule) -> str:
    who = admin_of(rule.owner)
    return f"A policy does not allow “{tool}”: {policy_sentence(rule)} {who[0].upper()}{who[1:]} can change it."


def approval_impossible(tool: str, rule: PolicyRule) -> str:
    """A run for an end user that a policy wants somebody to approve."""
    who = admin_of(rule.owner)
    return (
        f"“{tool}” needs approval, and for an end user nobody can give it: {policy_sentence(rule)} "
        "What an end user's runs carry is read by the application alone. "
        f"{who[0].upper()}{who[1:]} can change the policy for this application."
    )


def change_policy(owner: OwnerRef | None, *, may: bool) -> str:
    return "Change the policy" if may else f"Ask {admin_of(owner)} to allow it"


def _policy(case: _Case) -> str:
    rule, owner = case.rule, case.ruled_by
    if rule is None:
        return f"No policy of {name_of(owner)} speaks of it" if owner else "Policies are for organizations"
    if rule.verdict is Verdict.ASK:
        return f"{'Approved' if case.question.is_approved else 'Needs approval'}: {policy_sentence(rule)}"
    return policy_sentence(rule)


def passed(code: str, case: _Case) -> str:
    """The detail beside a check that passed."""
    actor = case.question.actor
    if code == "actor":
        return _who(actor)
    if code == "id_reach":
        return f"Acting as {name_of(case.owner)}"
    if code == "role":
        role = actor.role_in(case.owner) if case.owner else None
        return f"Your role is {ROLE_LABELS[role].lower()}" if role else _no_role(case.owner)
    if code == "policy":
        return _policy(case)
    return _account(case) if code == "account" else ""


def _no_role(owner: OwnerRef | None) -> str:
    if is_end_user(owner):
        return "An application acts for its own end user, so no role is needed"
    return "You act as yourself, so no role is needed"


def _account(case: _Case) -> str:
    tool = case.question.tool
    if not tool.needs_account or case.choice is None:
        return f"“{tool.name}” needs no account"
    account, because = case.choice
    return f"{account.label or 'One account'}: {BECAUSE[because.value]}"


def _who(actor: Actor) -> str:
    by_key = actor.kind is ActorKind.USER_KEY or actor.is_organizations_key
    return f"{actor.label or actor.username}{' (API key)' if by_key else ''}"


BECAUSE: Final[dict[str, str]] = {
    "named": "you named it",
    "pinned": "this session pins it",
    "default": "it is marked as the default",
    "newest": "the most recently connected one",
    "not_needed": "this tool needs no account",
}
