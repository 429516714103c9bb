"""The requests pages: the desk, one's own list, asking, one request, and the ways that lead there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from integrations.models import ConsentRequest, Toolkit
from integrations.queries import consent_requests
from tests.factories import (
    NOW,
    make_auth_config,
    make_connected_account,
    make_consent_request,
    make_execution,
    make_policy,
    make_tool,
    make_toolkit,
)
from tests.world import World

DESK = "/orgs/acme/requests/"
ASK = "/orgs/acme/requests/new/"


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, "GITHUB_READ", name="Read it")
    make_tool(toolkit, "GITHUB_WRITE", effect="write", name="Write it")
    return toolkit


@pytest.fixture
def member(world: World) -> Client:
    return world.client("member")


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def text(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def rows() -> list[ConsentRequest]:
    return list(ConsentRequest.objects.unscoped("a test looks at what it made").order_by("id"))


# --- The lists


def test_the_desk_shows_what_is_open_and_the_rest_on_demand(world: World, admin: Client, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.member, world.owner])
    make_consent_request(make_toolkit("slack", name="Slack"), owner=world.acme, users=[world.owner], status="denied")

    usual, everything = text(admin, DESK), text(admin, f"{DESK}?status=all")

    assert "Connect GitHub" in usual
    assert "2 people" in usual
    assert "mia needs it" in usual
    assert "Connect Slack" not in usual
    assert "Connect Slack" in everything


def test_a_member_sees_their_own_and_nobody_elses(world: World, member: Client, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.member], status="denied")
    make_consent_request(make_toolkit("slack", name="Slack"), owner=world.acme, users=[world.owner])

    for page in (text(member, DESK), text(member, "/me/requests/")):
        assert "Connect GitHub" in page
        assert "Connect Slack" not in page


def test_under_ones_own_id_stands_what_one_asked_everywhere(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.owner])

    page = text(world.client("owner"), "/me/requests/")

    assert f'href="{DESK}{row.text_id}/"' in page
    assert "Acme" in page


def test_whoever_left_does_not_see_what_they_asked_for(world: World, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.ex_member])

    assert "Connect GitHub" not in text(world.client("ex_member"), "/me/requests/")


@pytest.mark.parametrize(
    ("persona", "query", "words"),
    [
        ("admin", "", "Nobody has asked for anything yet"),
        ("member", "", "You have asked for nothing yet"),
        ("viewer", "", "Viewers do not run tools, so they ask for none."),
    ],
)
def test_nothing_was_asked_yet(world: World, persona: str, query: str, words: str) -> None:
    assert words in text(world.client(persona), f"{DESK}{query}")


def test_nothing_is_left_or_nothing_matches(world: World, admin: Client, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.member], status="denied")

    assert "Nothing waits for a decision" in text(admin, DESK)
    assert "No request matches these filters" in text(admin, f"{DESK}?status=blocked")
    assert "No request matches these filters" in text(admin, f"{DESK}?status=all&mine=1")
    assert "Connect GitHub" in text(admin, f"{DESK}?status=denied")


def test_older_ones_stand_on_the_next_page(
    world: World, admin: Client, toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_requests.list_requests, "__kwdefaults__", {"before": "", "limit": 1})
    make_consent_request(toolkit, owner=world.acme, users=[world.member])
    newer = make_consent_request(make_toolkit("slack", name="Slack"), owner=world.acme, users=[world.member])

    assert f"?before={newer.text_id}" in text(admin, DESK)
    assert "Connect GitHub" in text(admin, f"{DESK}?before={newer.text_id}")


# --- Asking


def test_asking_without_a_toolkit_offers_all_that_need_an_account(
    world: World, member: Client, toolkit: Toolkit
) -> None:
    make_toolkit("news", name="News", needs_account=False)
    blocked = make_toolkit("slack", name="Slack")
    make_consent_request(blocked, owner=world.acme, users=[world.owner], status="blocked", decision_reason="Never")
    joined = make_toolkit("jira", name="Jira")
    make_consent_request(joined, owner=world.acme, users=[world.owner])
    mine = make_toolkit("gmail", name="Gmail")
    row = make_consent_request(mine, owner=world.acme, users=[world.member])

    page = text(member, ASK)

    assert f'href="{ASK}?toolkit=github"' in page
    assert "News" not in page
    assert "They wrote: Never" in page
    assert "Join the request" in page
    assert row.text_id in page


def test_the_form_is_filled_in_and_asks(world: World, member: Client, toolkit: Toolkit) -> None:
    page = text(member, f"{ASK}?toolkit=github&tool=GITHUB_WRITE")
    answer = member.post(ASK, {"toolkit": "github", "reason": "To write", "tools": ["GITHUB_WRITE"]})

    [row] = rows()
    assert 'value="GITHUB_WRITE" checked' in page
    assert "Decided by admin_of_acme, owner_of_acme." in page
    assert answer["Location"] == f"{DESK}{row.text_id}/"
    assert "The admins of Acme are told" in text(member, answer["Location"])


def test_what_was_typed_is_kept_when_the_reason_is_missing(member: Client, toolkit: Toolkit) -> None:
    answer = member.post(ASK, {"toolkit": "github", "tools": ["GITHUB_WRITE"]})

    assert answer.status_code == 422
    assert "Say why you need it" in answer.content.decode()
    assert 'value="GITHUB_WRITE" checked' in answer.content.decode()
    assert rows() == []


def test_joining_others_is_said_before_and_after(world: World, member: Client, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.owner])

    assert "Others have asked for the same" in text(member, f"{ASK}?toolkit=github")
    answer = member.post(ASK, {"toolkit": "github", "reason": "Me too"}, follow=True).content.decode()

    assert "You joined them" in answer
    assert "and so did 1 other" in answer
    assert "owner_of_acme needs it" not in answer


def test_asking_again_is_said_before_and_after(world: World, member: Client, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.member])

    assert "You have asked for this already" in text(member, f"{ASK}?toolkit=github")
    answer = member.post(ASK, {"toolkit": "github", "reason": "Still"}, follow=True).content.decode()
    assert "is kept anew" in answer


def test_a_block_is_the_reason_beside_the_control(world: World, member: Client, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.owner], status="blocked", decision_reason="Never")

    page = text(member, f"{ASK}?toolkit=github")
    answer = member.post(ASK, {"toolkit": "github", "reason": "Please"})

    assert "An admin has blocked this. Ask admin_of_acme or owner_of_acme to lift it." in page
    assert answer.status_code == 422
    assert "They wrote: Never" in answer.content.decode()


def test_whoever_may_connect_is_told_so(admin: Client, toolkit: Toolkit) -> None:
    assert "You may connect it yourself" in text(admin, f"{ASK}?toolkit=github")


@pytest.mark.parametrize("query", ["?toolkit=nothing", "?toolkit=github&account=ca_nonsense"])
def test_what_is_not_there_cannot_be_asked_for(member: Client, toolkit: Toolkit, query: str) -> None:
    assert member.get(f"{ASK}{query}").status_code == 404


def test_access_is_asked_for_an_account_of_the_organization(world: World, member: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, identity_label="acme-bot")
    theirs = make_connected_account(toolkit, owner=world.globex)

    assert "Request access to acme-bot" in text(member, f"{ASK}?toolkit=github&account={account.text_id}")
    assert member.get(f"{ASK}?toolkit=github&account={theirs.text_id}").status_code == 404
    member.post(ASK, {"toolkit": "github", "account": account.text_id, "reason": "To write"})
    assert rows()[0].connected_account == account


# --- One request


@pytest.fixture
def row(world: World, toolkit: Toolkit) -> ConsentRequest:
    make_auth_config(toolkit)
    return make_consent_request(toolkit, owner=world.acme, users=[world.member])


def decide(client: Client, row: ConsentRequest, decision: str, **more: str) -> str:
    answer = client.post(f"{DESK}{row.text_id}/", {"decision": decision, **more}, follow=True)
    return str(answer.content.decode())


def test_an_admin_sees_what_it_means_and_the_way_to_approve(admin: Client, row: ConsentRequest) -> None:
    row.requesters.update(tools=["GITHUB_WRITE"])

    page = text(admin, f"{DESK}{row.text_id}/")

    assert f'href="/orgs/acme/connections/new/github/?request={row.text_id}"' in page
    assert "Write it" in page
    assert "3 people in Acme could run its tools" in page


def test_a_member_is_offered_to_take_it_back_and_nothing_else(member: Client, row: ConsentRequest) -> None:
    page = text(member, f"{DESK}{row.text_id}/")

    assert "Take it back" in page
    assert "Nobody else asks for it, so that ends it." in page
    assert "Approve" not in page
    assert "You took it back." in decide(member, row, "withdraw")
    assert "You took your part back." in text(member, f"{DESK}{row.text_id}/")


def test_denying_opening_again_blocking_lifting(admin: Client, member: Client, row: ConsentRequest) -> None:
    assert "Denied. Everybody who asked is told why." in decide(admin, row, "deny", reason="No budget")
    page = text(member, f"{DESK}{row.text_id}/")
    assert "No budget" in page
    assert "Ask again" in page
    assert "It is open again." in decide(admin, row, "reopen")
    assert "Blocked. Nobody can ask" in decide(admin, row, "block", reason="Never")
    assert "until an admin lifts the block" in text(member, f"{DESK}{row.text_id}/")
    assert "The block is lifted." in decide(admin, row, "lift")


def test_no_without_a_reason_is_not_said(admin: Client, row: ConsentRequest) -> None:
    answer = admin.post(f"{DESK}{row.text_id}/", {"decision": "deny"})

    assert answer.status_code == 422
    assert "Say why: whoever asked reads it." in answer.content.decode()
    assert rows()[0].status == "open"


def test_who_is_too_late_is_told(admin: Client, row: ConsentRequest) -> None:
    decide(admin, row, "deny", reason="No")

    assert "This request is denied by now" in decide(admin, row, "block", reason="Never")


def test_a_member_decides_nothing(member: Client, row: ConsentRequest) -> None:
    assert member.post(f"{DESK}{row.text_id}/", {"decision": "deny", "reason": "x"}).status_code == 403
    assert rows()[0].status == "open"


def test_own_approval_is_disabled_with_the_reason(world: World, toolkit: Toolkit) -> None:
    own = make_consent_request(toolkit, owner=world.acme, users=[world.admin])

    page = text(world.client("admin"), f"{DESK}{own.text_id}/")

    assert "You asked for this yourself, so somebody else decides. Ask owner_of_acme." in page
    assert f"?request={own.text_id}" not in page


def test_an_approved_one_links_the_connection_and_says_that_it_was_their_own(
    world: World, member: Client, toolkit: Toolkit
) -> None:
    account = make_connected_account(toolkit, owner=world.acme)
    values = {"answered_with": account, "decided_by": world.owner, "was_own": True, "decided_at": NOW}
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], status="approved", **values)

    page = text(member, f"{DESK}{row.text_id}/")

    assert f"/orgs/acme/connections/{account.text_id}/" in page
    assert "was the only one who could decide" in page


def test_a_toolkit_that_is_switched_off_is_still_shown(admin: Client, row: ConsentRequest, toolkit: Toolkit) -> None:
    toolkit.is_enabled = False
    toolkit.save()

    assert "Connect GitHub" in text(admin, f"{DESK}{row.text_id}/")


def test_a_toolkit_that_is_not_set_up_says_so(world: World, admin: Client, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])

    assert "an OAuth app must be set up first" in text(admin, f"{DESK}{row.text_id}/")


def test_reading_a_request_of_nobody_or_of_others(world: World, member: Client, toolkit: Toolkit) -> None:
    theirs = make_consent_request(toolkit, owner=world.acme, users=[world.owner])

    for part in (theirs.text_id, "rq_nonsense"):
        assert member.get(f"{DESK}{part}/").status_code == 404


# --- The ways that lead there


def test_a_refusal_leads_a_member_to_the_filled_in_form(member: Client, toolkit: Toolkit) -> None:
    link = f"{ASK}?toolkit=github&amp;tool=GITHUB_READ"

    assert link in text(member, "/orgs/acme/tools/GITHUB_READ/")
    assert link in text(member, "/orgs/acme/explain/?tool=GITHUB_READ")
    assert link in text(member, "/orgs/acme/tools/")


def test_a_refused_run_leads_a_member_to_the_filled_in_form(world: World, member: Client, toolkit: Toolkit) -> None:
    tool = toolkit.tools.get(slug="GITHUB_READ")
    run = make_execution(tool, owner=world.acme, user=world.member, status="denied", error_code="no_connected_account")

    assert f"{ASK}?toolkit=github&amp;tool=GITHUB_READ" in text(member, f"/orgs/acme/runs/{run.text_id}/")


def test_a_sick_account_leads_a_member_to_a_request_for_it(world: World, member: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, status="expired")

    page = text(member, "/orgs/acme/tools/GITHUB_READ/")

    assert f"toolkit=github&amp;tool=GITHUB_READ&amp;account={account.text_id}" in page


def test_the_explainer_still_says_that_an_admin_can_fix_it(member: Client, toolkit: Toolkit) -> None:
    page = text(member, "/orgs/acme/explain/?tool=GITHUB_READ")

    assert "an admin of Acme: admin_of_acme, owner_of_acme" in page


def test_connections_offer_members_to_ask(world: World, member: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    page = text(member, "/orgs/acme/connections/")

    assert "Request a connection" in page
    assert f"{ASK}?toolkit=github&amp;account={account.text_id}" in page.replace("&account", "&amp;account")
    assert "Request GitHub" in text(member, "/orgs/acme/connections/new/")
    assert "Request GitHub" in text(member, "/orgs/acme/connections/new/github/")


@pytest.mark.parametrize("persona", ["viewer", "admin"])
def test_connections_offer_it_to_nobody_else(world: World, persona: str, toolkit: Toolkit) -> None:
    make_connected_account(toolkit, owner=world.acme)

    assert "Request a" not in text(world.client(persona), "/orgs/acme/connections/")


def test_expiry_stands_on_the_page(world: World, member: Client, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], expires_at=NOW + timedelta(days=14))

    assert "if nobody decides" in text(member, f"{DESK}{row.text_id}/")


@pytest.mark.parametrize(("verdict", "words"), [("deny", "to allow it"), ("ask", "without approval each time")])
def test_a_policy_leads_a_member_to_a_request_for_access(
    world: World, member: Client, toolkit: Toolkit, verdict: str, words: str
) -> None:
    account = make_connected_account(toolkit, owner=world.acme)
    make_policy(world.acme, verdict, toolkit=toolkit)

    page = text(member, "/orgs/acme/tools/GITHUB_READ/")

    assert words in page
    assert f"{ASK}?toolkit=github&amp;tool=GITHUB_READ&amp;account={account.text_id}" in page


def test_an_admin_approves_access_for_a_time(world: World, admin: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, identity_label="acme-bot")
    make_policy(world.acme, "deny", toolkit=toolkit)
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], connected_account=account)

    page = text(admin, f"{DESK}{row.text_id}/")
    done = decide(admin, row, "approve", account=account.text_id, days="7")

    assert "mia: reading tools and writing tools" in page
    assert "Approved. Everybody who asked is told." in done
    assert "Through acme-bot, until" in done
    [after] = rows()
    assert after.granted_until is not None


def test_an_account_that_does_not_work_is_put_right_first(world: World, admin: Client, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme, status="expired")
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], connected_account=account)

    assert f"reconnect={account.text_id}&request={row.text_id}" in text(admin, f"{DESK}{row.text_id}/")
    assert "Reconnect it first" in decide(admin, row, "approve")
    ConsentRequest.objects.owned_by(world.acme.ref).update(status="open")
    type(account).objects.owned_by(world.acme.ref).update(status="paused")
    assert "Look at the connection" in text(admin, f"{DESK}{row.text_id}/")
    type(account).objects.owned_by(world.acme.ref).update(status="revoked", credentials=None)
    assert "This account is not connected any more" in text(admin, f"{DESK}{row.text_id}/")


def test_a_new_connection_is_approved_with_one_that_is_there(world: World, admin: Client, row: ConsentRequest) -> None:
    account = make_connected_account(row.toolkit, owner=world.acme)

    assert "Or approve with an account that is connected already (1)" in text(admin, f"{DESK}{row.text_id}/")
    decide(admin, row, "approve", account=account.text_id)
    assert rows()[0].answered_with == account
