"""The pages of tools: the catalogue, one tool, and the order to run it."""

import re
from typing import Any

import pytest
from django.test import Client

from integrations.catalog import TOOLKITS_DIR, read_definitions, sync
from integrations.models import Execution, Tool, Toolkit
from orgs.models import Owner
from tests.factories import NOW, make_connected_account, make_execution, make_tool, make_toolkit
from tests.world import World

HTMX = {"HX-Request": "true"}


@pytest.fixture
def github(world: World) -> Toolkit:
    return make_toolkit("github", name="GitHub")


@pytest.fixture
def tool(github: Toolkit) -> Tool:
    return make_tool(github, "GITHUB_GET_THING", description="Reads a thing.", search_text="github get a thing")


@pytest.fixture
def open_tool(world: World) -> Tool:
    """A tool that needs no account."""
    toolkit = make_toolkit("hackernews", name="Hacker News", needs_account=False)
    return make_tool(toolkit, "HACKERNEWS_GET_USER", name="Get a user", search_text="hacker news get a user")


def text_of(response: Any) -> str:
    """What can be read, without the markup."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain).replace("&#x27;", "'").replace("&quot;", '"')


def executions_of(owner: Owner) -> list[Execution]:
    return list(Execution.objects.owned_by(owner.ref).order_by("id"))


def run(client: Client, where: str, tool: Tool, **typed: Any) -> Any:
    return client.post(f"{where}/tools/{tool.slug}/run/", typed, headers=typed.pop("headers", {}))


# --- The catalogue


def test_catalogue_says_what_runs_under_the_page_s_own_id(world: World, tool: Tool, open_tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    mine = text_of(world.client("member").get("/me/tools/"))
    theirs = text_of(world.client("member").get("/orgs/acme/tools/"))

    assert "Runs as Acme Switch to Acme" in mine
    assert "Runs now as Me" in mine  # Hacker News
    assert theirs.count("Runs now as Acme") == 3  # two tools and the filter
    assert "Needs a connection" not in theirs


def test_catalogue_does_not_hint_at_an_id_under_which_the_actor_may_not_run(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    page = text_of(world.client("viewer").get("/me/tools/"))

    assert "Runs as Acme" not in page
    assert "Needs a connection" in page


def test_catalogue_tells_a_member_whom_to_ask_and_an_admin_what_to_do(world: World, tool: Tool) -> None:
    member = text_of(world.client("member").get("/orgs/acme/tools/"))
    viewer = text_of(world.client("viewer").get("/orgs/acme/tools/"))

    assert "Needs a connection Ask an admin of Acme" in member
    assert "Not for viewers Ask an admin of Acme" in viewer
    assert "Ask an admin" not in text_of(world.client("admin").get("/orgs/acme/tools/"))


@pytest.mark.parametrize(
    ("status", "word"),
    [("expired", "Connection expired"), ("paused", "Connection paused"), ("active", "Runs now as Me")],
)
def test_catalogue_names_the_state_of_the_connection(world: World, tool: Tool, status: str, word: str) -> None:
    make_connected_account(tool.toolkit, owner=world.member, status=status)

    assert f"Read {word}" in text_of(world.client("member").get("/me/tools/"))


def test_catalogue_shows_a_switched_off_toolkit_as_such(world: World, tool: Tool) -> None:
    Toolkit.objects.update(is_enabled=False)

    assert "Switched off Ask whoever runs this installation" in text_of(world.client("member").get("/me/tools/"))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=thing", {"GITHUB_GET_THING"}),
        ("q=GET_USER", {"HACKERNEWS_GET_USER"}),
        ("q=%00", {"GITHUB_GET_THING", "HACKERNEWS_GET_USER"}),
        ("toolkit=github", {"GITHUB_GET_THING"}),
        ("effect=read", {"GITHUB_GET_THING", "HACKERNEWS_GET_USER"}),
        ("effect=destructive", set()),
        ("effect=nonsense&toolkit=a%20b", {"GITHUB_GET_THING", "HACKERNEWS_GET_USER"}),
        ("ready=1", {"HACKERNEWS_GET_USER"}),
        ("q=user&ready=1&toolkit=hackernews&effect=read", {"HACKERNEWS_GET_USER"}),
    ],
)
def test_filters_stand_in_the_url(world: World, tool: Tool, open_tool: Tool, query: str, shown: set[str]) -> None:
    page = world.client("member").get(f"/me/tools/?{query}").content.decode()

    assert {slug for slug in (tool.slug, open_tool.slug) if slug in page} == shown


def test_nothing_found_and_nothing_there_are_two_texts(world: World) -> None:
    assert "No tools yet" in text_of(world.client("member").get("/me/tools/"))

    make_tool(make_toolkit())

    filtered = text_of(world.client("member").get("/me/tools/?q=zzz"))
    assert "No tools match these filters" in filtered
    assert "Clear the filters" in filtered


def test_going_back_in_the_history_gets_the_whole_page(world: World, tool: Tool) -> None:
    back = {**HTMX, "HX-History-Restore-Request": "true"}

    page = world.client("member").get("/me/tools/?q=thing", headers=back).content.decode()

    assert "<html" in page
    assert tool.slug in page


def test_htmx_gets_the_list_alone(world: World, tool: Tool) -> None:
    page = world.client("member").get("/me/tools/?q=thing", headers=HTMX).content.decode()

    assert page.lstrip().startswith('<div id="tool-list"')
    assert "<html" not in page


def test_the_number_of_queries_does_not_depend_on_the_number_of_tools(
    world: World, github: Toolkit, django_assert_max_num_queries: Any
) -> None:
    client = world.client("member")
    make_connected_account(github, owner=world.acme)
    make_tool(github, "GITHUB_TOOL_0")
    client.get("/me/tools/")  # the first request of a sign-in session is recorded
    with django_assert_max_num_queries(9) as one:
        client.get("/me/tools/")

    for number in range(1, 11):
        make_tool(github, f"GITHUB_TOOL_{number}")
    with django_assert_max_num_queries(9) as many:
        client.get("/me/tools/")

    assert len(one) == len(many)


# --- One tool


def test_page_of_every_tool_in_the_catalogue_can_be_shown(world: World) -> None:
    sync(read_definitions([TOOLKITS_DIR], base_url="https://switchboard.example"), now=NOW)
    client = world.client("member")

    answers = {
        slug: client.get(f"/me/tools/{slug}/").status_code for slug in Tool.objects.values_list("slug", flat=True)
    }

    assert len(answers) > 50
    assert set(answers.values()) == {200}


def test_an_alias_leads_to_the_tool(world: World, tool: Tool) -> None:
    Tool.objects.filter(id=tool.id).update(aliases=["GITHUB_READ_THING"])

    answer = world.client("member").get("/me/tools/github_read_thing/?arg-name=x")

    assert answer.status_code == 302
    assert answer["Location"] == "/me/tools/GITHUB_GET_THING/?arg-name=x"


def test_an_unknown_tool_is_not_found(world: World, tool: Tool) -> None:
    assert world.client("member").get("/me/tools/GITHUB_NOTHING/").status_code == 404
    assert world.client("member").get(f"/me/tools/{tool.slug}/").status_code == 200


def test_page_offers_to_run_as_the_organization_and_to_switch_to_it(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.acme)

    page = world.client("member").get(f"/me/tools/{tool.slug}/").content.decode()

    assert f'formaction="/orgs/acme/tools/{tool.slug}/run/"' in page
    assert f'formaction="/orgs/acme/tools/{tool.slug}/"' in page
    assert "an account only answers to the ID it was connected with" in page


def test_switching_the_identity_keeps_what_was_typed_but_not_the_account(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.member)
    typed = {"arg-name": "kept", "account": account.text_id, "acting_as": world.member.owner.ref.text_id}

    answer = world.client("member").post(f"/orgs/acme/tools/{tool.slug}/", typed)

    assert answer.status_code == 200
    assert 'value="kept"' in answer.content.decode()
    assert account.text_id not in answer.content.decode()
    assert not executions_of(world.acme.owner)


def test_page_lists_the_accounts_and_marks_the_default(world: World, tool: Tool) -> None:
    make_connected_account(tool.toolkit, owner=world.member, identity_label="old@example.com")
    newest = make_connected_account(tool.toolkit, owner=world.member, identity_label="new@example.com")
    make_connected_account(tool.toolkit, owner=world.acme, identity_label="acme@example.com")
    client = world.client("member")

    before = text_of(client.get(f"/me/tools/{tool.slug}/"))
    newest.__class__.objects.owned_by(newest.owner.ref).filter(identity_label="old@example.com").update(is_default=True)
    after = text_of(client.get(f"/me/tools/{tool.slug}/"))

    assert "Default: new@example.com , the most recently connected" in before
    assert "Default: old@example.com , marked as the default" in after
    assert "acme@example.com" not in before


def test_choosing_an_account_decides_for_that_account(world: World, tool: Tool) -> None:
    old = make_connected_account(tool.toolkit, owner=world.member, identity_label="old@example.com", status="expired")
    make_connected_account(tool.toolkit, owner=world.member, identity_label="new@example.com")
    client = world.client("member")
    chosen = {"account": old.text_id, "arg-name": "kept"}

    fragment = client.post(f"/me/tools/{tool.slug}/", chosen, headers=HTMX)

    assert fragment.content.decode().lstrip().startswith('<div id="tool-run"')
    assert "The account old@example.com has expired and must be reconnected" in text_of(fragment)
    assert 'value="kept"' in fragment.content.decode()
    assert "has expired" not in text_of(client.get(f"/me/tools/{tool.slug}/"))


def test_page_shows_each_check_and_how_it_ended(world: World, tool: Tool) -> None:
    page = text_of(world.client("member").get(f"/orgs/acme/tools/{tool.slug}/"))

    assert "Passed: Your role may run tools Your role is member" in page
    assert "Failed: There is an account to use" in page
    assert "Not reached: It is working" in page
    assert "Who can fix it: an admin of Acme" in page
    assert "You can ask admin_of_acme , owner_of_acme ." in page


def test_each_state_of_the_account_has_its_way_out(world: World, tool: Tool) -> None:
    client = world.client("member")
    page_url = f"/me/tools/{tool.slug}/"
    back = "next=%2Fme%2Ftools%2FGITHUB_GET_THING%2F&amp;tool=GITHUB_GET_THING"

    assert f'href="/me/connections/new/github/?{back}"' in client.get(page_url).content.decode()
    account = make_connected_account(tool.toolkit, owner=world.member, status="expired")
    again = f'href="/me/connections/new/github/?{back}&amp;reconnect={account.text_id}"'
    assert again in client.get(page_url).content.decode()
    assert again in client.get("/me/tools/").content.decode()
    type(account).objects.owned_by(account.owner.ref).update(status="paused")
    resume = f'formaction="/me/connections/{account.text_id}/resume/" name="next" value="{page_url}"'
    assert resume in client.get(page_url).content.decode()


def test_a_viewer_sees_the_form_and_why_it_cannot_be_run(world: World, open_tool: Tool) -> None:
    page = world.client("viewer").get(f"/orgs/acme/tools/{open_tool.slug}/")

    assert 'aria-disabled="true"' in page.content.decode()
    assert "Viewers see what happens; they do not run tools" in text_of(page)
    assert f'hx-post="/orgs/acme/tools/{open_tool.slug}/run/"' not in page.content.decode()
    member = world.client("member").get(f"/orgs/acme/tools/{open_tool.slug}/").content.decode()
    assert f'hx-post="/orgs/acme/tools/{open_tool.slug}/run/"' in member


def test_a_switched_off_tool_has_a_page_that_says_so(world: World, open_tool: Tool) -> None:
    Toolkit.objects.update(is_enabled=False)

    page = world.client("member").get(f"/me/tools/{open_tool.slug}/")

    assert page.status_code == 200
    assert "Get a user is switched off in this installation. Ask whoever runs this installation." in text_of(page)


def test_page_lists_the_last_runs_under_this_id_alone(world: World, open_tool: Tool) -> None:
    mine = [make_execution(open_tool, owner=world.member, status="succeeded") for _ in range(6)]
    theirs = make_execution(open_tool, owner=world.acme, user=world.member, status="succeeded")

    page = world.client("member").get(f"/me/tools/{open_tool.slug}/").content.decode()

    assert [row.text_id in page for row in mine] == [False, True, True, True, True, True]
    assert theirs.text_id not in page


def test_examples_fill_what_is_empty(world: World, open_tool: Tool) -> None:
    definition = open_tool.definition
    definition["parameters"]["properties"]["name"]["examples"] = ["pg"]
    Tool.objects.filter(id=open_tool.id).update(definition=definition)
    client = world.client("member")

    filled = client.post(f"/me/tools/{open_tool.slug}/?examples=1", {"arg-name": ""})
    kept = client.post(f"/me/tools/{open_tool.slug}/?examples=1", {"arg-name": "mine"})

    assert 'value="pg"' in filled.content.decode()
    assert 'value="mine"' in kept.content.decode()


# --- The order


def test_run_makes_an_execution_and_leads_to_its_page(world: World, open_tool: Tool) -> None:
    answer = run(world.client("member"), "/orgs/acme", open_tool, **{"arg-name": "pg"})

    [row] = executions_of(world.acme.owner)
    assert answer.status_code == 302
    assert answer["Location"] == f"/orgs/acme/runs/{row.text_id}/"
    assert (row.status, row.submitted_by_id) == ("queued", world.member.id)


def test_htmx_is_led_to_the_page_too(world: World, open_tool: Tool) -> None:
    answer = run(world.client("member"), "/me", open_tool, **{"arg-name": "pg", "headers": HTMX})

    [row] = executions_of(world.member.owner)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, f"/me/runs/{row.text_id}/")


def test_a_refusal_is_recorded_and_has_a_page(world: World, tool: Tool) -> None:
    answer = run(world.client("member"), "/me", tool, **{"arg-name": "x"})

    [row] = executions_of(world.member.owner)
    assert (row.status, row.error_code) == ("denied", "no_connected_account")
    assert answer["Location"] == f"/me/runs/{row.text_id}/"


def test_the_same_form_sent_twice_runs_once(world: World, open_tool: Tool) -> None:
    client = world.client("member")
    form = {"arg-name": "pg", "nonce": "nonce-1"}

    first = run(client, "/me", open_tool, **form)
    second = run(client, "/me", open_tool, **form)

    assert first["Location"] == second["Location"]
    assert len(executions_of(world.member.owner)) == 1
    assert "so nothing ran twice" in text_of(client.get(second["Location"]))


@pytest.mark.parametrize("changed", [{"arg-name": "other"}, {"nonce": "nonce-2"}, {"nonce": ""}])
def test_a_form_with_other_content_runs_anew(world: World, open_tool: Tool, changed: dict[str, str]) -> None:
    client = world.client("member")
    form = {"arg-name": "pg", "nonce": "nonce-1"}

    run(client, "/me", open_tool, **form)
    run(client, "/me", open_tool, **{**form, **changed})

    assert len(executions_of(world.member.owner)) == 2


def test_the_same_form_after_connecting_runs(world: World, tool: Tool) -> None:
    client = world.client("member")
    form = {"arg-name": "x", "nonce": "nonce-1"}

    run(client, "/me", tool, **form)
    make_connected_account(tool.toolkit, owner=world.member)
    run(client, "/me", tool, **form)

    assert [row.status for row in executions_of(world.member.owner)] == ["denied", "queued"]


def test_wrong_arguments_come_back_with_everything_that_was_typed(world: World, open_tool: Tool) -> None:
    parameters = {"properties": {"name": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["name"]}
    definition = {
        **open_tool.definition,
        "parameters": {"type": "object", **parameters},
        "argument_order": ["name", "limit"],
    }
    Tool.objects.filter(id=open_tool.id).update(definition=definition)

    answer = run(world.client("member"), "/me", open_tool, **{"arg-limit": "<many>"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="&lt;many&gt;"' in page
    assert '<a href="#id_arg-name">Name</a>: “name” is required. Add it.' in page
    assert 'aria-describedby="id_arg-limit_error"' in page
    assert page.count("autofocus") == 2  # the first wrong field, and the frame's own dialog
    assert not executions_of(world.member.owner)


def test_wrong_arguments_come_back_to_htmx_as_the_fragment(world: World, open_tool: Tool) -> None:
    answer = run(world.client("member"), "/me", open_tool, headers=HTMX)

    assert answer.status_code == 422
    assert answer.content.decode().lstrip().startswith('<div id="tool-run"')


def test_raw_json_is_run_instead_of_the_fields(world: World, open_tool: Tool) -> None:
    answer = run(world.client("member"), "/me", open_tool, **{"arg-name": "", "raw": '{"name": "pg"}'})

    assert answer.status_code == 302


def test_a_named_account_is_used(world: World, tool: Tool) -> None:
    old = make_connected_account(tool.toolkit, owner=world.member)
    make_connected_account(tool.toolkit, owner=world.member)

    run(world.client("member"), "/me", tool, **{"arg-name": "x", "account": old.text_id})

    [row] = executions_of(world.member.owner)
    assert (row.connected_account_id, row.decision["because"]) == (old.id, "named")


def test_run_as_the_organization_from_the_page_of_one_s_own(world: World, tool: Tool) -> None:
    account = make_connected_account(tool.toolkit, owner=world.acme)
    mine = make_connected_account(tool.toolkit, owner=world.member, status="expired")
    form = {"arg-name": "x", "account": mine.text_id, "acting_as": world.member.owner.ref.text_id}

    run(world.client("member"), "/orgs/acme", tool, **form)

    [row] = executions_of(world.acme.owner)
    assert (row.status, row.connected_account_id) == ("queued", account.id)


def test_a_viewer_cannot_run_and_a_member_can(world: World, open_tool: Tool) -> None:
    assert run(world.client("viewer"), "/orgs/acme", open_tool, **{"arg-name": "x"}).status_code == 403
    assert run(world.client("member"), "/orgs/acme", open_tool, **{"arg-name": "x"}).status_code == 302


def test_reloading_after_wrong_arguments_leads_back_to_the_tool(world: World, open_tool: Tool) -> None:
    answer = world.client("member").get(f"/me/tools/{open_tool.slug}/run/")

    assert answer["Location"] == f"/me/tools/{open_tool.slug}/"


def test_running_something_destructive_asks_first(world: World, open_tool: Tool) -> None:
    client = world.client("member")
    Tool.objects.filter(id=open_tool.id).update(effect="destructive")

    assert "data-confirm=" in client.get(f"/me/tools/{open_tool.slug}/").content.decode()
    Tool.objects.filter(id=open_tool.id).update(effect="write")
    assert "data-confirm=" not in client.get(f"/me/tools/{open_tool.slug}/").content.decode()
