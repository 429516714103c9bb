"""From a JSON schema to a form and back, for made-up schemas and for every tool of the catalogue."""

from typing import Any

import pytest
from django.http import QueryDict

from integrations.catalog import TOOLKITS_DIR, read_definitions, tool_spec
from integrations.engine.inputs import check_arguments
from integrations.engine.types import ArgumentPlace, Effect, Place, ToolSpec
from integrations.forms.arguments import ArgumentsForm, examples_of, typed_values, values_for

SPECS = {
    tool.slug: tool_spec(toolkit.definition, tool.definition)
    for toolkit in read_definitions([TOOLKITS_DIR], base_url="https://switchboard.example")
    for tool in toolkit.tools
}


def spec_with(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> ToolSpec:
    parameters = {"type": "object", "properties": properties, "required": list(required), **more}
    return ToolSpec(
        slug="DEMO_TOOL",
        toolkit="demo",
        method="POST",
        path="/tool",
        base_url="https://demo.test",
        effect=Effect.WRITE,
        parameters={**parameters, "additionalProperties": False},
        places={name: ArgumentPlace(Place.BODY, name) for name in properties},
    )


def sent(**typed: str | list[str]) -> QueryDict:
    """What a browser sends for arguments typed into their fields."""
    data = QueryDict(mutable=True)
    for name, value in typed.items():
        data.setlist(name if name in {"raw", "nonce", "account"} else f"arg-{name}", _list(value))
    return data


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def as_data(initial: dict[str, Any]) -> QueryDict:
    data = QueryDict(mutable=True)
    for key, value in initial.items():
        data.setlist(key, _list(value))
    return data


def arguments_of(schema: dict[str, Any], typed: str | list[str]) -> dict[str, Any]:
    form = ArgumentsForm(spec_with({"it": schema}), sent(it=typed))
    form.is_valid()
    return form.arguments


STRINGS = {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        ({"type": "string"}, " octocat ", "octocat"),
        ({"type": "string", "maxLength": 4000}, "One\r\n two ", "One\n two "),
        ({"type": "integer"}, "-7", -7),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "number"}, "3", 3),
        ({"type": "boolean"}, "false", False),
        ({"type": "boolean"}, "true", True),
        ({"type": "string", "enum": ["open", "closed"]}, "closed", "closed"),
        ({"enum": [1, 2, "two", None]}, "2", 2),
        ({"const": "fixed"}, "fixed", "fixed"),
        (STRINGS, "bug\r\n\r\n help wanted \r\n", ["bug", "help wanted"]),
        (STRINGS, '["with a\\nbreak", "plain"]', ["with a\nbreak", "plain"]),
        (STRINGS, "[draft] not JSON", ["[draft] not JSON"]),
        ({"type": "array", "items": {"type": "integer"}}, "1\n2", [1, 2]),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}}, ["a", "c"], ["a", "c"]),
        ({"type": "array", "items": {"type": "object"}}, '[{"type": "divider"}]', [{"type": "divider"}]),
        ({"type": "object"}, '{"a": {"b": [1, null]}}', {"a": {"b": [1, None]}}),
        ({"type": ["string", "null"]}, "plain", "plain"),
        ({"type": ["string", "integer"]}, '"7"', "7"),
        ({}, "[1, true]", [1, True]),
    ],
)
def test_typed_text_becomes_the_value_of_the_schema(schema: dict[str, Any], typed: Any, value: Any) -> None:
    assert arguments_of(schema, typed) == {"it": value}


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"enum": ["a"]}, STRINGS, {"type": "object"}, {}],
)
def test_nothing_typed_leaves_the_argument_out(schema: dict[str, Any]) -> None:
    assert arguments_of(schema, "  ") == {}


