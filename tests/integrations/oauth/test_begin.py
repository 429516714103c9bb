"""The authorization URL, the verifier, and what comes back to the callback."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.oauth import Authorization, OAuthError, ProviderSpec, begin, callback_code, check_issuer
from tests.integrations.oauth.provider import CLIENT, ENTRY, make_spec


def start(spec: ProviderSpec, *scopes: str) -> tuple[Authorization, dict[str, list[str]]]:
    authorization = begin(spec, CLIENT, redirect_uri="https://us.test/cb", scopes=scopes, state="opaque-state")
    return authorization, parse_qs(urlsplit(authorization.url).query)


def test_begin_asks_for_a_code_with_state_and_exact_redirect_uri() -> None:
    authorization, query = start(make_spec(), "a", "b")

    assert authorization.url.startswith("https://provider.test/authorize?")
    assert query["response_type"] == ["code"]
    assert query["client_id"] == ["client-1"]
    assert query["redirect_uri"] == ["https://us.test/cb"]
    assert query["state"] == ["opaque-state"]
    assert query["scope"] == ["a b"]


def test_begin_sends_the_s256_challenge_and_never_the_verifier() -> None:
    authorization, query = start(make_spec())

    digest = hashlib.sha256(authorization.code_verifier.encode()).digest()
    assert query["code_challenge"] == [base64.urlsafe_b64encode(digest).rstrip(b"=").decode()]
    assert query["code_challenge_method"] == ["S256"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", authorization.code_verifier)
    assert authorization.code_verifier not in authorization.url


def test_begin_makes_a_new_verifier_each_time() -> None:
    assert len({start(make_spec())[0].code_verifier for _ in range(20)}) == 20


def test_begin_without_pkce_sends_no_challenge() -> None:
    authorization, query = start(make_spec(pkce=False))

    assert authorization.code_verifier == ""
    assert "code_challenge" not in query


def test_begin_asks_the_base_scopes_first_and_each_scope_once() -> None:
    _, query = start(make_spec(base_scopes=["openid", "a"]), "a", "b")

    assert query["scope"] == ["openid a b"]


def test_begin_joins_scopes_as_the_provider_wants_them() -> None:
    _, query = start(make_spec(scope_separator=",", scope_param="user_scope"), "chat:write", "users:read")

    assert query["user_scope"] == ["chat:write,users:read"]
    assert "scope" not in query


def test_begin_without_scopes_sends_no_scope() -> None:
    assert "scope" not in start(make_spec())[1]


def test_begin_adds_the_extra_parameters_and_keeps_the_query_of_the_url() -> None:
    spec = make_spec(authorize_url="https://provider.test/authorize?tenant=t1", authorize_params={"prompt": "consent"})

    _, query = start(spec)

    assert query["tenant"] == ["t1"]
    assert query["prompt"] == ["consent"]


def test_begin_hides_state_and_verifier_from_its_repr() -> None:
    authorization, _ = start(make_spec())

    assert authorization.code_verifier not in repr(authorization)
    assert "opaque-state" not in repr(authorization)


def test_client_hides_its_secret_from_its_repr() -> None:
    assert CLIENT.client_secret not in repr(CLIENT)


def test_from_entry_lets_overrides_win_and_ignores_those_of_others() -> None:
    overrides = {
        "authorize_url": "http://127.0.0.1:4001/authorize",
        "revoke_url": "http://127.0.0.1:4001/revoke",
        "token_url": "",
        "base_url": "http://127.0.0.1:4001",
    }

    spec = ProviderSpec.from_entry(ENTRY, overrides)

    assert spec.authorize_url == "http://127.0.0.1:4001/authorize"
    assert spec.revoke_url == "http://127.0.0.1:4001/revoke"
    assert spec.token_url == ENTRY["token_url"]


def test_from_entry_forgets_the_issuer_of_a_server_that_is_overridden() -> None:
    entry = {**ENTRY, "issuer": "https://provider.test", "iss_required": True}
    other = {"authorize_url": "http://127.0.0.1:4001/authorize"}

    assert ProviderSpec.from_entry(entry, {"base_url": "http://127.0.0.1:4001"}).iss_required
    assert callback_code(ProviderSpec.from_entry(entry, other), {"code": "c1"}) == "c1"
    assert (
        ProviderSpec.from_entry(entry, {**other, "issuer": "http://127.0.0.1:4001"}).issuer == "http://127.0.0.1:4001"
    )


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.test/x", "https://user@evil.test/", "https:///x", ""]
)
def test_from_entry_refuses_urls_that_a_browser_must_not_be_sent_to(url: str) -> None:
    with pytest.raises(ValueError, match="authorize_url"):
        make_spec(authorize_url=url)


def test_callback_code_returns_the_code() -> None:
    assert callback_code(make_spec(), {"code": "c1", "state": "s"}) == "c1"


def test_callback_code_treats_error_and_code_together_as_an_error() -> None:
    with pytest.raises(OAuthError) as caught:
        callback_code(make_spec(), {"code": "c1", "error": "server_error"})

    assert caught.value.code == "server_error"


def test_callback_code_says_that_consent_was_not_given() -> None:
    with pytest.raises(OAuthError, match="without giving consent") as caught:
        callback_code(make_spec(), {"error": "access_denied", "error_description": "<script>alert(1)</script>"})

    assert "script" not in str(caught.value)


@pytest.mark.parametrize("error", ["<b>x</b>", "x" * 10_000, "", "a b"])
def test_callback_code_never_repeats_a_strange_error(error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        callback_code(make_spec(), {"error": error})

    assert caught.value.code == "unknown_error"
    assert len(str(caught.value)) < 200


def test_callback_code_refuses_an_answer_without_code() -> None:
    with pytest.raises(OAuthError, match="without a code"):
        callback_code(make_spec(), {"state": "s"})


def test_callback_code_believes_nothing_from_another_issuer() -> None:
    spec = make_spec(issuer="https://provider.test")

    with pytest.raises(OAuthError) as caught:
        callback_code(spec, {"iss": "https://evil.test", "error": "access_denied"})

    assert caught.value.code == "issuer_mismatch"


@pytest.mark.parametrize("received", ["https://provider.test/", "HTTPS://provider.test", "https://evil.test"])
def test_check_issuer_compares_plain_strings(received: str) -> None:
    with pytest.raises(OAuthError):
        check_issuer(received, expected="https://provider.test")


def test_check_issuer_refuses_a_missing_one_only_where_it_is_promised() -> None:
    check_issuer(None, expected="https://provider.test", required=False)

    with pytest.raises(OAuthError):
        check_issuer(None, expected="https://provider.test", required=True)


def test_check_issuer_accepts_the_right_one_and_any_when_none_is_known() -> None:
    check_issuer("https://provider.test", expected="https://provider.test", required=True)
    check_issuer("https://provider.test", expected="")
