"""Planted faults: each is caught, and the message names file, tool and field."""

from pathlib import Path
from typing import Any

import pytest

from integrations.catalog import CatalogError, read_definitions
from tests.integrations.catalog.samples import GONE, TOOL, toolkit, write_toolkit

BASE_URL = "https://switchboard.example"
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="9" fill="#123456"/></svg>'
)
TOOLKIT_FAULTS = [
    ("name", GONE, "name", "is missing"),
    ("version", 2025090900, "version", "is not of type 'string'"),
    ("colour", "red", "colour", "is not known here; known are: auth_schemes"),
    ("slug", "other", "slug", "must be the name of its folder"),
    ("base_url", "ftp://acme.example", "base_url", "does not have the form"),
    ("base_url", "https://{country}.acme.example", "base_url", "{country} is not one of connection_variables"),
    ("base_url", "${BASE_URL}/api", "sandbox", "only a sandbox toolkit may use ${BASE_URL}"),
    ("headers", {"Host": "evil.example"}, "headers", "Host cannot be set here"),
    ("headers", {"X-Bad\r\nHost": "1"}, "headers", "cannot be set here"),
    ("identity", GONE, "auth_schemes.oauth2.identity", "must say whose account it is"),
    ("identity/path", GONE, "identity", "is not valid under any of the given schemas"),
    ("auth_schemes/0/pkce", GONE, "auth_schemes.0.pkce", "is missing"),
    ("auth_schemes/0/revoke", {"style": "rfc7009"}, "auth_schemes.0.revoke.url", "is missing"),
    ("auth_schemes/0/base_scopes", ["openid"], "auth_schemes.oauth2.base_scopes", "openid has no words in scopes"),
    ("auth_schemes/1/scheme", "magic", "auth_schemes.1.scheme", "is not one of"),
    ("auth_schemes/1/scheme", "bearer_token", "auth_schemes.bearer_token.fields", "token is missing"),
    ("auth_schemes/1/fields/0/secret", False, "auth_schemes.api_key.fields", "one of them must be secret"),
    ("auth_schemes/2/fields/0/pattern", GONE, "auth_schemes.basic.base_url", "{site} must be one of fields"),
    ("auth_schemes/2/fields/0/pattern", "(", "auth_schemes.2.fields.0.pattern", "is not a 'regex'"),
    ("auth_schemes/2/fields/0/secret", True, "auth_schemes.basic.base_url", "not secret, with a pattern"),
    ("auth_schemes/1", toolkit()["auth_schemes"][0], "auth_schemes", "oauth2 is listed 2 times"),
]
TOOL_FAULTS = [
    ("path", GONE, "path", "is missing"),
    ("method", "FETCH", "method", "is not one of"),
    ("effect", "harmless", "effect", "is not one of"),
    ("hook", "no_such_hook", "hook", "no_such_hook is not known; known are: real_hook"),
    ("path", "/notes/{note}", "path", "{note} must be a required parameter"),
    ("parameters/required", ["file"], "path", "{note_id} must be a required parameter"),
    ("parameters/required", ["note_id", "file", "colour"], "parameters.required", "colour is not one of"),
    ("parameters/properties/text/title", GONE, "parameters.properties.text.title", "is missing"),
    ("parameters/properties/text/type", "strnig", "parameters.properties.text", "The schema is not valid"),
    ("parameters/properties/text/pattern", "(a+)+b", "parameters.properties.text", "could take very long"),
    ("parameters/properties/text/default", 7, "parameters.properties.text.default", "7 is not of type 'string'"),
    ("parameters/properties/note_id/examples", ["x"], "parameters.properties.note_id.examples", "not of type"),
    ("in", {"colour": {"name": "color"}}, "in", "colour is not a parameter"),
    ("in", {"file": {"where": "query"}}, "in", "file already stands in the path"),
    ("in", {"tags": {"name": "text"}}, "in", "body text is filled 2 times"),
    ("in", {"tags": {"where": "query", "name": "notify"}}, "in", "query notify is filled 2 times"),
    ("in", {"text": {"where": "header", "name": "Authorization"}}, "in", "Authorization cannot be set here"),
    ("body", "none", "body", "text would travel in the body"),
    ("argument_aliases", {"id": "colour"}, "argument_aliases", "id stands for colour, which is not a parameter"),
    ("argument_aliases", {"text": "file"}, "argument_aliases", "text is itself a parameter"),
    ("method", "GET", "effect", "GET only reads"),
    ("effect", "read", "effect", "PATCH does not only read"),
    ("scopes", [["notes:burn"]], "scopes", "notes:burn has no words"),
    ("scopes", [[]], "scopes.0", "should be non-empty"),
]


