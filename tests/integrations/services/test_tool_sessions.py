"""Tool sessions: who may make, change and end them, what they hold, and what a run in one uses."""

from typing import Any
from uuid import uuid4

import pytest

from integrations.models import Execution, SessionToolkit, Toolkit, ToolSession
from integrations.models.tool_sessions import Origin
from integrations.queries.tool_sessions import (
    find_session,
    list_sessions,
    may_change,
    session_choices,
    sessions_by,
    sessions_with,
)
from integrations.services.session_runs import run_in_session
from integrations.services.tool_sessions import (
    SessionPlan,
    change_session,
    create_session,
    end_session,
    end_sessions_of_member,
)
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.models import AuditEvent
from orgs.permissions import Scope
from orgs.queries.api_keys import actor_from_key
from tests.factories import (
    NOW,
    actor_of,
    make_api_key,
    make_connected_account,
    make_session,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def github() -> Toolkit:
    return make_toolkit("github")


def make(world: World, persona: str = "member", *, plan: SessionPlan, **values: Any) -> ToolSession:
    person = world.people[persona]
    owner = values.pop("owner", person)
    wanted = {"actor": actor_of(person), "origin": Origin.DASHBOARD, "now": NOW, **values}
    return create_session(owner=owner_ref(owner), plan=plan, **wanted)


def run(world: World, session: ToolSession, tool: str, persona: str = "member", **values: Any) -> Execution:
    actor = values.pop("actor", None) or actor_of(world.people[persona])
    wanted = {"arguments": {"name": "thing"}, "origin": Origin.MCP, "now": NOW, **values}
    return run_in_session(actor=actor, session=session, tool=tool, **wanted)


def actions() -> list[str]:
    return list(
        AuditEvent.objects.filter(action__startswith="tool_session").order_by("id").values_list("action", flat=True)
    )


# --- Making one


def test_a_member_makes_a_session_for_themself_and_for_the_organization(world: World, github: Toolkit) -> None:
    own = make(world, plan=SessionPlan(name=" Mail helper ", toolkits={"GitHub": ""}))
    shared = make(world, plan=SessionPlan(toolkits={"github": ""}), owner=world.acme)

    assert (own.name, shared.name) == ("Mail helper", "Session")
    assert own.text_id.startswith("trs_")
    assert [own.owner.ref, shared.owner.ref] == [owner_ref(world.member), owner_ref(world.acme)]
    assert actions() == ["tool_session.create", "tool_session.create"]


@pytest.mark.parametrize(("persona", "error"), [("viewer", ForbiddenError), ("outsider", NotFoundError)])
def test_who_may_not_run_tools_makes_no_session(
    world: World, github: Toolkit, persona: str, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        make(world, persona, plan=SessionPlan(toolkits={"github": ""}), owner=world.acme)

    assert not ToolSession.objects.unscoped("all of them").exists()


def test_only_an_account_of_that_owner_and_toolkit_can_be_pinned(world: World, github: Toolkit) -> None:
    slack = make_toolkit("slack")
    good = make_connected_account(github, owner=world.member)
    bad = [
        make_connected_account(github, owner=world.acme),
        make_connected_account(slack, owner=world.member),
        make_connected_account(github, owner=world.member, status="revoked"),
    ]

    session = make(world, plan=SessionPlan(toolkits={"github": good.text_id}))

    assert [one.connected_account for one in session.choices.all()] == [good]
    for account in [*(one.text_id for one in bad), f"ca_{uuid4().hex}"]:
        with pytest.raises(DomainError) as caught:
            make(world, plan=SessionPlan(toolkits={"github": account}))
        assert caught.value.code == "session_account_not_found"


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (SessionPlan(), "toolkits_missing"),
        (SessionPlan(toolkits={"nothing": ""}), "toolkit_not_found"),
        (SessionPlan(takes_all=True, excluded=["nothing"]), "toolkit_not_found"),
        (SessionPlan(toolkits={"github": "octocat"}), "connected_account_id_invalid"),
        (SessionPlan(toolkits={"github": ""}, name="x" * 81), "name_invalid"),
    ],
)
def test_a_plan_that_does_not_fit_makes_nothing(world: World, github: Toolkit, plan: SessionPlan, code: str) -> None:
    with pytest.raises(DomainError) as caught:
        make(world, plan=plan)

    assert caught.value.code == code
    assert not ToolSession.objects.unscoped("all of them").exists()


