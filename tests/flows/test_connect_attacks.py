"""What must not be possible on the way to a connected account. Token requests are counted at a real server."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from werkzeug import Response

from integrations.models import ConnectionRequest
from orgs.addresses import local_path
from orgs.models import Membership
from orgs.models.organizations import MemberStatus
from orgs.permissions import Role
from tests.factories import PASSWORD, make_auth_config
from tests.flows.authorization_server import AuthorizationServer
from tests.flows.connecting import ConnectDesk, make_connect_desk, path_of
from tests.world import World, make_world

CALLBACKS_AT_ONCE = 20


@pytest.fixture
def browser(world: World) -> Client:
    return world.client("member")


@pytest.fixture
def admin(world: World) -> Client:
    return world.client("admin")


def nothing_happened(desk: ConnectDesk) -> bool:
    return desk.server.token_requests == [] and desk.accounts == []


def refusal(browser: Client, answer: Any) -> str:
    """Follow the redirect to the clean address and read the refusal."""
    page = browser.get(answer["Location"])
    assert page.status_code == 403
    assert "?" not in answer["Location"]
    return str(page.content.decode())


# --- State: O1, O2, O3, O4


@pytest.mark.parametrize(
    "params", [{"code": "c"}, {"code": "c", "state": "unknown"}, {"code": "c", "state": ""}, {"unrelated": "1"}]
)
def test_a_callback_without_a_known_state_is_refused(
    connect_desk: ConnectDesk, browser: Client, params: dict[str, str]
) -> None:
    connect_desk.begin(browser)

    answer = connect_desk.come_back(browser, params)

    assert "Nothing was connected" in refusal(browser, answer)
    assert nothing_happened(connect_desk)


def test_a_state_that_comes_twice_in_one_address_is_refused(connect_desk: ConnectDesk, browser: Client) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))

    answer = browser.get(
        f"{connect_desk.callback}?state={params['state']}&code={params['code']}&code=another", follow=False
    )

    assert "Nothing was connected" in refusal(browser, answer)
    assert nothing_happened(connect_desk)


def test_a_used_state_is_refused_also_with_a_fresh_code(connect_desk: ConnectDesk, browser: Client) -> None:
    url = connect_desk.begin(browser)
    connect_desk.come_back(browser, connect_desk.server.press(url))

    again = connect_desk.come_back(browser, connect_desk.server.press(url, "sam"))

    assert "Nothing was connected" in refusal(browser, again)
    assert len(connect_desk.server.token_requests) == 1
    assert [account.identity_label for account in connect_desk.accounts] == ["ada"]


@pytest.mark.django_db(transaction=True)
def test_twenty_callbacks_at_once_make_one_token_request(
    authorization_server_of: Callable[[], AuthorizationServer],
) -> None:
    world = make_world()
    desk = make_connect_desk(authorization_server_of())
    browser = world.client("member")
    params = desk.server.press(desk.begin(browser))
    session = browser.cookies["session"].value
    barrier = threading.Barrier(CALLBACKS_AT_ONCE)

    def come_back(_number: int) -> int:
        own = Client(raise_request_exception=False)
        own.cookies["session"] = session
        barrier.wait()
        try:
            return int(desk.come_back(own, params).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLBACKS_AT_ONCE) as pool:
        answers = list(pool.map(come_back, range(CALLBACKS_AT_ONCE)))

    assert answers == [302] * CALLBACKS_AT_ONCE
    assert len(desk.server.token_requests) == 1
    assert len(desk.accounts) == 1


@pytest.mark.parametrize(("seconds", "connected"), [(1, 0), (-60, 1)])
def test_a_state_is_good_for_its_lifetime_only(
    connect_desk: ConnectDesk, browser: Client, seconds: int, connected: int
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    requests = ConnectionRequest.objects.unscoped("a test moves time")
    requests.update(expires_at=timezone.now() - timedelta(seconds=seconds))

    connect_desk.come_back(browser, params)

    assert len(connect_desk.server.token_requests) == len(connect_desk.accounts) == connected


def test_the_lifetime_is_a_setting(connect_desk: ConnectDesk, browser: Client, settings: Settings) -> None:
    settings.CONNECTION_REQUEST_LIFETIME = 0
    params = connect_desk.server.press(connect_desk.begin(browser))

    connect_desk.come_back(browser, params)

    assert nothing_happened(connect_desk)


# --- Somebody else finishes: O5, O17, O18


@pytest.mark.parametrize("victim", ["outsider", "admin", "owner"])
def test_another_signed_in_user_cannot_finish(
    connect_desk: ConnectDesk, world: World, browser: Client, victim: str
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser), "victim")
    lured = world.client(victim)

    answer = connect_desk.come_back(lured, params)

    assert "Nothing was connected" in refusal(lured, answer)
    assert nothing_happened(connect_desk)


def test_who_began_can_still_finish_after_somebody_else_tried(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    connect_desk.come_back(world.client("outsider"), params)

    connect_desk.come_back(browser, params)

    assert len(connect_desk.accounts) == 1


def test_an_organizations_flow_is_finished_by_its_own_admin_only(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    """Another admin of the same organization is another user."""
    params = connect_desk.server.press(connect_desk.begin(admin, world.acme))

    connect_desk.come_back(world.client("owner"), params)

    assert nothing_happened(connect_desk)


def sign_in(visitor: Client, answer: Any, email: str) -> Any:
    return visitor.post(answer["Location"], {"login": email, "password": PASSWORD})


def test_signed_out_on_the_way_back_signs_in_first_and_then_finishes(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    visitor = Client()

    answer = connect_desk.come_back(visitor, params)
    assert path_of(answer) == "/accounts/login/"
    assert params["code"] not in answer["Location"]
    assert params["state"] not in answer["Location"]
    assert nothing_happened(connect_desk)
    signed_in = sign_in(visitor, answer, world.member.email)
    visitor.get(signed_in["Location"])

    assert signed_in["Location"] == connect_desk.callback
    assert len(connect_desk.accounts) == 1


def test_signing_in_as_somebody_else_on_the_way_back_finishes_nothing(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    visitor = Client()

    signed_in = sign_in(visitor, connect_desk.come_back(visitor, params), world.outsider.email)
    answer = visitor.get(signed_in["Location"])

    assert "Nothing was connected" in refusal(visitor, answer)
    assert nothing_happened(connect_desk)


def test_the_kept_answer_is_sealed(connect_desk: ConnectDesk, browser: Client) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    visitor = Client()

    connect_desk.come_back(visitor, params)

    kept = json.dumps(dict(visitor.session.items()))
    assert "oauth_answer" in kept
    assert params["code"] not in kept
    assert params["state"] not in kept


def test_the_same_user_in_a_new_browser_session_finishes(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))

    connect_desk.come_back(world.client("member"), params)

    assert len(connect_desk.accounts) == 1


# --- The wrong server, the wrong code, the wrong tenant: O8, O9, O11, O12, O21


@pytest.fixture
def honest_and_evil(authorization_server_of: Callable[[], AuthorizationServer], world: World) -> list[ConnectDesk]:
    return [make_connect_desk(authorization_server_of(), slug) for slug in ("honest", "evil")]


def test_a_state_of_the_evil_server_at_the_honest_ones_redirect_uri_is_refused(
    honest_and_evil: list[ConnectDesk], browser: Client
) -> None:
    """COAT: the evil server sends the browser on to the honest one, with its own state."""
    honest, evil = honest_and_evil
    state = parse_qs(urlsplit(evil.begin(browser)).query)["state"][0]
    code = honest.server.press(honest.begin(browser))["code"]

    answer = honest.come_back(browser, {"code": code, "state": state})

    assert "Nothing was connected" in refusal(browser, answer)
    assert nothing_happened(honest)
    assert nothing_happened(evil)


def test_two_auth_configs_have_two_redirect_uris_and_each_finishes_at_its_own(
    honest_and_evil: list[ConnectDesk], browser: Client
) -> None:
    for desk in honest_and_evil:
        desk.connect(browser)

    asked = [desk.server.token_requests[0]["redirect_uri"] for desk in honest_and_evil]
    assert len(set(asked)) == 2
    assert [len(desk.accounts) for desk in honest_and_evil] == [1, 1]


def test_one_tenants_state_at_another_tenants_redirect_uri_is_refused(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    own = make_auth_config(connect_desk.toolkit, owner=world.acme, name="Acme's app")
    params = connect_desk.server.press(connect_desk.begin(admin, world.acme))

    answer = admin.get(f"/oauth/callback/{own.id}/", params)

    assert "Nothing was connected" in refusal(admin, answer)
    assert nothing_happened(connect_desk)


def test_another_organizations_auth_config_cannot_be_used_to_begin(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    foreign = make_auth_config(connect_desk.toolkit, owner=world.globex, name="Globex's app")

    answer = browser.post(connect_desk.page(), {"way": foreign.text_id})

    assert answer.status_code == 404
    assert connect_desk.requests == []


def test_an_injected_code_fails_by_pkce(connect_desk: ConnectDesk, world: World, browser: Client) -> None:
    attacker = world.client("outsider")
    stolen = connect_desk.server.press(connect_desk.begin(attacker), "attacker")["code"]
    state = connect_desk.server.press(connect_desk.begin(browser))["state"]

    answer = connect_desk.come_back(browser, {"code": stolen, "state": state})

    assert "no longer accepts this sign-in" in browser.get(answer["Location"]).content.decode()
    assert len(connect_desk.server.token_requests) == 1
    assert connect_desk.accounts == []


def test_every_flow_has_its_own_s256_challenge_and_never_shows_the_verifier(
    connect_desk: ConnectDesk, browser: Client
) -> None:
    urls = [connect_desk.begin(browser) for _ in range(2)]
    asked = [parse_qs(urlsplit(url).query) for url in urls]
    for url in urls:
        connect_desk.come_back(browser, connect_desk.server.press(url))

    verifiers = [request["code_verifier"] for request in connect_desk.server.token_requests]
    assert {one["code_challenge_method"][0] for one in asked} == {"S256"}
    assert len({one["code_challenge"][0] for one in asked}) == len(set(verifiers)) == 2
    assert all(43 <= len(verifier) <= 128 and verifier not in "".join(urls) for verifier in verifiers)
    assert all(verifier not in str(dict(browser.session.items())) for verifier in verifiers)
    assert all(request.code_verifier is None for request in connect_desk.requests)


@pytest.mark.parametrize(("issuer", "connected"), [("https://evil.test", 0), ("https://notes.test", 1), (None, 1)])
def test_an_answer_of_another_issuer_is_refused(
    connect_desk: ConnectDesk, browser: Client, issuer: str | None, connected: int
) -> None:
    connect_desk.toolkit.definition["auth_schemes"][0]["issuer"] = "https://notes.test"
    connect_desk.toolkit.save()
    params = connect_desk.server.press(connect_desk.begin(browser))

    connect_desk.come_back(browser, {**params, **({"iss": issuer} if issuer else {})})

    assert len(connect_desk.server.token_requests) == len(connect_desk.accounts) == connected


# --- Addresses: O13, O14


@pytest.mark.parametrize(
    "headers", [{"host": "evil.test"}, {"x-forwarded-host": "evil.test"}, {"forwarded": "host=evil.test"}]
)
def test_a_forged_host_does_not_change_the_redirect_uri(
    connect_desk: ConnectDesk, browser: Client, headers: dict[str, str], settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    answer = browser.post(connect_desk.page(), {"way": connect_desk.auth_config.text_id}, headers=headers)

    asked = parse_qs(urlsplit(answer["Location"]).query)
    assert asked["redirect_uri"] == [f"{settings.BASE_URL}{connect_desk.callback}"]


ELSEWHERE = [
    "//evil.test", "///evil.test", "////evil.test", "/\\evil.test", "\\\\evil.test", "\\/evil.test", "/\\/evil.test",
    "https:evil.test", "https:/evil.test", "https://evil.test", "http://evil.test", "HTTPS://evil.test",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "\t//evil.test", "/\t/evil.test", "/\n/evil.test", "/\r/evil.test", " //evil.test", "/ /evil.test",
    "\x00//evil.test", "/\x00/evil.test", "%2f%2fevil.test", "%5c%5cevil.test", "evil.test", "evil.test/me/",
    "@evil.test", "user@evil.test", "http://127.0.0.1:8000@evil.test", "http://127.0.0.1:8000.evil.test",
    "//127.0.0.1:8000@evil.test", "?next=x",
    "#fragment", "/\u3002evil.test", "\uff0f\uff0fevil.test", "/\u2044evil.test", ".//evil.test", "/" + "a" * 400, "",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_return_path_never_leads_elsewhere(target: str) -> None:
    assert local_path(target) == ""


@pytest.mark.parametrize("target", ["/me/tools/", "/orgs/acme/tools/NOTES_READ/?account=ca_1#form", "/%2f%2fevil.test"])
def test_a_return_path_of_ours_is_kept(target: str) -> None:
    assert local_path(target) == target


@pytest.mark.parametrize(("target", "offered"), [("//evil.test/x", False), ("/me/tools/", True)])
def test_the_last_page_offers_only_a_path_of_ours(
    connect_desk: ConnectDesk, browser: Client, target: str, offered: bool
) -> None:
    page = browser.get(connect_desk.connect(browser, next=target)["Location"])

    assert ("Go on where you were" in page.content.decode()) is offered
    assert "evil.test" not in page.content.decode()


# --- The provider says no: O15, O16


def test_denied_consent_is_a_friendly_page_and_the_flow_is_over(connect_desk: ConnectDesk, browser: Client) -> None:
    state = connect_desk.server.press(connect_desk.begin(browser))["state"]
    params = {"error": "access_denied", "state": state, "error_description": "<script>alert(1)</script>" * 400}

    page = browser.get(connect_desk.come_back(browser, params)["Location"]).content.decode()

    assert "without giving consent" in page
    assert "Begin again" in page
    assert "alert(1)" not in page
    assert connect_desk.requests[0].status == "denied"
    assert nothing_happened(connect_desk)


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable", "made_up", "<b>x</b>", ""])
def test_an_error_is_an_error_even_with_a_code_beside_it(
    connect_desk: ConnectDesk, browser: Client, error: str
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))

    page = browser.get(connect_desk.come_back(browser, {**params, "error": error})["Location"])

    assert "Not connected" in page.content.decode()
    assert "<b>x</b>" not in page.content.decode()
    assert connect_desk.requests[0].status == "failed"
    assert nothing_happened(connect_desk)


# --- Rights on the way: O19, O20


def demote(world: World) -> None:
    Membership.objects.filter(user=world.admin).update(role=Role.MEMBER.value)


def remove(world: World) -> None:
    Membership.objects.filter(user=world.admin).update(status=MemberStatus.LEFT.value)


def suspend(world: World) -> None:
    Membership.objects.filter(user=world.admin).update(status=MemberStatus.SUSPENDED.value)


def delete_organization(world: World) -> None:
    ConnectionRequest.objects.unscoped("as the organization's deletion does").delete()


@pytest.mark.parametrize("change", [demote, remove, suspend, delete_organization])
def test_rights_that_ended_before_the_callback_end_the_flow(
    connect_desk: ConnectDesk, world: World, admin: Client, change: Callable[[World], None]
) -> None:
    params = connect_desk.server.press(connect_desk.begin(admin, world.acme))
    change(world)

    answer = admin.get(connect_desk.come_back(admin, params)["Location"], follow=True)

    assert "Nothing was connected" in answer.content.decode()
    assert nothing_happened(connect_desk)
    assert all(request.status == "failed" and request.code_verifier is None for request in connect_desk.requests)


@pytest.mark.parametrize("what", ["toolkit", "auth_config"])
def test_a_toolkit_switched_off_before_the_callback_ends_the_flow(
    connect_desk: ConnectDesk, browser: Client, what: str
) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))
    row = getattr(connect_desk, what)
    row.is_enabled = False
    row.save()

    answer = connect_desk.come_back(browser, params)

    assert "switched off meanwhile" in browser.get(answer["Location"]).content.decode()
    assert nothing_happened(connect_desk)


@pytest.mark.django_db(transaction=True)
def test_rights_that_end_during_the_token_request_revoke_what_came(
    authorization_server_of: Callable[[], AuthorizationServer],
) -> None:
    world = make_world()
    desk = make_connect_desk(authorization_server_of())
    admin = world.client("admin")
    params = desk.server.press(desk.begin(admin, world.acme))

    def demote_meanwhile() -> None:
        demote(world)
        connection.close()  # the server's thread had one of its own

    desk.server.meanwhile = demote_meanwhile
    desk.come_back(admin, params)

    assert desk.accounts == []
    assert desk.requests[0].pending is None
    assert desk.server.revoked[0] == "ref-ada"


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_a_member_cannot_begin_for_the_organization(connect_desk: ConnectDesk, world: World, persona: str) -> None:
    browser = world.client(persona)

    page, answer = browser.get(connect_desk.page(world.acme)), connect_desk.agree(browser, world.acme)

    assert page.status_code == 200
    assert "Only an owner or admin of Acme" in page.content.decode()
    assert answer.status_code == 403
    assert connect_desk.requests == []


def test_a_stranger_learns_nothing_of_the_organizations_page(connect_desk: ConnectDesk, world: World) -> None:
    stranger = world.client("outsider")

    assert stranger.get(connect_desk.page(world.acme)).status_code == 404
    assert connect_desk.agree(stranger, world.acme).status_code == 404


def test_a_request_of_somebody_else_cannot_be_confirmed(connect_desk: ConnectDesk, world: World, admin: Client) -> None:
    where = connect_desk.connect(admin, "acme-bot", world.acme)["Location"]

    answer = world.client("owner").post(where, {"decision": "confirm"})

    assert answer.status_code == 404
    assert connect_desk.accounts == []


# --- A provider that misbehaves: O22


def text(body: str, content_type: str = "application/json", status: int = 200) -> Response:
    return Response(body, status=status, content_type=content_type)


BAD_ANSWERS = {
    "400": text('{"error": "invalid_request"}', status=400),
    "401": text('{"error": "invalid_client"}', status=401),
    "500": text("oops", "text/plain", 500),
    "html": text("<html>Sign in to the Wi-Fi</html>", "text/html"),
    "empty": text(""),
    "200 with error": text('{"error": "bad_verification_code"}'),
    "no token": text('{"token_type": "bearer"}'),
    "empty token": text('{"access_token": ""}'),
    "token is a number": text('{"access_token": 5}'),
    "unknown type": text('{"access_token": "tok-x", "token_type": "mac"}'),
    "twice": text('{"access_token": "tok-a", "access_token": "tok-b"}'),
    "redirect": Response(status=302, headers={"Location": "http://127.0.0.1:1/token"}),
    "not json": text("{"),
    "deep": text("[" * 100_000),
    "50 MB": text(" " * 50_000_000),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_a_bad_token_answer_is_one_plain_failure(connect_desk: ConnectDesk, browser: Client, answer: Response) -> None:
    connect_desk.server.token_answer = answer

    page = browser.get(connect_desk.connect(browser)["Location"])

    (request,) = connect_desk.requests
    assert "Not connected" in page.content.decode()
    assert (request.status, connect_desk.accounts) == ("failed", [])
    assert request.error_message
    assert (request.code_verifier, request.pending) == (None, None)
    assert len(connect_desk.server.token_requests) == 1


@pytest.mark.parametrize("life", ["-5", '"3600"', "1e30", "null", "0", "true"])
def test_an_absurd_lifetime_still_connects_within_bounds(connect_desk: ConnectDesk, browser: Client, life: str) -> None:
    token = connect_desk.server.issue("ada")
    connect_desk.server.token_answer = text(f'{{"access_token": "{token}", "expires_in": {life}}}')

    connect_desk.connect(browser)

    ends = connect_desk.accounts[0].expires_at
    assert ends is None or timedelta(seconds=50) < ends - timezone.now() <= timedelta(days=365)


def test_a_form_encoded_answer_connects(connect_desk: ConnectDesk, browser: Client) -> None:
    body = f"access_token={connect_desk.server.issue('ada')}&token_type=bearer"
    connect_desk.server.token_answer = text(body, "application/x-www-form-urlencoded")

    connect_desk.connect(browser)

    assert connect_desk.accounts[0].identity_label == "ada"


def test_a_slow_token_endpoint_is_given_up_in_time(
    connect_desk: ConnectDesk, browser: Client, settings: Settings
) -> None:
    settings.TOKEN_CALL_DEADLINE = 1
    wait = threading.Event()

    def drip() -> Response:
        def body() -> Iterator[bytes]:
            while not wait.wait(0.2):
                yield b" "

        return Response(body(), content_type="application/json")

    connect_desk.server.token_answer = drip
    began = timezone.now()

    connect_desk.connect(browser)
    wait.set()

    assert timezone.now() - began < timedelta(seconds=60)
    assert connect_desk.requests[0].status == "failed"


def test_a_token_that_names_nobody_is_not_kept(connect_desk: ConnectDesk, browser: Client) -> None:
    connect_desk.server.token_answer = text('{"access_token": "tok-nobody-1", "refresh_token": "ref-nobody"}')

    page = browser.get(connect_desk.connect(browser)["Location"])

    assert "does not accept these credentials" in page.content.decode()
    assert connect_desk.accounts == []
    assert connect_desk.server.revoked[0] == "ref-nobody"


# --- The pages themselves: O30, O31, O33


def test_the_consent_page_says_everything_and_begins_nothing(
    connect_desk: ConnectDesk, world: World, admin: Client
) -> None:
    page = admin.get(connect_desk.page(world.acme))

    said = page.content.decode()
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert connect_desk.requests == []
    for what in (
        "Acme",
        "Notes",
        "Read your notes",
        "3 people",
        "mia",
        "Until you disconnect it",
        "csrfmiddlewaretoken",
    ):
        assert what in said


def test_the_consent_form_needs_the_csrf_token(connect_desk: ConnectDesk, world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.member)

    assert connect_desk.agree(strict).status_code == 403
    assert connect_desk.requests == []
    token = strict.get(connect_desk.page()).context["csrf_token"]
    assert connect_desk.agree(strict, csrfmiddlewaretoken=str(token)).status_code == 302


def test_only_the_consent_page_may_send_its_form_to_the_provider(connect_desk: ConnectDesk, browser: Client) -> None:
    def allowed(path: str) -> list[str]:
        policy = browser.get(path)["Content-Security-Policy"]
        (form_action,) = [part.split()[1:] for part in policy.split(";") if part.split()[0] == "form-action"]
        return form_action

    assert allowed(connect_desk.page()) == ["'self'", connect_desk.server.url()]
    assert allowed("/me/connections/") == ["'self'"]
    assert allowed("/me/connections/new/") == ["'self'"]


def test_code_and_state_leave_the_address_at_once(connect_desk: ConnectDesk, browser: Client) -> None:
    params = connect_desk.server.press(connect_desk.begin(browser))

    answer = connect_desk.come_back(browser, params)

    assert answer.status_code == 302
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "?" not in answer["Location"]
    assert "no-store" in answer["Cache-Control"]


def test_no_secret_of_the_flow_is_logged(
    connect_desk: ConnectDesk, browser: Client, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    params = connect_desk.server.press(connect_desk.begin(browser))

    connect_desk.come_back(browser, {**params, "state": "wrong-state-canary"})
    connect_desk.come_back(browser, params)

    (asked,) = connect_desk.server.token_requests
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records) + "".join(capsys.readouterr())
    secrets = [
        params["code"],
        params["state"],
        asked["code_verifier"],
        asked["client_secret"],
        "tok-ada",
        "wrong-state",
    ]
    assert "callback_refused" in logged
    assert [secret for secret in secrets if secret in logged] == []


def test_open_flows_of_one_user_are_capped_and_the_session_does_not_grow(
    connect_desk: ConnectDesk, world: World, browser: Client
) -> None:
    before = len(str(dict(browser.session.items())))
    first = connect_desk.server.press(connect_desk.begin(browser))
    for _ in range(14):
        last = connect_desk.server.press(connect_desk.begin(browser))

    open_ones = [request for request in connect_desk.requests if request.status == "open"]
    assert len(open_ones) == 10
    assert len(str(dict(browser.session.items()))) <= before + 200
    connect_desk.come_back(browser, first)
    assert nothing_happened(connect_desk)
    connect_desk.come_back(browser, last)
    assert len(connect_desk.accounts) == 1


def test_the_cap_of_one_user_leaves_others_alone(connect_desk: ConnectDesk, world: World, browser: Client) -> None:
    other = connect_desk.begin(world.client("outsider"))
    for _ in range(12):
        connect_desk.begin(browser)

    connect_desk.come_back(world.client("outsider"), connect_desk.server.press(other))

    assert len(connect_desk.accounts) == 1
