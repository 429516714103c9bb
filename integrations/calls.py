"""From rows to the engine's values."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from integrations.catalog import base_url_for, credential_placement, error_rules, identity_rules, tool_spec
from integrations.engine.types import AuthScheme, CredentialPlacement, Credentials, Effect, ToolCall, ToolSpec
from integrations.models import ConnectedAccount, Tool, Toolkit

IDENTITY_SLUG = "IDENTITY"


def spec_of(tool: Tool, account: ConnectedAccount | None) -> ToolSpec:
    """The engine's view of a tool, at the address that this account's credentials may travel to."""
    base_url = account.base_url if account else None
    return tool_spec(tool.toolkit.definition, tool.definition, base_url=base_url)


def placement_of(toolkit: Toolkit, scheme: str) -> CredentialPlacement | None:
    return credential_placement(toolkit.definition, scheme)


def make_call(
    spec: ToolSpec, arguments: Mapping[str, Any], credentials: Credentials, placement: CredentialPlacement | None
) -> ToolCall:
    """A tool call with this installation's limits."""
    return ToolCall(
        spec=spec,
        arguments=arguments,
        credentials=credentials,
        placement=placement,
        deadline_seconds=settings.PROVIDER_CALL_DEADLINE,
        max_response_bytes=settings.RESPONSE_MAX_BYTES,
        max_result_bytes=settings.RESULT_MAX_BYTES,
    )


def identity_call(
    toolkit: Toolkit, scheme: AuthScheme, base_url: str, url: str, values: Mapping[str, str]
) -> ToolCall | None:
    """The verification call of a toolkit as a tool call, or None when it has none.

    `url` is an auth config's override of the address.
    """
    rules = identity_rules(toolkit.definition, scheme)
    if not rules:
        return None
    target = url or rules.get("url") or f"{base_url.rstrip('/')}{rules['path']}"
    spec = _identity_spec(toolkit, rules.get("method", "GET"), target)
    return make_call(spec, {}, Credentials(scheme, dict(values)), placement_of(toolkit, scheme))


def _identity_spec(toolkit: Toolkit, method: str, url: str) -> ToolSpec:
    head, _, path = url.partition("://")[2].partition("/")
    return ToolSpec(
        slug=IDENTITY_SLUG,
        toolkit=toolkit.slug,
        method=method,
        path=f"/{path}",
        base_url=f"{url.partition('://')[0]}://{head}",
        effect=Effect.READ,
        parameters={"type": "object", "properties": {}, "additionalProperties": False},
        places={},
        headers=toolkit.definition["headers"],
        body_kind="none",
        errors=error_rules(toolkit.definition["errors"]),
    )


def account_base_url(toolkit: Toolkit, scheme: AuthScheme, override: str, variables: Mapping[str, str]) -> str:
    """The API's address for one connected account; VariableError when a part of it is missing."""
    return override or base_url_for(toolkit.definition, scheme, variables)
