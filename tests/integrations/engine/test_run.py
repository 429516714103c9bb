"""run(): one call against a real socket, and what is known afterwards."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from integrations.engine import run as run_module
from integrations.engine.errors import InputError
from integrations.engine.http import OutboundClient
from integrations.engine.run import dry_run, run
from integrations.engine.types import (
    AuthScheme,
    CredentialPlacement,
    Credentials,
    ErrorRules,
    Happening,
    Outcome,
    ToolCall,
)
from tests.integrations.engine.servers import Provider, answer, reset
from tests.integrations.engine.specs import bearer, make_call, make_spec

Serve = Callable[..., Provider]
ClientFor = Callable[..., OutboundClient]
TOKEN = "secret-token-1234"
REPLY_ARGUMENTS = {"thread_id": "t1", "message_body": "Thanks", "recipient_email": "a@b.c"}


class CountingFence:
    """Says yes or no and counts how often it was asked."""

    def __init__(self, *, says: bool = True) -> None:
        self.says = says
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.says


def at(provider: Provider, call: ToolCall) -> ToolCall:
    return replace(call, spec=replace(call.spec, base_url=provider.url))


def json_answer(data: Any, status: str = "200 OK", headers: str = "") -> Any:
    return answer(json.dumps(data).encode(), status, f"Content-Type: application/json\r\n{headers}")


def post(**changes: Any) -> ToolCall:
    return make_call(make_spec(method="POST", places={"title": "body"}, **changes), {"title": "x"}, bearer())


def test_run_succeeds_and_asks_the_fence_once(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(json_answer({"id": 7}, "201 Created", "X-GitHub-Request-Id: AB:12\r\n"))
    fence = CountingFence()

    outcome = run(at(provider, post()), client_for(provider), fence)

    assert (outcome.happening, outcome.status, outcome.successful) == (Happening.ANSWERED, 201, True)
    assert (outcome.result, outcome.error_code, outcome.provider_request_id) == ({"id": 7}, "", "AB:12")
    assert outcome.provider_milliseconds is not None
    assert fence.asked == 1
    assert b"Authorization: Bearer secret-token-1234" in provider.requests[0]


def test_run_summary_strikes_every_secret(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    spec = make_spec(method="POST", places={"title": "body", "q": "query"}, headers={"X-Note": f"has {TOKEN}"})
    arguments = {"title": f"my {TOKEN}", "q": base64.b64encode(TOKEN.encode()).decode()}

    summary = run(
        at(provider, make_call(spec, arguments, bearer())), client_for(provider), CountingFence()
    ).request_summary

    assert summary["method"] == "POST"
    assert summary["url"] == f"{provider.url}/things?q=***%3D"
    assert summary["headers"]["Authorization"] == "***"
    assert summary["headers"]["X-Note"] == "has ***"
    assert summary["body"] == '{"title":"my ***"}'


def test_run_summary_is_capped(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    outcome = run(at(provider, replace(post(), arguments={"title": "x" * 9000})), client_for(provider), CountingFence())

    assert len(outcome.request_summary["body"]) == 4001


def test_run_summary_names_a_query_key_without_its_value(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    placement = CredentialPlacement(AuthScheme.API_KEY, "query", "key", "{api_key}")
    call = make_call(make_spec(), {}, Credentials(AuthScheme.API_KEY, {"api_key": "abc"}), placement=placement)

    outcome = run(at(provider, call), client_for(provider), CountingFence())

    assert provider.requests[0].startswith(b"GET /things?key=abc HTTP")
    assert outcome.request_summary["url"].endswith("/things?key=***")


def test_run_strikes_an_echo_of_the_credentials(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(json_answer({"you_sent": f"Bearer {TOKEN}"}))

    assert run(at(provider, post()), client_for(provider), CountingFence()).result == {"you_sent": "Bearer ***"}


def test_run_picks_the_result_of_a_success_only(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(
        json_answer({"data": {"a": 1}}), json_answer({"other": 2}), json_answer({"data": 1, "message": "no"}, "400 Bad")
    )
    client, call = client_for(provider), at(provider, post(response_pick="data"))

    results = [run(call, client, CountingFence()).result for _ in range(3)]

    assert results == [{"a": 1}, {"other": 2}, {"data": 1, "message": "no"}]


def test_run_reports_the_providers_error(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(json_answer({"message": "slow down"}, "429 Too Many", "Retry-After: 7\r\n"))

    outcome = run(at(provider, post()), client_for(provider), CountingFence())

    assert (outcome.status, outcome.successful, outcome.rate_limited) == (429, False, True)
    assert (outcome.retry_after_seconds, outcome.error_code, outcome.error_message) == (7.0, "http_429", "slow down")


def test_run_caps_the_result(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(json_answer({"a": "x" * 20_000}))

    outcome = run(at(provider, post()), client_for(provider), CountingFence())

    assert outcome.successful
    assert outcome.truncated
    assert outcome.result["size"] > 20_000


def test_run_knows_that_a_huge_answer_is_an_answer(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(json_answer({"a": "x" * 200_000}, "201 Created"))

    outcome = run(at(provider, post()), client_for(provider), CountingFence())

    assert (outcome.happening, outcome.status, outcome.successful, outcome.truncated) == (
        Happening.ANSWERED,
        201,
        True,
        True,
    )


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"ok": ', b""])
def test_run_is_unsure_when_the_ok_field_cannot_be_read(serve: Serve, client_for: ClientFor, body: bytes) -> None:
    provider = serve(answer(body))

    outcome = run(at(provider, post(errors=ErrorRules(ok_field="ok"))), client_for(provider), CountingFence())

    assert (outcome.happening, outcome.error_code) == (Happening.INTERRUPTED, "unreadable_answer")


def test_run_hides_no_answer_behind_a_bug(serve: Serve, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(run_module, "read_result", broken)
    provider = serve()

    assert run(at(provider, post()), client_for(provider), CountingFence()).happening is Happening.INTERRUPTED


def test_run_with_bad_arguments_is_refused_unsent(serve: Serve, client_for: ClientFor) -> None:
    provider, fence = serve(), CountingFence()

    outcome = run(at(provider, replace(post(), arguments={"nope": 1})), client_for(provider), fence)

    assert (outcome.happening, outcome.error_code, fence.asked) == (Happening.REFUSED, "invalid_arguments", 0)
    assert provider.connections == 0


def test_run_without_usable_credentials_is_refused(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    outcome = run(at(provider, replace(post(), credentials=bearer(""))), client_for(provider), CountingFence())

    assert (outcome.happening, outcome.error_code) == (Happening.REFUSED, "missing_credentials")


def test_run_refused_by_the_guard(serve: Serve) -> None:
    provider, fence = serve(), CountingFence()

    outcome = run(at(provider, post()), OutboundClient(require_https=False), fence)

    assert (outcome.happening, outcome.error_code, fence.asked) == (Happening.REFUSED, "refused_target", 0)
    assert outcome.request_summary["method"] == "POST"


def test_run_unreachable_is_not_sent(client_for: ClientFor) -> None:
    with Provider() as provider:
        client = client_for(provider)
    fence = CountingFence()

    outcome = run(at(provider, post()), client, fence)

    assert (outcome.happening, fence.asked) == (Happening.NOT_SENT, 0)


def test_run_fenced_sends_nothing(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    outcome = run(at(provider, post()), client_for(provider), CountingFence(says=False))

    assert outcome.happening is Happening.FENCED
    time.sleep(0.05)
    assert provider.requests == []


def test_run_interrupted_after_the_request(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(lambda conn, _request: reset(conn))

    outcome = run(at(provider, post()), client_for(provider), CountingFence())

    assert (outcome.happening, outcome.successful) == (Happening.INTERRUPTED, False)


def test_run_lets_an_error_of_the_fence_through(serve: Serve, client_for: ClientFor) -> None:
    def broken() -> bool:
        raise LookupError

    provider = serve()

    with pytest.raises(LookupError):
        run(at(provider, post()), client_for(provider), broken)


def test_reads_reuse_connections_and_writes_do_not(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    client = client_for(provider)

    for _ in range(3):
        run(at(provider, make_call(make_spec())), client, CountingFence())
    assert provider.connections == 1
    run(at(provider, post()), client, CountingFence())
    assert provider.connections == 2


# Hooks that read


def reply() -> ToolCall:
    names = dict.fromkeys(REPLY_ARGUMENTS, "body")
    return make_call(make_spec("/messages/send", "POST", places=names, hook="mime_reply"), REPLY_ARGUMENTS, bearer())


def test_reply_reads_before_the_fence_and_writes_after_it(serve: Serve, client_for: ClientFor) -> None:
    headers = [{"name": "Subject", "value": "Plan"}]
    provider = serve(json_answer({"messages": [{"payload": {"headers": headers}}]}), json_answer({"id": "m"}))
    seen: list[int] = []

    outcome = run(
        at(provider, reply()), client_for(provider), lambda: bool(seen.append(len(provider.requests))) or True
    )

    assert outcome.successful
    assert seen == [1]
    assert [request.split(b" HTTP")[0] for request in provider.requests] == [
        b"GET /threads/t1?format=metadata",
        b"POST /messages/send",
    ]
    assert all(b"Bearer secret-token-1234" in request for request in provider.requests)


@pytest.mark.parametrize(
    ("script", "happening", "status"),
    [
        (json_answer({}, "404 Not Found"), Happening.ANSWERED, 404),
        (json_answer({}, "401 Unauthorized"), Happening.ANSWERED, 401),
        (json_answer({}, "429 Too Many"), Happening.ANSWERED, 429),
        (json_answer({}, "408 Timeout"), Happening.NOT_SENT, None),
        (json_answer({}, "500 Error"), Happening.NOT_SENT, None),
        (json_answer({}, "502 Bad Gateway"), Happening.NOT_SENT, None),
        (lambda conn, _request: reset(conn), Happening.NOT_SENT, None),
    ],
    ids=["404", "401", "429", "408", "500", "502", "reset"],
)
def test_failed_first_read_leaves_the_write_unsent(
    serve: Serve, client_for: ClientFor, script: Any, happening: Happening, status: int | None
) -> None:
    provider, fence = serve(script), CountingFence()

    outcome = run(at(provider, reply()), client_for(provider), fence)

    assert (outcome.happening, outcome.status, outcome.successful) == (happening, status, False)
    assert fence.asked == 0
    assert len(provider.requests) == 1


def test_first_read_refused_by_the_guard_stays_refused(serve: Serve) -> None:
    outcome = run(at(serve(), reply()), OutboundClient(require_https=False), CountingFence())

    assert outcome.happening is Happening.REFUSED


def fetch(**changes: Any) -> ToolCall:
    spec = make_spec("/messages", places={"include_payload": "query"}, hook="message_details", **changes)
    return make_call(spec, {"include_payload": True}, bearer())


def test_fetch_completes_the_list_by_reads(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(
        json_answer({"messages": [{"id": "a"}, {"id": "b"}]}),
        json_answer({"id": "a", "snippet": TOKEN}),
        json_answer({"message": "gone"}, "404 Not Found"),
    )
    fence = CountingFence()

    outcome = run(at(provider, fetch()), client_for(provider), fence)

    assert outcome.result == {"messages": [{"id": "a", "snippet": "***"}, {"id": "b", "error": "gone"}]}
    assert fence.asked == 1
    assert provider.connections == 1


def test_fetch_of_a_failed_list_reads_no_details(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(json_answer({"messages": [{"id": "a"}]}, "403 Forbidden"))

    assert not run(at(provider, fetch()), client_for(provider), CountingFence()).successful
    assert len(provider.requests) == 1


# Dry runs


def test_dry_run_shows_the_request() -> None:
    assert dry_run(post()) == {
        "method": "POST",
        "url": "https://api.example.com/v1/things",
        "headers": {
            "User-Agent": "Switchboard", "Accept": "application/json", "Content-Type": "application/json",
            "Authorization": "***",
        },
        "body": '{"title":"x"}',
    }  # fmt: skip


def test_dry_run_needs_neither_network_nor_secrets() -> None:
    summary = dry_run(replace(reply(), credentials=Credentials(AuthScheme.OAUTH2)))

    assert summary["url"].endswith("/messages/send")
    assert summary["headers"]["Authorization"] == "***"
    assert summary["reads_first"] is True  # the thread, from which the reply takes its headers


def test_dry_run_raises_for_bad_arguments() -> None:
    with pytest.raises(InputError):
        dry_run(replace(post(), arguments={"nope": 1}))


def test_outcome_is_plain_data() -> None:
    assert Outcome(Happening.REFUSED).request_summary == {}
