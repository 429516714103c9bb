"""Signing in to an MCP address by OAuth: the way in, and each step of it done wrongly (checks M1, M2, M12)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from integrations.jobs.claim import claim_next
from integrations.jobs.execute import execute
from integrations.models import Execution, Tool, Toolkit
from orgs.models import ApiKey, AuditEvent, Membership, OAuthSecret
from orgs.models.organizations import MemberStatus
from tests.factories import make_api_key, make_application, make_end_user, make_session, make_tool, make_toolkit
from tests.integrations.mcp.agent import Agent, listing, path_of
from tests.integrations.mcp.signing_in import REDIRECT, VERIFIER, SigningIn, challenge_of, register, sent_back
from tests.world import World, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def hackernews() -> Toolkit:
    toolkit = make_toolkit("hackernews", needs_account=False)
    make_tool(toolkit)
    return toolkit


def way_in(world: World, persona: str = "member", at: Any = None) -> SigningIn:
    return SigningIn(world.client(persona), path_of(at or world.people[persona]))


# --- The way in


def test_the_whole_way(world: World, hackernews: Toolkit) -> None:
    session = make_session(hackernews, owner=world.acme, user=world.member)

    client = way_in(world, at=session).sign_in()

    assert client.tokens["token_type"] == "Bearer"
    assert client.tokens["expires_in"] == 3600
    assert "HACKERNEWS_GET_THING" in client.tools()
    key = ApiKey.objects.get()
    assert (key.owner.user, key.organization, key.created_by) == (world.member, world.acme, world.member)
    assert key.last_used_at is not None


def test_a_refusal_leads_to_the_metadata_and_on_to_the_server(world: World, settings: LazySettings) -> None:
    agent = Agent(path_of(world.member))

    said = agent.post().headers["www-authenticate"]
    metadata = f"/.well-known/oauth-protected-resource{agent.path}"
    assert f'resource_metadata="{settings.BASE_URL}{metadata}"' in said
    (issuer,) = agent.ask("GET", metadata).json()["authorization_servers"]
    found = Client().get("/.well-known/oauth-authorization-server").json()

    assert issuer == found["issuer"] == settings.BASE_URL
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["registration_endpoint"] == f"{settings.BASE_URL}/oauth/register"


def test_the_address_that_the_api_gives_is_one_that_answers(world: World, hackernews: Toolkit) -> None:
    key = make_api_key(world.member)[1]
    body = {"user_id": world.acme.ref.text_id, "toolkits": {"enable": ["hackernews"]}}
    made = Client().post("/api/v3.1/tool_router/session", body, "application/json", headers={"x-api-key": key}).json()

    path = made["mcp"]["url"].removeprefix("http://testserver")

    assert Agent(path, key).post().status_code == 200
    assert "HACKERNEWS_GET_THING" in SigningIn(world.client("member"), path).sign_in().tools()


def test_the_page_says_who_asks_and_as_whom(world: World, hackernews: Toolkit) -> None:
    page = way_in(world, at=world.acme).consent_page()

    text = page.content.decode()
    assert "Let Test agent act as Acme?" in text
    assert "127.0.0.1:4711" in text
    assert "1 of 1 tools run now" in text
    assert path_of(world.member) in text  # how to let it act as oneself instead
    assert "http://127.0.0.1:4711" in page["Content-Security-Policy"]
    assert not ApiKey.objects.exists()


def test_a_stranger_signs_in_first_and_comes_back(world: World) -> None:
    answer = SigningIn(Client(), path_of(world.member)).consent_page()

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=/oauth/authorize")


def test_who_has_not_shown_lately_who_they_are_is_asked_to(world: World) -> None:
    browser = Client()
    sign_in(browser, world.member, seconds_ago=3600)

    answer = SigningIn(browser, path_of(world.member)).consent_page()

    assert (answer.status_code, "reauthenticate" in answer.headers["Location"]) == (302, True)


def test_whoever_does_not_agree_is_sent_back_with_nothing(world: World, settings: LazySettings) -> None:
    answer = way_in(world).decides("deny")

    assert answer.headers["Location"].startswith(REDIRECT)
    assert sent_back(answer) == {"error": "access_denied", "state": "st&te", "iss": settings.BASE_URL} | {
        "error_description": sent_back(answer)["error_description"]
    }
    assert not ApiKey.objects.exists()


def test_another_sites_page_cannot_agree_for_anybody(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser, world.member)
    client = SigningIn(browser, path_of(world.member))

    assert client.decides().status_code == 403
    assert not ApiKey.objects.exists()

    page = client.consent_page()
    assert page.headers["X-Frame-Options"] == "DENY"
    form = {"action": "allow", "days": 30, "csrfmiddlewaretoken": page.context["csrf_token"]}
    origin = {"Origin": "http://testserver"}
    answer = browser.post("/oauth/authorize", form, query_params=client.asks(), headers=origin)
    assert answer.status_code == 302  # the twin
    assert ApiKey.objects.exists()


def test_the_answer_names_who_gives_it(world: World, settings: LazySettings) -> None:
    found = sent_back(way_in(world).decides())

    assert (found["state"], found["iss"]) == ("st&te", settings.BASE_URL)


def test_nothing_that_opens_anything_is_stored(world: World) -> None:
    client = way_in(world).sign_in()

    stored = str(list(OAuthSecret.objects.values()) + list(ApiKey.objects.values()))
    records = str(list(AuditEvent.objects.values()))
    for secret in (client.tokens["access_token"], client.tokens["refresh_token"]):
        assert secret not in stored
        assert secret[-16:] not in records
    assert OAuthSecret.objects.filter(kind="access").exists()


def test_that_a_client_was_let_act_stands_in_the_log_of_whom_it_acts_as(world: World) -> None:
    way_in(world, at=world.acme).sign_in()

    event = AuditEvent.objects.get(action="mcp_client.authorize")
    assert (event.owner_id, event.target_label) == (world.acme.ref.text_id, "Test agent")


def test_letting_the_same_client_in_again_ends_what_it_had(world: World) -> None:
    first = way_in(world).sign_in()
    second = SigningIn(first.browser, first.path, first.client_id).sign_in()

    assert first.ask().status_code == 401
    assert second.ask().status_code == 200


# --- Done wrongly on the consent page: each beside its allowed twin in test_the_whole_way


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_pkce_with_s256_is_required(world: World, changes: dict[str, Any]) -> None:
    for answer in (way_in(world).consent_page(**changes), way_in(world).decides(**changes)):
        assert answer.status_code == 302
        assert sent_back(answer)["error"] == "invalid_request"
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/callback",
        "http://127.0.0.1:4711/callback/more",
        "http://127.0.0.1:4711/callback?x=1",
        "http://127.0.0.1.evil.test:4711/callback",
        "http://evil@127.0.0.1:4711/callback",
        "http://localhost:4711/callback",
        "javascript:alert(1)",
        'http://127.0.0.1:4711/callback"x',
        "http://127.0.0.1:4711/cällback",
        None,
    ],
)
def test_nobody_is_sent_to_an_address_that_was_not_registered(world: World, uri: str | None) -> None:
    for answer in (way_in(world).consent_page(redirect_uri=uri), way_in(world).decides(redirect_uri=uri)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
    assert not ApiKey.objects.exists()


def test_a_program_on_the_same_computer_may_listen_at_another_port(world: World) -> None:
    client = way_in(world)
    client.redirect = "http://127.0.0.1:9999/callback"

    assert client.sign_in().ask().status_code == 200


def test_another_site_is_only_named_when_its_client_asks_wrongly(world: World) -> None:
    """Whoever registers a client must not get an address of ours that sends people to theirs."""
    away = "https://agent.test/back"
    client = way_in(world)
    client.client_id = json.loads(register(redirect_uris=[away]).content)["client_id"]

    page = client.consent_page(redirect_uri=away, code_challenge=None)

    assert (page.status_code, "Location" in page.headers) == (400, False)
    assert "Go back to agent.test" in page.content.decode()
    answer = client.decides("deny", redirect_uri=away)
    assert (answer.status_code, answer.headers["Location"].startswith(away)) == (302, True)


def test_a_client_that_nobody_knows_is_not_let_in(world: World) -> None:
    assert way_in(world).consent_page(client_id="mcp_invented").status_code == 400


@pytest.mark.parametrize("kind", ["token", "code token", "id_token", "", "ü"])
def test_there_is_nothing_but_the_code(world: World, kind: str) -> None:
    answer = way_in(world).consent_page(response_type=kind)

    assert answer.status_code == 400 or sent_back(answer)["error"] in {"unsupported_response_type", "invalid_request"}


@pytest.mark.parametrize("resource", [None, "https://evil.test/mcp/", "{base}/mcp/", "{base}/api/v3.1", "{base}"])
def test_one_mcp_address_must_be_named(world: World, settings: LazySettings, resource: str | None) -> None:
    named = resource.format(base=settings.BASE_URL) if resource else None

    answer = way_in(world).consent_page(resource=named)

    assert sent_back(answer)["error"] == "invalid_target"


def test_two_addresses_at_once_are_too_many(world: World) -> None:
    client = way_in(world)
    both = [client.resource, f"{client.resource.rpartition('/mcp/')[0]}{path_of(world.acme)}"]

    assert sent_back(client.consent_page(resource=both))["error"] == "invalid_target"


def test_somebody_elses_address_reads_like_an_invented_one(world: World, hackernews: Toolkit) -> None:
    foreign = make_session(hackernews, owner=world.globex, user=world.outsider)
    of_a_peer = make_session(hackernews, owner=world.admin)
    paths = [path_of(foreign), path_of(of_a_peer), path_of(world.globex), path_of(world.admin)]
    paths += [path_of(make_end_user(make_application(world.acme), "alice")), f"/mcp/sessions/trs_{'0' * 32}/"]

    pages = [SigningIn(world.client("member"), path).consent_page() for path in paths]

    assert {page.status_code for page in pages} == {404}
    assert len({page.content.decode().split("<main")[1] for page in pages}) == 1
    assert not ApiKey.objects.exists()


def test_scopes_are_those_that_were_asked_for_and_can_be_granted(world: World) -> None:
    client = way_in(world).sign_in(scope="tools:read admin openid")

    answer = client.ask()

    assert client.tokens["scope"] == "tools:read"
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert sent_back(way_in(world).consent_page(scope="admin"))["error"] == "invalid_scope"


def test_a_lifetime_that_is_not_offered_is_refused(world: World, settings: LazySettings) -> None:
    settings.API_KEY_MAX_DAYS = 7

    assert way_in(world).decides(days=30).status_code == 422
    assert way_in(world).decides(days=7).status_code == 302


# --- Done wrongly with the code


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": challenge_of(VERIFIER)}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9999/callback"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "sb_mcp_" + "0" * 64}, "invalid_grant"),
        ({"client_id": "mcp_invented"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"resource": "{base}/mcp/org_" + "0" * 32}, "invalid_target"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "ü"}, "invalid_request"),
    ],
)
def test_a_code_is_good_for_whoever_asked_for_it_alone(
    world: World, settings: LazySettings, changes: dict[str, Any], error: str
) -> None:
    client = way_in(world)
    code = client.code()
    named = {name: value and value.format(base=settings.BASE_URL) for name, value in changes.items()}

    answer = client.exchange(code, **named)

    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {error, "unsupported_grant_type"}
    assert client.exchange(code).status_code == 200  # the twin


def test_another_clients_code_is_no_use(world: World) -> None:
    client, other = way_in(world), way_in(world)
    code = client.code()

    assert other.exchange(code).json()["error"] == "invalid_grant"
    assert client.exchange(code).status_code == 200


def test_a_code_that_comes_twice_ends_the_grant(world: World) -> None:
    client = way_in(world)
    code = client.code()
    client.tokens = client.exchange(code).json()
    assert client.ask().status_code == 200

    assert client.exchange(code).json()["error"] == "invalid_grant"
    assert client.ask().status_code == 401
    assert AuditEvent.objects.get(action="mcp_client.revoke").details == {"reason": "used_twice"}


def test_a_code_lives_for_a_minute(world: World) -> None:
    client = way_in(world)
    code = client.code()
    row = OAuthSecret.objects.get()
    assert row.expires_at - row.created_at <= timedelta(seconds=60)

    OAuthSecret.objects.update(expires_at=timezone.now())

    assert client.exchange(code).json()["error"] == "invalid_grant"


# --- Renewing and ending


def test_a_refresh_token_is_good_once(world: World) -> None:
    client = way_in(world).sign_in()
    first = dict(client.tokens)
    client.tokens = client.renew().json()
    assert client.ask().status_code == 200
    assert client.tokens["refresh_token"] != first["refresh_token"]

    again = client.renew(refresh_token=first["refresh_token"])

    assert again.json()["error"] == "invalid_grant"
    assert client.ask().status_code == 401  # whoever stole it has nothing, and neither has the client
    assert client.renew().json()["error"] == "invalid_grant"


@pytest.mark.parametrize("changes", [{"client_id": "other"}, {"resource": "{base}/mcp/"}, {"refresh_token": "access"}])
def test_a_refresh_token_is_good_for_its_client_and_address_alone(
    world: World, settings: LazySettings, changes: dict[str, str]
) -> None:
    client = way_in(world).sign_in()
    named = {name: value.format(base=settings.BASE_URL) for name, value in changes.items()}
    if "client_id" in named:
        named["client_id"] = way_in(world).client_id
    if "refresh_token" in named:
        named["refresh_token"] = client.tokens["access_token"]

    assert client.renew(**named).status_code == 400
    assert client.renew().status_code == 200


def test_a_client_that_is_done_says_so(world: World) -> None:
    client, other = way_in(world).sign_in(), way_in(world).sign_in()

    assert other.revoke(token=client.tokens["refresh_token"]).status_code == 400  # another client's
    assert client.ask().status_code == 200
    assert client.revoke(token="sb_mcp_" + "0" * 64).status_code == 200  # RFC 7009: nothing to tell
    assert client.revoke(token=client.tokens["access_token"], token_type_hint="access_token").status_code == 200

    assert client.ask().status_code == 401
    assert client.renew().status_code == 400
    assert other.ask().status_code == 200


def test_a_grant_is_over_when_its_time_is(world: World) -> None:
    client = way_in(world).sign_in()
    ApiKey.objects.update(expires_at=timezone.now())

    assert client.ask().status_code == 401
    assert client.renew().status_code == 400


def test_an_access_token_is_over_before_that(world: World) -> None:
    client = way_in(world).sign_in()
    OAuthSecret.objects.filter(kind="access").update(expires_at=timezone.now())

    answer = client.ask()
    client.tokens = client.renew().json()

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert client.ask().status_code == 200


# --- What a token opens


def test_a_token_is_good_at_its_own_address_alone(world: World, hackernews: Toolkit) -> None:
    session, other = (make_session(hackernews, owner=world.acme, user=world.member) for _ in range(2))
    client = way_in(world, at=session).sign_in()

    for thing in (other, world.acme, world.member):
        answer = client.ask(path_of(thing))
        assert answer.status_code == 401
        assert answer.json()["error"]["data"]["slug"] == "token_of_another_address"
    assert client.ask(path_of(session).rstrip("/")).status_code == 200
    assert client.ask().status_code == 200


def test_a_token_opens_no_other_door(world: World) -> None:
    client = way_in(world).sign_in()
    token = client.tokens["access_token"]

    for header in ({"x-api-key": token}, {"Authorization": f"Bearer {token}"}):
        assert Client().get("/api/v3.1/tools", headers=header).status_code == 401
    assert Client().get("/me/", headers={"Authorization": f"Bearer {token}"}).status_code == 302
    key = make_api_key(world.member)[1]
    assert Client().get("/api/v3.1/tools", headers={"x-api-key": key}).status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "code"])
def test_what_is_no_access_token_opens_nothing(world: World, kind: str) -> None:
    client = way_in(world)
    code = client.code()
    text = code if kind == "code" else ""
    if not text:
        client.tokens = client.exchange(code).json()
        text = client.tokens[kind]

    assert client.ask(token=text).status_code == 401


def test_a_token_in_the_address_is_refused(world: World) -> None:
    client = way_in(world).sign_in()
    token = client.tokens["access_token"]

    assert Agent(client.path).post(path=f"{client.path}?access_token={token}").status_code == 401
    both = Agent(client.path).post(path=f"{client.path}?q={token}", authorization=f"Bearer {token}")
    assert both.status_code == 401


# --- Rights are asked at each call


def test_whoever_leaves_the_organization_takes_the_client_along(world: World) -> None:
    client, own = way_in(world, at=world.acme).sign_in(), way_in(world).sign_in()
    place = Membership.objects.get(user=world.member)

    Membership.objects.filter(id=place.id).update(status=MemberStatus.SUSPENDED)
    assert client.ask().json()["error"]["data"]["slug"] == "membership_ended"
    assert client.renew().json()["error"] == "invalid_grant"

    assert own.ask().status_code == 200  # their own address has nothing to do with it


def test_the_client_of_somebody_suspended_opens_nothing(world: World) -> None:
    client = way_in(world).sign_in()
    assert client.ask().status_code == 200

    world.member.is_active = False
    world.member.save()

    assert client.ask().status_code == 401
    assert client.renew().status_code == 400


def test_a_smaller_role_is_felt_at_once(world: World, hackernews: Toolkit) -> None:
    client = way_in(world, at=world.acme).sign_in()
    assert "HACKERNEWS_GET_THING" in client.tools()

    Membership.objects.filter(user=world.member).update(role="viewer")

    assert "HACKERNEWS_GET_THING" not in client.tools()


def test_a_second_factor_that_is_required_is_required_here_too(world: World, hackernews: Toolkit) -> None:
    client = way_in(world, at=world.acme).sign_in()
    assert "HACKERNEWS_GET_THING" in client.tools()

    world.acme.requires_factor = True
    world.acme.save()

    refused = client.ask()
    assert refused.status_code == 403 or "HACKERNEWS_GET_THING" not in refused.text
    assert way_in(world, at=world.acme).consent_page().status_code == 403


def test_a_run_of_a_client_that_was_ended_is_not_sent(world: World, hackernews: Toolkit, settings: Any) -> None:
    settings.API_WAIT_LIMIT = 0
    client = way_in(world).sign_in()
    call = listing(method="tools/call", params={"name": Tool.objects.get().slug, "arguments": {"name": "x"}})
    client.ask(body=call)
    row = Execution.objects.unscoped("test").get()
    assert row.api_key == ApiKey.objects.get()

    client.revoke()

    claim = claim_next()
    assert claim is not None
    execute(claim)
    row.refresh_from_db()
    assert row.status not in {"queued", "running", "succeeded"}