@pytest.mark.parametrize(
    ("schema", "typed", "says"),
    [
        ({"type": "integer"}, "ten", "must be of type integer"),
        ({"type": "integer"}, "1.5", "must be of type integer"),
        ({"type": "integer"}, "9" * 5000, "must be of type integer"),
        ({"type": "integer", "minimum": 1}, "0", "must be 1 or more"),
        ({"type": "integer", "maximum": 100}, "101", "must be 100 or less"),
        ({"type": "number"}, "NaN", "must be of type number"),
        ({"type": "number"}, "1e999", "must be of type number"),
        ({"type": "boolean"}, "perhaps", "must be of type boolean"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "must be one of: a, b"),
        ({"type": "string", "maxLength": 3}, "four", "at most 3 characters"),
        ({"type": "array", "items": {"type": "integer"}}, "1\nx", "must be of type integer"),
        ({**STRINGS, "maxItems": 1}, "a\nb", "at most 1 items"),
        ({"type": "object"}, "{'a': 1}", "not valid JSON: look at line 1, column 2"),
        ({"type": "object"}, "[1]", "must be of type object"),
        ({"type": "object"}, '{"a": NaN}', "no NaN"),
        ({"type": "object"}, "[" * 100_000, "nesting"),
    ],
)
def test_a_wrong_value_is_an_error_at_its_field(schema: dict[str, Any], typed: str, says: str) -> None:
    form = ArgumentsForm(spec_with({"it": schema}), sent(it=typed))

    assert not form.is_valid()
    assert says in str(form.errors["arg-it"])
    assert form["arg-it"].value() == typed  # nothing typed is lost


def test_errors_of_all_fields_come_at_once_and_the_first_has_the_focus() -> None:
    properties = {"filter": {"type": "object"}, "limit": {"type": "integer"}, "owner": {"type": "string"}}
    form = ArgumentsForm(spec_with(properties, required=("owner", "filter")), sent(filter="{", limit="many"))

    assert not form.is_valid()
    assert set(form.errors) == {"arg-filter", "arg-limit", "arg-owner"}
    assert len(form.errors["arg-filter"]) == 1
    fields = [field.name for field, _ in form.problems() if field is not None]
    assert fields == ["arg-filter", "arg-owner", "arg-limit"]
    assert "autofocus" in str(form["arg-filter"])
    assert "autofocus" not in str(form["arg-limit"])


def test_an_error_is_named_by_its_control() -> None:
    form = ArgumentsForm(spec_with({"limit": {"type": "integer", "description": "How many."}}), sent(limit="x"))
    form.is_valid()

    control = str(form["arg-limit"])

    assert 'aria-invalid="true"' in control
    assert 'aria-describedby="id_arg-limit_helptext id_arg-limit_error"' in control
    assert 'id="id_arg-limit_error"' in form["arg-limit"].as_field_group()


def test_raw_json_wins_over_the_fields() -> None:
    spec = spec_with({"limit": {"type": "integer"}}, required=("limit",))
    form = ArgumentsForm(spec, sent(limit="nonsense", raw='{"limit": 5}'))

    assert form.is_valid()
    assert form.arguments == {"limit": 5}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "“limit” is required"),
        ('{"limit": "x"}', "must be of type integer"),
        ('{"limit": 1, "other": 2}', "“other” is not an argument"),
    ],
)
def test_errors_of_raw_json_stand_at_the_raw_json(raw: str, says: str) -> None:
    form = ArgumentsForm(spec_with({"limit": {"type": "integer"}}, required=("limit",)), sent(limit="1", raw=raw))

    assert not form.is_valid()
    assert set(form.errors) == {"raw"}
    assert says in str(form.errors["raw"])
    assert form.opens_raw()


def test_arguments_named_like_our_own_fields_do_not_clash() -> None:
    spec = spec_with({"raw": {"type": "string"}, "account": {"type": "string"}, "nonce": {"type": "string"}})
    data = as_data({"arg-raw": "a", "arg-account": "b", "arg-nonce": "c", "account": "ca_1", "nonce": "n"})
    form = ArgumentsForm(spec, data)

    assert form.is_valid()
    assert form.arguments == {"raw": "a", "account": "b", "nonce": "c"}


def test_required_fields_come_first_in_the_order_of_the_file() -> None:
    properties = {"zeta": {}, "alpha": {}, "beta": {}, "omega": {}}
    form = ArgumentsForm(spec_with(properties, required=("beta", "omega")))

    assert [field.name for field in form.open_fields()] == ["arg-beta", "arg-omega"]
    assert [field.name for field in form.folded_fields()] == ["arg-zeta", "arg-alpha"]
    assert not form.opens_folded()


