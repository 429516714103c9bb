from __future__ import annotations

from typing import Any

import pytest

from integrations.engine.failures import LONGEST_WAIT, Failure, find_failure, retry_after
from integrations.engine.types import ErrorRules

GITHUB = ErrorRules(code_pointers=("errors.0.code",))
SLACK = ErrorRules(
    ok_field="ok",
    code_pointers=("error",),
    message_pointers=("response_metadata.messages.0", "error"),
    reconnect_codes=("invalid_auth", "token_revoked"),
    rate_limit_codes=("ratelimited",),
)
GOOGLE = ErrorRules(
    code_pointers=("error.errors.0.reason", "error.status"),
    message_pointers=("error.message",),
    reconnect_codes=("UNAUTHENTICATED",),
    rate_limit_codes=("rateLimitExceeded",),
)
JIRA = ErrorRules(message_pointers=("errorMessages.0", "errors", "message"))
HACKERNEWS = ErrorRules(null_is_not_found=True)
NOW = 1_800_000_000.0


def failure(rules: ErrorRules, status: int, document: Any, **headers: str) -> Failure:
    found = find_failure(
        rules, status, {k.replace("_", "-"): v for k, v in headers.items()}, document, ("secret-token",)
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("rules", "status", "document"),
    [
        (GITHUB, 200, {"message": "x"}),
        (SLACK, 200, {"ok": True}),
        (GOOGLE, 204, {}),
        (HACKERNEWS, 200, {}),
        (JIRA, 200, None),
    ],
)
def test_success_is_no_failure(rules: ErrorRules, status: int, document: Any) -> None:
    assert find_failure(rules, status, {}, document, ()) is None


def test_github_validation_error_names_the_fields() -> None:
    document = {
        "message": "Validation Failed",
        "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}, {"message": "too long"}, 5],
    }

    assert failure(GITHUB, 422, document) == Failure(
        "missing_field", "Validation Failed title: missing_field; too long"
    )


def test_github_not_found() -> None:
    assert failure(GITHUB, 404, {"message": "Not Found"}) == Failure("http_404", "Not Found")


@pytest.mark.parametrize("headers", [{"x_ratelimit_remaining": "0"}, {"retry_after": "60"}])
def test_github_rate_limit_comes_as_403(headers: dict[str, str]) -> None:
    assert failure(GITHUB, 403, {"message": "rate limit"}, **headers).rate_limited
    assert not failure(GITHUB, 403, {"message": "forbidden"}, x_ratelimit_remaining="5").rate_limited


def test_slack_error_in_a_200() -> None:
    assert failure(SLACK, 200, {"ok": False, "error": "channel_not_found"}) == Failure(
        "channel_not_found", "channel_not_found"
    )
    assert failure(SLACK, 200, {"ok": False, "error": "invalid_auth"}).needs_reconnect
    assert failure(SLACK, 200, {"ok": False, "error": "ratelimited"}).rate_limited
    assert failure(SLACK, 200, {"ok": "yes"}) == Failure("provider_error", "The provider says that it did not work.")


def test_slack_prefers_its_longer_message() -> None:
    document = {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": ["[ERROR] missing field"]}}

    assert failure(SLACK, 200, document).message == "[ERROR] missing field"


def test_google_nested_error() -> None:
    document = {
        "error": {
            "code": 403,
            "status": "PERMISSION_DENIED",
            "message": "No scope",
            "errors": [{"reason": "insufficientPermissions"}],
        }
    }

    assert failure(GOOGLE, 403, document) == Failure("insufficientPermissions", "No scope")
    document["error"]["errors"] = [{"reason": "rateLimitExceeded"}]
    assert failure(GOOGLE, 403, document).rate_limited
    assert failure(GOOGLE, 403, {"error": {"status": "UNAUTHENTICATED"}}).needs_reconnect


def test_jira_messages_and_fields() -> None:
    assert failure(JIRA, 400, {"errorMessages": ["Bad JQL"], "errors": {}}).message == "Bad JQL"
    assert (
        failure(JIRA, 400, {"errorMessages": [], "errors": {"summary": "Summary is required."}}).message
        == "summary: Summary is required."
    )
    assert failure(JIRA, 400, {"errorMessages": ["No"], "errors": {"a": "b"}}).message == "No a: b"


def test_hackernews_null_is_not_found() -> None:
    assert failure(HACKERNEWS, 200, None).code == "not_found"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "redirect (302)"),
        (401, "credentials (401)"),
        (418, "refused the request (418)"),
        (429, "slow down (429)"),
        (500, "of its own (500)"),
    ],
)
@pytest.mark.parametrize("document", [{}, {"text": "<html>"}, [], None, {"message": 5}, {"message": ""}])
def test_plain_words_when_the_provider_has_none(status: int, words: str, document: Any) -> None:
    found = failure(GITHUB, status, document)

    assert words in found.message
    assert found.code == f"http_{status}"
    assert found.needs_reconnect == (status == 401)
    assert found.rate_limited == (status == 429)


def test_codes_may_be_numbers_but_not_truth_values() -> None:
    rules = ErrorRules(code_pointers=("ok", "empty", "code"))

    assert failure(rules, 400, {"ok": False, "empty": "", "code": 17}).code == "17"


def test_texts_are_struck_cleaned_and_cut() -> None:
    found = failure(
        GITHUB, 400, {"message": "token secret-token\r\n\x1b[31m\u202e" + "x" * 900, "errors": [{"code": "c" * 99}]}
    )

    assert found.message.startswith("token *** [31m")
    assert len(found.message) == 500
    assert found.message.endswith("…")
    assert len(found.code) == 64


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "99999999"}, LONGEST_WAIT),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:40 GMT"}, 100.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:40 -0000"}, 100.0),
        ({"retry-after": "Fri, 15 Jan 2037 08:01:40 GMT"}, LONGEST_WAIT),
        ({"retry-after": "Fri, 15 Jan 2016 08:01:40 GMT"}, None),
        ({"retry-after": "Fri, 99 Jan 2027 08:01:40 GMT"}, None),
        ({"x-ratelimit-reset": str(int(NOW) + 60)}, 60.0),
        ({"x-ratelimit-reset": "never"}, None),
        ({"retry-after": "10", "x-ratelimit-reset": str(int(NOW) + 60)}, 10.0),
    ],
)
def test_retry_after(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(headers, NOW, rate_limited=True) == wait


def test_reset_time_counts_only_when_limited() -> None:
    assert retry_after({"x-ratelimit-reset": str(int(NOW) + 60)}, NOW, rate_limited=False) is None
