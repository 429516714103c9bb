"""Turns stored definitions into what the engine takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrations.catalog.tool_rules import default_place, path_arguments
from integrations.catalog.toolkit_rules import PLACEHOLDER
from integrations.engine.auth import DEFAULT_PLACEMENTS
from integrations.engine.types import (
    ArgumentPlace,
    AuthScheme,
    CredentialPlacement,
    Effect,
    ErrorRules,
    Place,
    ToolSpec,
)

VARIABLE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class VariableError(ValueError):
    """The API's address cannot be told for this connected account. The message is safe to show."""


def tool_spec(
    toolkit_definition: Mapping[str, Any], tool_definition: Mapping[str, Any], base_url: str | None = None
) -> ToolSpec:
    """Build the engine's view of a tool; base_url is the address of this connected account's API."""
    return ToolSpec(
        slug=tool_definition["slug"],
        toolkit=toolkit_definition["slug"],
        method=tool_definition["method"],
        path=tool_definition["path"],
        base_url=(base_url or toolkit_definition["base_url"]).rstrip("/"),
        effect=Effect(tool_definition["effect"]),
        parameters=tool_definition["parameters"],
        places={name: _place(tool_definition, name) for name in tool_definition["argument_order"]},
        headers=toolkit_definition["headers"],
        fixed=tool_definition["fixed"],
        argument_aliases=tool_definition["argument_aliases"],
        body_kind=tool_definition["body"],
        response_pick=tool_definition["response"].get("pick", ""),
        hook=tool_definition["hook"],
        errors=error_rules(toolkit_definition["errors"]),
    )


def auth_entry(definition: Mapping[str, Any], scheme: AuthScheme | str) -> dict[str, Any]:
    """The toolkit's entry for a scheme; LookupError when the toolkit does not offer it."""
    for entry in definition["auth_schemes"]:
        if entry["scheme"] == str(scheme):
            return dict(entry)
    raise LookupError(f"{definition['slug']} does not offer {scheme}.")


def credential_placement(definition: Mapping[str, Any], scheme: AuthScheme | str) -> CredentialPlacement | None:
    """Where the secret goes on a request; nothing goes anywhere for a toolkit that needs no account."""
    scheme = AuthScheme(scheme)
    placement = auth_entry(definition, scheme).get("placement")
    return CredentialPlacement(scheme, **placement) if placement else DEFAULT_PLACEMENTS.get(scheme)


def identity_rules(definition: Mapping[str, Any], scheme: AuthScheme | str) -> dict[str, Any]:
    """The verification call for accounts connected by this scheme; empty when there is none."""
    return dict(auth_entry(definition, scheme).get("identity", definition["identity"]))


def error_rules(errors: Mapping[str, Any]) -> ErrorRules:
    """How this toolkit says that something went wrong, from the definition's `errors`."""
    rules: dict[str, Any] = {name: tuple(rule) if isinstance(rule, list) else rule for name, rule in errors.items()}
    return ErrorRules(**rules)


def base_url_for(definition: Mapping[str, Any], scheme: AuthScheme | str, variables: Mapping[str, str]) -> str:
    """The API's address for one connected account: its variables (or open fields) put into the template.

    The result decides which host gets the credentials, so every value must have its field's form.
    """
    entry = auth_entry(definition, scheme)
    patterns = {field["name"]: field.get("pattern", "") for field in entry.get("fields", [])}
    base_url: str = entry.get("base_url", definition["base_url"])
    for name in PLACEHOLDER.findall(base_url):
        value = variables.get(name, "")
        pattern = patterns.get(name) or VARIABLE_VALUE
        if not VARIABLE_VALUE.fullmatch(value) or not re.fullmatch(pattern, value):
            raise VariableError(
                f"{_label(definition, entry, name)} is missing or not valid. Connect the account again."
            )
        base_url = base_url.replace(f"{{{name}}}", value)
    return base_url


def _label(definition: Mapping[str, Any], entry: Mapping[str, Any], name: str) -> str:
    described = [*entry.get("fields", []), *definition["connection_variables"]]
    return next((str(each["label"]) for each in described if each["name"] == name), name)


def _place(tool: Mapping[str, Any], name: str) -> ArgumentPlace:
    in_path = path_arguments(tool["path"])
    if name in in_path:
        return ArgumentPlace(Place.PATH_RESERVED if in_path[name] else Place.PATH, name)
    place = tool["in"].get(name, {})
    where = Place(place.get("where", default_place(tool["method"])))
    return ArgumentPlace(where, place.get("name", name), place.get("style", "repeat"))
