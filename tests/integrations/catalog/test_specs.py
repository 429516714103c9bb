from pathlib import Path
from typing import Any

import pytest

from integrations.catalog import (
    ToolkitDefinition,
    VariableError,
    auth_entry,
    base_url_for,
    credential_placement,
    identity_rules,
    read_definitions,
    tool_spec,
)
from integrations.engine.types import ArgumentPlace, AuthScheme, Effect, ErrorRules, Place
from tests.integrations.catalog.samples import toolkit, write_toolkit


@pytest.fixture
def acme(tmp_path: Path) -> ToolkitDefinition:
    (definition,) = read_definitions([write_toolkit(tmp_path, toolkit())], base_url="https://switchboard.example")
    return definition


def test_spec_says_where_every_argument_travels(acme: ToolkitDefinition) -> None:
    spec = tool_spec(acme.definition, acme.tools[0].definition, base_url="https://eu.api.acme.example/v1/")

    assert spec.places == {
        "note_id": ArgumentPlace(Place.PATH, "note_id"),
        "file": ArgumentPlace(Place.PATH_RESERVED, "file"),
        "text": ArgumentPlace(Place.BODY, "text"),
        "tags": ArgumentPlace(Place.QUERY, "tag", "comma"),
    }
    assert spec.base_url == "https://eu.api.acme.example/v1"


def test_spec_carries_the_rest_of_the_definition(acme: ToolkitDefinition) -> None:
    spec = tool_spec(acme.definition, acme.tools[0].definition)

    assert (spec.slug, spec.toolkit, spec.method, spec.effect) == ("ACME_UPDATE_NOTE", "acme", "PATCH", Effect.WRITE)
    assert (spec.body_kind, spec.response_pick, spec.hook) == ("json", "note", "")
    assert spec.fixed == {"query": {"notify": False}}
    assert spec.argument_aliases == {"id": "note_id"}
    assert spec.headers == {"Accept": "application/json"}
    assert spec.errors == ErrorRules(code_pointers=("error.code",), message_pointers=("error.message",))


@pytest.mark.parametrize(
    ("scheme", "where", "name", "template"),
    [
        ("oauth2", "header", "Authorization", "Bearer {token}"),
        ("api_key", "header", "X-Api-Key", "{api_key}"),
    ],
)
def test_placement_is_the_definitions_or_a_bearer_header(
    acme: ToolkitDefinition, scheme: str, where: str, name: str, template: str
) -> None:
    placement = credential_placement(acme.definition, scheme)

    assert placement is not None
    assert (placement.scheme, placement.where, placement.name, placement.template) == (scheme, where, name, template)


def test_placement_of_no_scheme_is_nothing() -> None:
    assert credential_placement({"slug": "open", "auth_schemes": [{"scheme": "none"}]}, AuthScheme.NONE) is None


def test_scheme_that_the_toolkit_does_not_offer_is_an_error(acme: ToolkitDefinition) -> None:
    assert auth_entry(acme.definition, "api_key")["name"] == "API key"
    with pytest.raises(LookupError, match="acme does not offer bearer_token"):
        auth_entry(acme.definition, AuthScheme.BEARER_TOKEN)


def test_identity_call_of_a_scheme_wins_over_the_toolkits(acme: ToolkitDefinition) -> None:
    assert identity_rules(acme.definition, "oauth2")["path"] == "/me"
    assert identity_rules(acme.definition, "basic")["path"] == "/self"


def test_base_url_is_filled_from_variables_or_open_fields(acme: ToolkitDefinition) -> None:
    assert base_url_for(acme.definition, "oauth2", {"region": "eu"}) == "https://eu.api.acme.example/v1"
    assert base_url_for(acme.definition, "basic", {"site": "team.acme.example"}) == "https://team.acme.example/api"


@pytest.mark.parametrize("region", ["", "..", "evil.example/", "evil.example#", "a@evil.example", "a\nb", "{region}"])
def test_base_url_refuses_a_variable_that_could_change_the_host(acme: ToolkitDefinition, region: str) -> None:
    with pytest.raises(VariableError, match="Region is missing or not valid"):
        base_url_for(acme.definition, "oauth2", {"region": region})


@pytest.mark.parametrize("variables", [{}, {"site": "evil.example"}, {"site": "team.acme.example.evil.example"}])
def test_base_url_refuses_a_field_that_does_not_have_its_form(
    acme: ToolkitDefinition, variables: dict[str, Any]
) -> None:
    with pytest.raises(VariableError, match="Site is missing or not valid"):
        base_url_for(acme.definition, "basic", variables)
