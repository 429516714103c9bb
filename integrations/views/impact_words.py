"""What a change would touch, in sentences: the lines of the one component that every such page shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from integrations.queries.impact import Change, Impact, MemberImpact, OrganizationImpact
from integrations.queries.lost_tools import ScopeImpact
from orgs.permissions import GRANTS, OwnerRef, Permission, Role

NAMES_SHOWN = 8


@dataclass(frozen=True)
class Line:
    """A label, and beside it a sentence that may begin with a number and end with names."""

    label: str
    text: str
    number: int | None = None
    names: Sequence[str] = field(default_factory=list)

    @property
    def first_names(self) -> Sequence[str]:
        return self.names[:NAMES_SHOWN]

    @property
    def others(self) -> int:
        return max(0, len(self.names) - NAMES_SHOWN)


def account_lines(impact: Impact, owner: OwnerRef, change: Change) -> list[Line]:
    """Before an account is disconnected, paused or made the default."""
    if change is Change.DEFAULT:
        following = "in which an agent follows the default and uses it from then on"
        switches = [_who_switches(impact, owner), _sessions(impact.followers, following)]
        return [_new_default(impact), *switches, _pinned_runs(impact), _recent(impact)]
    return [
        _who(impact, owner),
        _waiting_runs(impact, change),
        _sessions(impact.sessions, "in which an agent uses it now"),
        _recent(impact),
        _next_default(impact, owner),
    ]


def at_provider(impact: Impact) -> Line:
    """What becomes of the access itself when an account is disconnected."""
    account, toolkit = impact.account, impact.account.toolkit.name
    if impact.shares_grant:
        text = f"Our copy of the credentials is wiped at once. {toolkit} is not asked to withdraw the access: that"
        return Line(
            f"At {toolkit}", f"{text} would also end another connection of the same account, which may be in use."
        )
    if account.scheme == "oauth2":
        text = f"Our copy of the credentials is wiped at once, then {toolkit} is asked to withdraw the access."
        return Line(f"At {toolkit}", f"{text} You will see whether it confirmed.")
    text = f"Our copy of the key is wiped at once. The key itself stays valid at {toolkit} until you delete it there."
    return Line(f"At {toolkit}", text)


def _who(impact: Impact, owner: OwnerRef) -> Line:
    label, toolkit = "Who loses it", impact.account.toolkit.name
    if not owner.is_organization:
        return Line(label, "Only you. Nobody else could use it.")
    people = impact.audience.names
    noun = "member" if len(people) == 1 else "members"
    text = f"{noun} of {owner.label} can no longer run {toolkit} tools through it"
    return Line(label, text, len(people), people)


def _who_switches(impact: Impact, owner: OwnerRef) -> Line:
    label, toolkit = "Who switches", impact.account.toolkit.name
    if impact.is_in_use:
        return Line(label, "Nobody: it is in use already.")
    if not owner.is_organization:
        return Line(label, "Only you.")
    people = impact.audience.names
    noun = "member" if len(people) == 1 else "members"
    text = f"{noun} of {owner.label}, when they run {toolkit} tools without naming an account"
    return Line(label, text, len(people), people)


def scope_lines(impact: ScopeImpact) -> list[Line]:
    """Before an account is connected anew with less than it has, and some of its tools stop."""
    count = impact.queued_runs
    waiting = Line("Waiting runs", "None is waiting for them.")
    if count:
        waiting = Line("Waiting runs", f"waiting {_runs(count)} of them will be refused.", count)
    asked = ", asked for by" if impact.recent_people else "."
    recent = Line("Last 30 days", "They were not run.")
    if impact.recent_runs:
        text = f"{_runs(impact.recent_runs)} of them through it{asked}"
        recent = Line("Last 30 days", text, impact.recent_runs, impact.recent_people)
    return [waiting, recent, _sessions(impact.sessions, "in which an agent uses the account now")]


def _waiting_runs(impact: Impact, change: Change) -> Line:
    label, count = "Waiting runs", impact.queued_runs
    if not count:
        return Line(label, "None is waiting for it.")
    if change is Change.PAUSE:
        text = f"waiting {_runs(count)} will be refused, unless you resume it before a worker takes {_them(count)}."
        return Line(label, text, count)
    return Line(label, f"waiting {_runs(count)} will be refused. Nothing of {_them(count)} is sent.", count)


def _pinned_runs(impact: Impact) -> Line:
    before = impact.before.label if impact.before and not impact.is_in_use else "the account that was chosen for them"
    return Line("Waiting runs", f"Runs that wait already keep {before}: it was chosen when they were asked for.")


def _sessions(count: int, which: str) -> Line:
    return Line("Sessions", f"session{_s(count)} {which}.", count) if count else Line("Sessions", "None.")


def _recent(impact: Impact) -> Line:
    if not impact.runs:
        return Line("Runs so far", "None.")
    text = f"in all, {impact.recent_runs} of them in the last 30 days. Their records stay."
    if impact.recent_people:
        text = f"in all, {impact.recent_runs} of them in the last 30 days, asked for by"
    return Line("Runs so far", text, impact.runs, impact.recent_people)


def _next_default(impact: Impact, owner: OwnerRef) -> Line:
    label, toolkit = "Default", impact.account.toolkit.name
    under = f" as {owner.label}" if owner.is_organization else ""
    if not impact.is_in_use:
        return Line(label, "It is not the default, so nothing changes there.")
    if impact.after is None:
        text = f"It is the only one: {toolkit} tools will not run{under} until another account is connected."
        return Line(label, text)
    if impact.after == impact.account:
        text = f"It stays the default: {toolkit} runs that name no account are refused{under} until you resume it."
        return Line(label, text)
    if not impact.after_works:
        text = f"Runs that name no account use {impact.after.label} from then on, which does not work at the moment."
        return Line(label, text)
    return Line(label, f"Runs that name no account use {impact.after.label} from then on.")


def _new_default(impact: Impact) -> Line:
    if impact.is_in_use:
        text = f"Runs that name no account use {impact.account.label} already."
        return Line("Default", f"{text} Marked, it stays so when a newer one is connected.")
    instead = f" instead of {impact.before.label}" if impact.before else ""
    warning = "" if impact.after_works else " It does not work at the moment, so they would be refused."
    return Line("Default", f"Runs that name no account use {impact.account.label}{instead}.{warning}")


def member_lines(impact: MemberImpact, owner: OwnerRef, *, is_self: bool) -> list[Line]:
    """Before a membership ends: somebody else's, or one's own."""
    lines = [
        Line("At once", _at_once(owner, is_self=is_self)),
        _their_waiting_runs(impact, owner),
        Line("Last 30 days", f"{_runs(impact.recent_runs)} under {owner.label}. The records stay.", impact.recent_runs),
        _keys(impact, owner),
        _sessions(impact.sessions, f"made for {owner.label} {'ends' if impact.sessions == 1 else 'end'}"),
        _invitations(impact),
    ]
    if impact.flows:
        text = f"connection{_s(impact.flows)}, begun and not finished, {_is(impact.flows)} given up."
        lines.append(Line("Begun connections", text, impact.flows))
    others = len(impact.others)
    people = f"{others} other {'member' if others == 1 else 'members'}"
    kept = f"Every account that is connected under it. {people} can go on running tools through them."
    own = (
        f"What is connected under {'your' if is_self else 'their'} own user ID. {owner.label} never had a way into it."
    )
    return [*lines, Line(f"{owner.label} keeps", kept), Line("You keep" if is_self else "They keep", own)]


def _at_once(owner: OwnerRef, *, is_self: bool) -> str:
    if is_self:
        return (
            f"You see nothing of {owner.label} any more and run nothing in its name. Coming back takes an invitation."
        )
    return f"They are out of {owner.label} from their next request on, in every open window and with every key."


def _their_waiting_runs(impact: MemberImpact, owner: OwnerRef) -> Line:
    count = impact.queued_runs
    if not count:
        return Line("Waiting runs", f"None waits under {owner.label}.")
    text = f"waiting {_runs(count)} under {owner.label} {_is(count)} cancelled, because the membership ended."
    return Line("Waiting runs", f"{text} Nothing of {_them(count)} is sent.", count)


def _keys(impact: MemberImpact, owner: OwnerRef) -> Line:
    count = len(impact.keys)
    if not count:
        return Line("API keys", f"No personal key is bound to {owner.label}.")
    verb = "ends" if count == 1 else "end"
    return Line("API keys", f"personal API key{_s(count)} bound to {owner.label} {verb} for good.", count)


def _invitations(impact: MemberImpact) -> Line:
    count = len(impact.invitations)
    if not count:
        return Line("Invitations", "None is open.")
    return Line("Invitations", f"open invitation{_s(count)} sent by this person {_is(count)} withdrawn.", count)


def role_lines(impact: MemberImpact, owner: OwnerRef, after: Role) -> list[Line]:
    """Before a member gets another role: what of theirs goes on, and what stops."""
    recent = Line("Last 30 days", f"{_runs(impact.recent_runs)} under {owner.label}.", impact.recent_runs)
    lines = [_refused_runs(impact, owner), recent, _their_sessions(impact, after), _begun(impact, after)]
    if impact.invitations:
        count = len(impact.invitations)
        text = f"open invitation{_s(count)}, which the new role could not send, {_is(count)} withdrawn."
        lines.append(Line("Invitations", text, count))
    return [one for one in lines if one.number]


def _refused_runs(impact: MemberImpact, owner: OwnerRef) -> Line:
    count = impact.queued_runs
    text = f"waiting {_runs(count)} under {owner.label} would no longer be allowed and {_is(count)} refused."
    return Line("Waiting runs", text, count)


def _their_sessions(impact: MemberImpact, after: Role) -> Line:
    """Sessions have the rights that their maker has at each run."""
    goes_on = Permission.TOOLS_EXECUTE in GRANTS[after]
    what = "go on with the new rights" if goes_on else "run nothing any more"
    what = what.replace("go ", "goes ").replace("run ", "runs ") if impact.sessions == 1 else what
    return Line("Sessions", f"session{_s(impact.sessions)} of theirs {what}.", impact.sessions)


def _begun(impact: MemberImpact, after: Role) -> Line:
    """The right to connect is asked again before anything is stored."""
    stops = Permission.CONNECTED_ACCOUNTS_MANAGE not in GRANTS[after]
    text = f"connection{_s(impact.flows)}, begun and not finished, cannot be finished by them."
    return Line("Begun connections", text, impact.flows if stops else 0)


def suspension_lines(impact: MemberImpact, owner: OwnerRef) -> list[Line]:
    """Before a member is suspended: nothing is deleted, and what a worker takes meanwhile is refused."""
    count = impact.queued_runs
    waiting = Line("Waiting runs", f"None waits under {owner.label}.")
    if count:
        text = f"waiting {_runs(count)}: each is refused when a worker takes it, unless you lift the suspension before."
        waiting = Line("Waiting runs", text, count)
    keys = f"They do nothing under {owner.label} meanwhile, and work again after you lift the suspension."
    return [
        Line("At once", f"They see nothing of {owner.label} any more and run nothing in its name, with no key either."),
        waiting,
        Line("Last 30 days", f"{_runs(impact.recent_runs)} under {owner.label}.", impact.recent_runs),
        Line("API keys", keys),
        _invitations(impact),
        Line("Stays", f"Their role, their own accounts, and every account of {owner.label}, also what they connected."),
    ]


def organization_lines(impact: OrganizationImpact, owner: OwnerRef) -> list[Line]:
    """Before an organization is deleted."""
    names = [f"{one.toolkit.name}: {one.label}" for one in impact.accounts]
    people, accounts, waiting = len(impact.members), len(impact.accounts), impact.queued_runs
    return [
        Line("Members", f"{'person' if people == 1 else 'people'} lose {owner.label}", people, impact.members),
        Line("Connections", f"connected account{_s(accounts)} {_is(accounts)} disconnected", accounts, names),
        Line("Waiting runs", f"waiting {_runs(waiting)} {_is(waiting)} not sent.", waiting),
        _sessions(impact.sessions, "ends" if impact.sessions == 1 else "end"),
        Line("Runs so far", f"in all, {impact.recent_runs} of them in the last 30 days.", impact.runs),
        Line("API keys", f"API key{_s(impact.keys)} of or bound to {owner.label} stop working.", impact.keys),
        Line("Invitations", f"open invitation{_s(impact.invitations)} lead nowhere.", impact.invitations),
    ]


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