def faults_of(directory: Path, hooks: tuple[str, ...] = ("real_hook",)) -> list[tuple[str, str, str]]:
    with pytest.raises(CatalogError) as caught:
        read_definitions([directory], base_url=BASE_URL, hooks=hooks)
    return [(problem.tool, problem.field, problem.message) for problem in caught.value.problems]


def test_faultless_toolkit_is_read_with_its_defaults(tmp_path: Path) -> None:
    document = toolkit(("tools/0/hook", "real_hook"))

    (definition,) = read_definitions(
        [write_toolkit(tmp_path, document, logo=LOGO)], base_url=BASE_URL, hooks=("real_hook",)
    )

    (tool,) = definition.tools
    assert (definition.slug, definition.sandbox, definition.website) == ("acme", False, "")
    assert definition.logo == LOGO
    assert "tools" not in definition.definition
    assert tool.aliases == ("ACME_EDIT_NOTE",)
    assert tool.input_schema["additionalProperties"] is False
    assert tool.definition["body"] == "json"
    assert tool.definition["argument_order"] == ["note_id", "file", "text", "tags"]


@pytest.mark.parametrize(("path", "value", "field", "words"), TOOLKIT_FAULTS)
def test_fault_of_a_toolkit_names_file_and_field(tmp_path: Path, path: str, value: Any, field: str, words: str) -> None:
    document = toolkit((path, value))

    found = faults_of(write_toolkit(tmp_path, document, folder="acme"))

    assert [fault for fault in found if fault[0] == "" and fault[1] == field and words in fault[2]], found


@pytest.mark.parametrize(("path", "value", "field", "words"), TOOL_FAULTS)
def test_fault_of_a_tool_names_tool_and_field(tmp_path: Path, path: str, value: Any, field: str, words: str) -> None:
    document = toolkit((f"tools/0/{path}", value))

    found = faults_of(write_toolkit(tmp_path, document))

    assert [fault for fault in found if fault[:2] == ("ACME_UPDATE_NOTE", field) and words in fault[2]], found


def test_message_holds_the_file_the_tool_and_the_field(tmp_path: Path) -> None:
    write_toolkit(tmp_path, toolkit(("tools/0/scopes", [["notes:burn"]])))

    with pytest.raises(CatalogError) as caught:
        read_definitions([tmp_path], base_url=BASE_URL)

    file = tmp_path / "acme" / "toolkit.yaml"
    assert (
        str(caught.value) == f"{file}: tool ACME_UPDATE_NOTE: scopes: notes:burn has no words in the toolkit's scopes"
    )


def test_tool_without_a_slug_is_named_by_its_place(tmp_path: Path) -> None:
    found = faults_of(write_toolkit(tmp_path, toolkit(("tools/0/slug", GONE))))

    assert found == [("number 1", "slug", "is missing")]


def test_tool_of_another_toolkits_name_space_is_refused(tmp_path: Path) -> None:
    found = faults_of(write_toolkit(tmp_path, toolkit(("tools/0/slug", "GITHUB_GET_REPO"))))

    assert found == [("GITHUB_GET_REPO", "slug", "must begin with ACME_")]


