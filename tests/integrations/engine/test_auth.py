from __future__ import annotations

import base64
import pickle
from collections.abc import Mapping
from urllib.parse import quote

import pytest

from integrations.engine.auth import STRUCK, apply_credentials, mark_credentials, secret_forms, strike
from integrations.engine.errors import ToolError
from integrations.engine.types import AuthScheme, CredentialPlacement, Credentials, HttpRequest

REQUEST = HttpRequest("GET", "https://api.example.com/x?a=1", {"Accept": "*/*", "authorization": "forged"})
TOKEN = "to/k+en-ünïcode-1234567890"


def headers_with(
    scheme: AuthScheme, values: Mapping[str, str], placement: CredentialPlacement | None = None
) -> Mapping[str, str]:
    return apply_credentials(REQUEST, Credentials(scheme, values), placement).headers


@pytest.mark.parametrize(
    ("scheme", "values", "header"),
    [
        (AuthScheme.OAUTH2, {"access_token": "abc"}, "Bearer abc"),
        (AuthScheme.BEARER_TOKEN, {"token": "abc"}, "Bearer abc"),
        (AuthScheme.BASIC, {"username": "ada", "password": "pä:ss"}, "Basic " + base64.b64encode("ada:pä:ss".encode()).decode()),  # noqa: E501
    ],
)  # fmt: skip
def test_default_placement_replaces_authorization(scheme: AuthScheme, values: dict[str, str], header: str) -> None:
    assert headers_with(scheme, values) == {"Accept": "*/*", "Authorization": header}


def test_api_key_goes_where_the_toolkit_says() -> None:
    values = {"api_key": "abc"}
    placement = CredentialPlacement(AuthScheme.API_KEY, name="Authorization", template="Key {api_key}")

    assert headers_with(AuthScheme.API_KEY, values)["X-API-Key"] == "abc"
    assert headers_with(AuthScheme.API_KEY, values, placement)["Authorization"] == "Key abc"


def test_basic_may_name_other_fields() -> None:
    placement = CredentialPlacement(AuthScheme.BASIC, template="{email}:{api_token}")

    header = headers_with(AuthScheme.BASIC, {"email": "a@b.c", "api_token": "t"}, placement)["Authorization"]

    assert base64.b64decode(header.removeprefix("Basic ")) == b"a@b.c:t"


def test_basic_ignores_a_template_without_a_pair() -> None:
    placement = CredentialPlacement(AuthScheme.BASIC)

    assert (
        headers_with(AuthScheme.BASIC, {"username": "u", "password": "p"}, placement)["Authorization"] == "Basic dTpw"
    )


def test_query_placement_replaces_an_argument_of_that_name() -> None:
    placement = CredentialPlacement(AuthScheme.API_KEY, where="query", name="key", template="{api_key}")
    request = HttpRequest("GET", "https://api.example.com/x?a=1&key=forged&%6bey=too")

    signed = apply_credentials(request, Credentials(AuthScheme.API_KEY, {"api_key": "a&b"}), placement)

    assert signed.url == "https://api.example.com/x?a=1&key=a%26b"


def test_query_placement_works_without_a_query() -> None:
    placement = CredentialPlacement(AuthScheme.API_KEY, where="query", name="key", template="{api_key}")

    signed = apply_credentials(
        HttpRequest("GET", "https://a.example/x"), Credentials(AuthScheme.API_KEY, {"api_key": "k"}), placement
    )

    assert signed.url == "https://a.example/x?key=k"


def test_no_scheme_leaves_the_request_alone() -> None:
    assert apply_credentials(REQUEST, Credentials(AuthScheme.NONE)) is REQUEST
    assert mark_credentials(REQUEST, Credentials(AuthScheme.NONE)) is REQUEST


def test_marked_request_names_the_place_only() -> None:
    placement = CredentialPlacement(AuthScheme.API_KEY, where="query", name="key", template="{api_key}")

    assert (
        mark_credentials(REQUEST, Credentials(AuthScheme.OAUTH2, {"access_token": TOKEN})).headers["Authorization"]
        == STRUCK
    )
    assert mark_credentials(REQUEST, Credentials(AuthScheme.API_KEY, {}), placement).url.endswith("?a=1&key=***")


@pytest.mark.parametrize(
    ("values", "code"), [({}, "missing_credentials"), ({"access_token": ""}, "missing_credentials"),
                         ({"access_token": "a\r\nb"}, "unusable_credentials"), ({"access_token": "ü"}, "unusable_credentials")],  # noqa: E501
)  # fmt: skip
def test_unusable_credentials_are_named_not_shown(values: dict[str, str], code: str) -> None:
    with pytest.raises(ToolError) as caught:
        headers_with(AuthScheme.OAUTH2, values)

    assert caught.value.code == code
    assert "ü" not in caught.value.message


def test_templates_are_no_format_strings() -> None:
    placement = CredentialPlacement(AuthScheme.API_KEY, template="{api_key.__class__} {0} {api_key}")

    assert (
        headers_with(AuthScheme.API_KEY, {"api_key": "k", "0": "z"}, placement)["Authorization"]
        == "{api_key.__class__} z k"
    )


@pytest.mark.parametrize(
    "echo",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        quote(TOKEN, safe=""),
        TOKEN.encode().hex(),
        *(base64.b64encode(b"x" * n + TOKEN.encode() + b"yz").decode() for n in range(6)),
        *(base64.urlsafe_b64encode(b"x" * n + TOKEN.encode()).decode() for n in range(3)),
    ],
)
def test_every_spelling_of_a_secret_is_struck(echo: str) -> None:
    forms = secret_forms(Credentials(AuthScheme.OAUTH2, {"access_token": TOKEN}))

    struck = strike(f"before {echo} after", forms)

    assert STRUCK in struck
    assert "n-ünïcode-1" not in struck
    assert base64.b64encode(b"code-1234567")[:8].decode() not in struck


def test_basic_header_is_struck_and_the_user_name_stays() -> None:
    credentials = Credentials(AuthScheme.BASIC, {"username": "ada-lovelace", "password": "engine-1843"})

    forms = secret_forms(credentials)

    echoed = base64.b64encode(b"ada-lovelace:engine-1843").decode()
    assert strike(f"ada-lovelace engine-1843 {echoed}", forms) == "ada-lovelace *** ***"


def test_short_values_are_not_struck_out_of_words() -> None:
    assert secret_forms(Credentials(AuthScheme.API_KEY, {"api_key": "abc", "email": "ada@example.com"})) == ()


def test_credentials_do_not_print_or_pickle() -> None:
    credentials = Credentials(AuthScheme.OAUTH2, {"access_token": TOKEN})

    assert TOKEN not in f"{credentials} {credentials!r} {HttpRequest('GET', 'https://x', {'A': TOKEN})!r}"
    with pytest.raises(TypeError):
        pickle.dumps(credentials)