# --- The account of each toolkit


def test_a_pin_stays_and_what_follows_follows(world: World, github: Toolkit) -> None:
    first = make_connected_account(github, owner=world.member, identity_key="1")
    pinned = make_session(owner=world.member, pins=[first])
    following = make_session(github, owner=world.member)
    newer = make_connected_account(github, owner=world.member, identity_key="2")

    actor = actor_of(world.member)
    [of_pinned] = session_choices(actor=actor, session=pinned)
    [of_following] = session_choices(actor=actor, session=following)

    assert (of_pinned.account, of_pinned.is_pinned) == (first, True)
    assert (of_following.account, of_following.is_pinned) == (newer, False)


def test_all_toolkits_but_the_excluded_and_the_switched_off(world: World, github: Toolkit) -> None:
    make_toolkit("slack")
    make_toolkit("gmail")
    make_toolkit("off", is_enabled=False)
    session = make(world, plan=SessionPlan(takes_all=True, excluded=["slack"]))

    choices = session_choices(actor=actor_of(world.member), session=session)

    assert [one.toolkit.slug for one in choices] == ["github", "gmail"]
    assert [one.account for one in choices] == [None, None]


# --- Runs in it


def test_a_run_uses_the_pin_and_remembers_the_session(world: World, github: Toolkit) -> None:
    tool = make_tool(github)
    first = make_connected_account(github, owner=world.member, identity_key="1")
    newer = make_connected_account(github, owner=world.member, identity_key="2")
    session = make_session(owner=world.member, pins=[first])

    row = run(world, session, tool.slug)
    named = run(world, session, tool.slug, account=newer.text_id)

    assert (row.connected_account, row.decision["because"]) == (first, "pinned")
    assert (named.connected_account, named.decision["because"]) == (newer, "named")
    assert [row.tool_session_id, row.origin] == [session.id, "mcp"]
    session.refresh_from_db()
    assert session.last_used_at == NOW


def test_a_toolkit_that_is_not_in_the_session_does_not_run_in_it(world: World, github: Toolkit) -> None:
    slack = make_toolkit("slack")
    tool = make_tool(slack)
    make_connected_account(slack, owner=world.member)
    narrow, wide = make_session(github, owner=world.member), make_session(owner=world.member, takes_all=True)

    with pytest.raises(NotFoundError):
        run(world, narrow, tool.slug)
    assert run(world, wide, tool.slug).status == "queued"

    SessionToolkit.objects.create(session=wide, toolkit=slack, is_excluded=True)
    with pytest.raises(NotFoundError):
        run(world, find_session(actor=actor_of(world.member), text=wide.text_id), tool.slug)


def test_nothing_runs_in_a_session_that_has_ended(world: World, github: Toolkit) -> None:
    tool = make_tool(github)
    session = make_session(github, owner=world.member)
    end_session(actor=actor_of(world.member), owner=owner_ref(world.member), session_id=session.id, now=NOW)

    with pytest.raises(ConflictError):
        run(world, find_session(actor=actor_of(world.member), text=session.text_id), tool.slug)


def test_the_session_fixes_the_acting_id(world: World, github: Toolkit) -> None:
    """Check M8: an organization's session does not fall back on the member's own account."""
    tool = make_tool(github)
    make_connected_account(github, owner=world.member)
    session = make_session(github, owner=world.acme, user=world.member)

    row = run(world, session, tool.slug)

    assert (row.status, row.owner.ref) == ("denied", owner_ref(world.acme))


# --- Changing and ending


@pytest.mark.parametrize(("persona", "may"), [("member", True), ("admin", True), ("viewer", False)])
def test_who_made_it_and_admins_may_change_it(world: World, github: Toolkit, persona: str, may: bool) -> None:
    session = make_session(github, owner=world.acme, user=world.member)
    actor = actor_of(world.people[persona])
    wanted = {"owner": owner_ref(world.acme), "session_id": session.id, "now": NOW}

    assert may_change(session, actor=actor) is may
    if may:
        changed = change_session(actor=actor, plan=SessionPlan(takes_all=True), **wanted)
        assert (changed.takes_all, changed.config_version) == (True, 2)
        end_session(actor=actor, **wanted)
        assert actions() == ["tool_session.change", "tool_session.end"]
    else:
        with pytest.raises(ForbiddenError):
            change_session(actor=actor, plan=SessionPlan(takes_all=True), **wanted)