def test_alias_that_is_another_tools_slug_is_refused(tmp_path: Path) -> None:
    other = {**TOOL, "slug": "ACME_EDIT_NOTE", "aliases": []}

    found = faults_of(write_toolkit(tmp_path, toolkit(("tools", [TOOL, other]))))

    assert found == [("ACME_EDIT_NOTE", "slug", "ACME_EDIT_NOTE is already taken by tool ACME_UPDATE_NOTE")]


def test_same_toolkit_in_two_directories_is_refused(tmp_path: Path) -> None:
    one, two = write_toolkit(tmp_path / "one", toolkit()), write_toolkit(tmp_path / "two", toolkit())

    with pytest.raises(CatalogError, match="acme is already taken by"):
        read_definitions([one, two], base_url=BASE_URL)


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write_toolkit(tmp_path, toolkit(("name", GONE)))
    write_toolkit(tmp_path, toolkit(("version", "1")), folder="beta")

    found = faults_of(tmp_path)

    assert {field for _, field, _ in found} == {"name", "version"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slug: [", "is not valid YAML"),
        ("slug: acme\nslug: other\n", "slug is written twice"),
        ("- slug\n", "must hold one mapping"),
        ("!!python/object/apply:os.getcwd []", "is not valid YAML"),
    ],
)
def test_broken_yaml_is_named(tmp_path: Path, text: str, words: str) -> None:
    (write_toolkit(tmp_path, toolkit()) / "acme" / "toolkit.yaml").write_text(text, encoding="utf-8")

    ((_, _, message),) = faults_of(tmp_path)

    assert words in message


def test_dates_stay_text(tmp_path: Path) -> None:
    file = write_toolkit(tmp_path, toolkit()) / "acme" / "toolkit.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("default: Hello", "default: 2025-01-31"), encoding="utf-8")

    ((tool,),) = [definition.tools for definition in read_definitions([tmp_path], base_url=BASE_URL)]

    assert tool.input_schema["properties"]["text"]["default"] == "2025-01-31"


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"nowhere: is not a directory"):
        read_definitions([tmp_path / "nowhere"], base_url=BASE_URL)


@pytest.mark.parametrize(
    "logo",
    [
        LOGO.replace("<circle", "<script>alert(1)</script><circle"),
        LOGO.replace("<circle", '<circle onload="alert(1)"'),
        LOGO.replace("<circle", "<circle onload = alert(1)"),
        LOGO.replace("<circle", '<image href="https://evil.example/x.png"/><circle'),
        LOGO.replace("#123456", "url(https://evil.example/#x)"),
        LOGO.replace("#123456", "&#106;"),
        '<!DOCTYPE svg [<!ENTITY x "y">]>' + LOGO,
        LOGO.replace(' viewBox="0 0 24 24"', ""),
        LOGO.replace("<circle", "<title>" + "x" * 20_000 + "</title><circle"),
    ],
)
def test_logo_that_could_do_more_than_be_seen_is_refused(tmp_path: Path, logo: str) -> None:
    write_toolkit(tmp_path, toolkit(), logo=logo)

    with pytest.raises(CatalogError, match=r"logo\.svg"):
        read_definitions([tmp_path], base_url=BASE_URL)


def test_sandbox_toolkit_gets_the_installations_address(tmp_path: Path) -> None:
    document = toolkit(
        ("sandbox", True),
        ("base_url", "${BASE_URL}/sandbox/api"),
        ("auth_schemes/0/token_url", "${BASE_URL}/sandbox/token"),
    )

    (definition,) = read_definitions([write_toolkit(tmp_path, document)], base_url=f"{BASE_URL}/")

    assert definition.definition["base_url"] == "https://switchboard.example/sandbox/api"
    assert definition.definition["auth_schemes"][0]["token_url"] == "https://switchboard.example/sandbox/token"
