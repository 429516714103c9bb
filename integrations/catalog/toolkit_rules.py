"""Rules for a toolkit as a whole. Each yields (field, message) for every fault it finds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.engine.requests import RESERVED_HEADERS
from integrations.engine.types import AuthScheme

Fault = tuple[str, str]
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SECRET_FIELDS = {
    AuthScheme.API_KEY: {"api_key"},
    AuthScheme.BEARER_TOKEN: {"token"},
    AuthScheme.BASIC: {"username", "password"},
}


def check_toolkit(toolkit: Mapping[str, Any], folder: str) -> Iterator[Fault]:
    if toolkit["slug"] != folder:
        yield "slug", f"{toolkit['slug']} must be the name of its folder, {folder}"
    if "${" in str(toolkit):
        yield "sandbox", "only a sandbox toolkit may use ${BASE_URL}; set sandbox: true or write the address out"
    yield from check_header_names("headers", toolkit.get("headers", {}))
    yield from _check_base_url(toolkit)
    yield from _check_variables(toolkit)
    yield from _check_schemes(toolkit)
    yield from _check_base_scopes(toolkit)


def check_header_names(field: str, names: Mapping[str, Any] | list[str]) -> Iterator[Fault]:
    for name in names:
        if name.lower() in RESERVED_HEADERS or not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            yield field, f"{name} cannot be set here"


def _check_base_url(toolkit: Mapping[str, Any]) -> Iterator[Fault]:
    known = {variable["name"] for variable in toolkit.get("connection_variables", [])}
    for name in PLACEHOLDER.findall(toolkit["base_url"]):
        if name not in known:
            yield "base_url", f"{{{name}}} is not one of connection_variables"


def _check_variables(toolkit: Mapping[str, Any]) -> Iterator[Fault]:
    for variable in toolkit.get("connection_variables", []):
        if "from_identity" in variable and "identity" not in toolkit:
            yield "connection_variables", f"{variable['name']} comes from the identity call, but there is no identity"


def _check_schemes(toolkit: Mapping[str, Any]) -> Iterator[Fault]:
    schemes = Counter(entry["scheme"] for entry in toolkit["auth_schemes"])
    for scheme, count in schemes.items():
        if count > 1:
            yield "auth_schemes", f"{scheme} is listed {count} times"
    for entry in toolkit["auth_schemes"]:
        field = f"auth_schemes.{entry['scheme']}"
        if entry["scheme"] != AuthScheme.NONE and not entry.get("identity", toolkit.get("identity")):
            yield f"{field}.identity", "is missing: after connecting, the provider must say whose account it is"
        for place, message in _check_secret_fields(entry):
            yield f"{field}.{place}", message


def _check_secret_fields(entry: Mapping[str, Any]) -> Iterator[Fault]:
    fields = {each["name"]: each for each in entry.get("fields", [])}
    for name in sorted(SECRET_FIELDS.get(entry["scheme"], set()) - set(fields)):
        yield "fields", f"{name} is missing: {entry['scheme']} needs it"
    if fields and not any(each["secret"] for each in fields.values()):
        yield "fields", "one of them must be secret"
    for name in PLACEHOLDER.findall(entry.get("base_url", "")):
        # It decides where the secret is sent: no free text, and nothing that must stay hidden.
        if name not in fields or fields[name]["secret"] or not fields[name].get("pattern"):
            yield "base_url", f"{{{name}}} must be one of fields, not secret, with a pattern"


def _check_base_scopes(toolkit: Mapping[str, Any]) -> Iterator[Fault]:
    words = toolkit.get("scopes", {})
    for entry in toolkit["auth_schemes"]:
        for scope in entry.get("base_scopes", []):
            if scope not in words:
                yield "auth_schemes.oauth2.base_scopes", f"{scope} has no words in scopes"