def test_another_member_sees_it_and_may_not_change_it(world: World, github: Toolkit) -> None:
    session = make_session(github, owner=world.acme, user=world.admin)
    actor = actor_of(world.member)

    assert find_session(actor=actor, text=session.text_id) == session
    with pytest.raises(ForbiddenError):
        end_session(actor=actor, owner=owner_ref(world.acme), session_id=session.id, now=NOW)


def test_an_organization_key_changes_what_it_made_and_nothing_else(world: World, github: Toolkit) -> None:
    key, text = make_api_key(world.acme)
    other = make_session(github, owner=world.acme, user=world.member)
    actor = actor_from_key(secret=text, now=NOW)
    own = create_session(
        actor=actor, owner=owner_ref(world.acme), plan=SessionPlan(takes_all=True), origin=Origin.API, now=NOW
    )

    assert (own.api_key, own.created_by) == (key, None)
    end_session(actor=actor, owner=owner_ref(world.acme), session_id=own.id, now=NOW)
    with pytest.raises(ForbiddenError):
        end_session(actor=actor, owner=owner_ref(world.acme), session_id=other.id, now=NOW)


def test_a_key_without_the_scope_makes_none(world: World, github: Toolkit) -> None:
    _key, text = make_api_key(world.member, Scope.TOOLS_READ)

    with pytest.raises(ForbiddenError) as caught:
        make(world, actor=actor_from_key(secret=text, now=NOW), plan=SessionPlan(takes_all=True))

    assert caught.value.code == "insufficient_scope"


def test_strangers_find_no_session(world: World, github: Toolkit) -> None:
    session = make_session(github, owner=world.acme, user=world.member)

    assert find_session(actor=actor_of(world.viewer), text=session.text_id) == session
    for text in [session.text_id, f"trs_{uuid4().hex}", "trs_x", ""]:
        with pytest.raises(NotFoundError):
            find_session(actor=actor_of(world.outsider), text=text)


def test_somebody_who_leaves_leaves_no_session_behind(world: World, github: Toolkit) -> None:
    theirs = make_session(github, owner=world.acme, user=world.member)
    make_session(github, owner=world.acme, user=world.admin)
    make_session(github, owner=world.member)
    acting = {"owner": owner_ref(world.acme), "user_id": world.member.id}
    assert sessions_by(actor=actor_of(world.admin), **acting) == [theirs]

    with pytest.raises(ForbiddenError):
        end_sessions_of_member(actor=actor_of(world.viewer), **acting, now=NOW)
    assert end_sessions_of_member(actor=actor_of(world.admin), **acting, now=NOW) == 1

    assert ToolSession.objects.unscoped("all of them").filter(ended_at=None).count() == 2
    assert end_sessions_of_member(actor=actor_of(world.member), **acting, now=NOW) == 0


# --- What uses an account


def test_which_sessions_use_an_account(world: World, github: Toolkit) -> None:
    old = make_connected_account(github, owner=world.member, identity_key="1")
    new = make_connected_account(github, owner=world.member, identity_key="2")
    pins_old, pins_new = (make_session(owner=world.member, pins=[one]) for one in (old, new))
    follows = make_session(github, owner=world.member)
    takes_all = make_session(owner=world.member, takes_all=True)
    make_session(owner=world.member, takes_all=True, ended_at=NOW)
    without = make_session(owner=world.member, takes_all=True)
    SessionToolkit.objects.create(session=without, toolkit=github, is_excluded=True)

    reading = {"actor": actor_of(world.member), "owner": owner_ref(world.member)}

    assert sessions_with(**reading, account=old) == [pins_old]
    assert sessions_with(**reading, account=new) == [takes_all, follows, pins_new]


def test_the_list_is_newest_first_and_page_by_page(world: World, github: Toolkit) -> None:
    first, second, third = (make_session(github, owner=world.member) for _ in range(3))
    over = make_session(github, owner=world.member, ended_at=NOW)
    reading = {"actor": actor_of(world.member), "owner": owner_ref(world.member)}

    page = list_sessions(**reading, limit=2)
    rest = list_sessions(**reading, limit=2, before=page.older)

    assert [page.rows, rest.rows, rest.older] == [[third, second], [first], ""]
    assert list_sessions(**reading, ended=True).rows == [over]
    assert len(list_sessions(**reading, ended=None).rows) == 4
    assert (over.word.label, first.word.label) == ("Ended", "Active")