def test_optional_fields_of_a_usual_call_stand_beside_the_required_ones() -> None:
    properties = {"zeta": {}, "alpha": {}, "beta": {}, "omega": {}}
    form = ArgumentsForm(spec_with(properties, required=("beta", "omega")), shown=["alpha"])

    assert [field.name for field in form.open_fields()] == ["arg-beta", "arg-omega", "arg-alpha"]
    assert [field.name for field in form.folded_fields()] == ["arg-zeta"]


def test_optional_fields_open_when_one_of_them_is_filled_in() -> None:
    spec = spec_with({"zeta": {"type": "string"}})

    assert ArgumentsForm(spec, initial={"arg-zeta": "x"}).opens_folded()


def test_defaults_and_examples_are_shown_and_descriptions_are_escaped() -> None:
    schema = {"type": "integer", "default": 30, "minimum": 1, "maximum": 100, "description": "<b>", "examples": [50]}
    field = ArgumentsForm(spec_with({"per_page": schema}))["arg-per_page"]

    html = field.as_field_group()

    assert 'placeholder="Default: 30"' in html
    assert 'min="1"' in html
    assert 'max="100"' in html
    assert "For example" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_a_reference_to_own_definitions_is_followed() -> None:
    definitions = {"state": {"type": "string", "enum": ["open", "closed"]}}
    spec = spec_with({"state": {"$ref": "#/$defs/state"}}, **{"$defs": definitions})

    assert "<select" in str(ArgumentsForm(spec)["arg-state"])


def test_the_same_form_with_the_same_content_has_the_same_key() -> None:
    spec = spec_with({"name": {"type": "string"}})
    keys = [_key(spec, nonce="n1", name="a"), _key(spec, nonce="n1", name="a")]
    others = [
        _key(spec, nonce="n1", name="b"),
        _key(spec, nonce="n2", name="a"),
        _key(spec, "denied", nonce="n1", name="a"),
    ]

    assert len(set(keys)) == 1
    assert len({*keys, *others}) == 4
    assert _key(spec, name="a") == ""


def _key(spec: ToolSpec, code: str = "accepted", **typed: str) -> str:
    form = ArgumentsForm(spec, sent(**typed))
    assert form.is_valid()
    return form.key_for(code)


def test_what_was_typed_is_carried_along_unchecked() -> None:
    spec = spec_with({"limit": {"type": "integer"}, "kinds": {"type": "array", "items": {"enum": ["a", "b"]}}})

    carried = typed_values(spec, sent(limit="many", kinds=["a", "b"], account="ca_1", stranger="x"))

    assert carried == {"arg-limit": "many", "arg-kinds": ["a", "b"], "account": "ca_1"}


@pytest.mark.parametrize("slug", sorted(SPECS))
def test_every_tool_of_the_catalogue_has_a_form_that_gives_its_examples_back(slug: str) -> None:
    spec = SPECS[slug]
    examples = {name: schema["examples"][0] for name, schema in _properties(spec) if schema.get("examples")}
    examples |= {name: _invented(schema) for name, schema in _properties(spec) if name not in examples}

    form = ArgumentsForm(spec, as_data(values_for(spec, examples)))

    assert form.is_valid(), form.errors
    assert form.arguments == examples
    assert len([*form.open_fields(), *form.folded_fields()]) == len(spec.places)
    assert all(field.as_field_group() for field in form)


@pytest.mark.parametrize("slug", sorted(SPECS))
def test_the_examples_of_every_tool_are_fit_to_run(slug: str) -> None:
    spec = SPECS[slug]
    missing = set(spec.parameters["required"]) - set(examples_of(spec))

    invented = {name: _invented(spec.parameters["properties"][name]) for name in missing}

    complete = check_arguments(spec, {**examples_of(spec), **invented})

    assert set(spec.parameters["required"]) <= set(complete)


def _properties(spec: ToolSpec) -> list[tuple[str, dict[str, Any]]]:
    return list(spec.parameters["properties"].items())


def _invented(schema: dict[str, Any]) -> Any:
    """A value for an argument without an example."""
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][-1]
    if schema.get("format") == "email":
        return "ada@example.com"
    kind = schema["type"]
    samples = {"string": "sample text", "integer": schema.get("minimum", 1), "boolean": False, "object": {"a": [1]}}
    return [_invented(schema["items"])] if kind == "array" else samples[kind]
