"""The page of a connection: who used it, which scopes drift, what was done to it, and who can bring it back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ConnectedAccount
from integrations.queries.outages import outage_among
from integrations.queries.scopes import scopes_of
from integrations.queries.usage import DAYS, usage_of
from orgs.audit import Target, denied
from orgs.errors import NotFoundError
from orgs.queries.notices import told_at
from tests.factories import (
    NOW,
    actor_of,
    make_audit_event,
    make_auth_config,
    make_connected_account,
    make_execution,
    make_notice,
    make_tool,
    make_toolkit,
    owner_ref,
)
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(world: World) -> ConnectedAccount:
    return make_connected_account(make_toolkit(), owner=world.acme)


def run(account: ConnectedAccount, world: World, persona: str = "member", **values: Any) -> None:
    tool = account.toolkit.tools.first() or make_tool(account.toolkit)
    defaults = {"status": "succeeded", "created_at": NOW, "connected_account": account}
    make_execution(values.pop("tool", tool), owner=world.acme, user=world.people[persona], **{**defaults, **values})


# --- Usage


def test_usage_counts_by_day_tool_and_person(world: World, account: ConnectedAccount) -> None:
    other = make_tool(account.toolkit, "GITHUB_OTHER")
    run(account, world, tool=other)
    for days in (0, 0, 3):
        run(account, world, "admin", tool=other, created_at=NOW - timedelta(days=days))
    run(account, world, status="failed", tool=make_tool(account.toolkit))
    run(account, world, created_at=NOW - timedelta(days=DAYS + 1))

    usage = usage_of(actor=actor_of(world.viewer), owner=world.acme.ref, account=account, now=NOW)

    assert (usage.count, usage.badly) == (5, 1)
    assert [(bar.label, bar.count, bar.percent) for bar in usage.tools] == [
        ("GITHUB_OTHER", 4, 100),
        ("GITHUB_GET_THING", 1, 25),
    ]
    assert [(bar.key, bar.count) for bar in usage.people] == [(world.admin.text_id, 3), (world.member.text_id, 2)]
    assert len(usage.days) == DAYS
    assert [bar.count for bar in usage.days if bar.count] == [1, 4]
    assert usage.busiest.label == f"{NOW.day} {NOW:%b}"


def test_usage_of_nothing_and_of_nobody(world: World, account: ConnectedAccount) -> None:
    reading: dict[str, Any] = {"actor": actor_of(world.member), "owner": world.acme.ref, "account": account, "now": NOW}
    assert (usage_of(**reading).count, usage_of(**reading).days) == (0, [])
    make_execution(make_tool(account.toolkit), owner=world.acme, connected_account=account, created_at=NOW)

    assert [(bar.label, bar.key) for bar in usage_of(**reading).people] == [("An API key", "")]


def test_usage_is_nobody_elses_business(world: World, account: ConnectedAccount) -> None:
    with pytest.raises(NotFoundError):
        usage_of(actor=actor_of(world.outsider), owner=world.acme.ref, account=account, now=NOW)


# --- Scopes


def scoped(world: World, granted: list[str] | None, asked: list[str]) -> ConnectedAccount:
    toolkit = make_toolkit()
    toolkit.definition["auth_schemes"][0]["base_scopes"] = ["base"]
    toolkit.definition["scopes"] = {"read": "Read things"}
    toolkit.save()
    make_tool(toolkit, "GITHUB_READ", name="Read", scopes=[["read"], ["all"]])
    make_tool(toolkit, "GITHUB_WRITE", name="Write", scopes=[["write"]])
    make_tool(toolkit, "GITHUB_DESTROY", name="Destroy", scopes=[["destroy"]])
    config = make_auth_config(toolkit, scopes=asked)
    return make_connected_account(toolkit, owner=world.acme, auth_config=config, scopes=granted)


def test_scopes_show_what_a_new_consent_would_bring(world: World) -> None:
    account = scoped(world, ["base", "read", "old"], ["read", "write"])

    report = scopes_of(actor=actor_of(world.member), owner=world.acme.ref, account=account)

    assert report is not None
    assert [(row.scope, row.is_granted, row.is_asked, row.tools) for row in report.rows] == [
        ("base", True, True, 0),
        ("read", True, True, 1),
        ("old", True, False, 0),
        ("write", False, True, 1),
    ]
    assert report.rows[1].words == "Read things"
    assert report.needs_consent
    assert [tool.slug for tool in report.comes_back] == ["GITHUB_WRITE"]
    assert [tool.slug for tool in report.beyond] == ["GITHUB_DESTROY"]
    assert [row.scope for row in report.idle] == ["old"]


def test_scopes_in_step_need_no_consent(world: World) -> None:
    account = scoped(world, ["read", "write"], ["read", "write"])

    report = scopes_of(actor=actor_of(world.admin), owner=world.acme.ref, account=account)

    assert report is not None
    assert (report.needs_consent, report.idle) == (False, [])


def test_scopes_that_the_provider_does_not_tell_are_not_guessed(world: World) -> None:
    account = scoped(world, None, ["read"])

    assert scopes_of(actor=actor_of(world.admin), owner=world.acme.ref, account=account) is None
    with pytest.raises(NotFoundError):
        scopes_of(actor=actor_of(world.outsider), owner=world.acme.ref, account=account)


# --- Outages


@pytest.mark.parametrize(
    ("status", "is_down"), [("active", False), ("paused", False), ("expired", True), ("failed", True)]
)
def test_an_outage_names_what_is_down_and_who_can_help(world: World, status: str, *, is_down: bool) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme, status=status)

    found = outage_among(actor=actor_of(world.member), owner=world.acme.ref, accounts=[account])

    assert (found is not None) is is_down
    if found:
        assert set(found.fixers) == {world.admin.display_name, world.owner.display_name}
        assert (found.by_actor, found.told_at) == (False, None)


def test_an_outage_says_when_those_who_can_help_were_told(world: World) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme, status="expired")
    path = f"/orgs/acme/connections/{account.text_id}/"
    make_notice(world.admin, organization=world.acme, path=path)
    make_notice(world.outsider, organization=world.globex, path=path, created_at=NOW + timedelta(days=1))

    found = outage_among(actor=actor_of(world.admin), owner=world.acme.ref, accounts=[account])

    assert found is not None
    assert (found.told_at, found.by_actor) == (NOW, True)
    with pytest.raises(NotFoundError):
        told_at(actor=actor_of(world.outsider), owner=world.acme.ref, paths=[path])


def test_ones_own_account_is_no_outage(world: World) -> None:
    account = make_connected_account(make_toolkit(), owner=world.member, status="expired")

    assert outage_among(actor=actor_of(world.member), owner=owner_ref(world.member), accounts=[account]) is None


# --- The pages


def page(world: World, persona: str, path: str) -> str:
    response = world.client(persona).get(path)
    assert response.status_code == 200
    return response.text


def test_members_see_on_the_list_and_on_the_tool_what_is_down(world: World) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme, status="expired")
    make_tool(account.toolkit)

    for path in ("connections/", f"connections/{account.text_id}/", "tools/GITHUB_GET_THING/"):
        text = page(world, "member", f"/orgs/acme/{path}")
        assert "Github of Acme is down" in text
        assert f"<strong>{world.admin.display_name}</strong>" in text
    assert "You can reconnect it." in page(world, "admin", "/orgs/acme/connections/")


def test_a_tool_that_runs_through_another_account_is_not_down(world: World) -> None:
    toolkit = make_toolkit()
    make_connected_account(toolkit, owner=world.acme, status="expired")
    make_connected_account(toolkit, owner=world.acme, identity_key="2", is_default=True)
    make_tool(toolkit)

    assert "is down" not in page(world, "member", "/orgs/acme/tools/GITHUB_GET_THING/")


def test_the_page_shows_usage_with_links_to_the_runs(world: World, account: ConnectedAccount) -> None:
    run(account, world, created_at=timezone.now())

    text = page(world, "viewer", f"/orgs/acme/connections/{account.text_id}/")

    assert f"?account={account.text_id}&amp;tool=GITHUB_GET_THING&amp;time=30d" in text
    assert f"person={world.member.text_id}" in text
    assert "style=" not in text


def test_the_page_shows_drift_and_the_way_to_mend_it(world: World) -> None:
    account = scoped(world, ["read"], ["read", "write"])

    text = page(world, "admin", f"/orgs/acme/connections/{account.text_id}/")

    assert "A new consent is needed" in text
    assert f"reconnect={account.text_id}" in text
    assert "Consent anew" not in page(world, "member", f"/orgs/acme/connections/{account.text_id}/")


def test_the_history_is_for_those_who_read_the_log(world: World, account: ConnectedAccount) -> None:
    target = Target("connected_account", account.text_id, "GitHub")
    event = make_audit_event(world.acme, world.admin, target=target)
    make_audit_event(world.acme, world.member, target=target, result=denied("role_insufficient"))
    make_audit_event(world.globex, world.outsider, target=target)
    path = f"/orgs/acme/connections/{account.text_id}/"

    text = page(world, "admin", path)

    assert f"/orgs/acme/audit/{event.text_id}/" in text
    assert "role_insufficient" in text
    assert world.outsider.display_name not in text
    assert "History" not in page(world, "member", path)


def test_members_can_ask_from_the_list(world: World, account: ConnectedAccount) -> None:
    text = page(world, "member", "/orgs/acme/connections/")

    assert "Request a connection" in text
    assert "/orgs/acme/requests/new/?toolkit=github" in text
    assert f"account={account.text_id}" in text
    assert "Your role runs tools through them" in text
    assert "Request a connection" not in page(world, "admin", "/orgs/acme/connections/")


# --- Runs by person


def test_runs_can_be_narrowed_down_to_a_person(world: World, account: ConnectedAccount) -> None:
    run(account, world, "member", error_code="by_member")
    run(account, world, "admin", tool=make_tool(account.toolkit, "GITHUB_BY_ADMIN"))

    path = "/orgs/acme/runs/"
    rows = page(world, "viewer", f"{path}?person={world.admin.text_id}").partition('id="run-list"')[2]
    assert "GITHUB_BY_ADMIN" in rows
    assert "GITHUB_GET_THING" not in rows
    assert "GITHUB_GET_THING" in page(world, "viewer", f"{path}?person=nobody").partition('id="run-list"')[2]
