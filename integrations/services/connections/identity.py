"""The verification call: do the credentials work, and whose are they?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings

from integrations.calls import account_base_url, identity_call
from integrations.catalog import Identity, VariableError, identity_rules, read_identity
from integrations.catalog.identity import text_at
from integrations.engine.run import run
from integrations.engine.types import AuthScheme, Happening, Outcome
from integrations.models import AuthConfig
from integrations.outbound import outbound
from orgs.errors import DomainError


@dataclass(frozen=True)
class Verified:
    """Who the provider says it is, and where the account's API is. No identity: the provider has no such call."""

    identity: Identity | None
    base_url: str

    @property
    def key(self) -> str:
        """What the provider calls it; empty without an identity."""
        return self.identity.id if self.identity else ""

    def as_dict(self) -> dict[str, Any] | None:
        return asdict(self.identity) if self.identity else None

    @classmethod
    def from_dict(cls, identity: Mapping[str, Any] | None, base_url: str) -> Verified:
        return cls(Identity(**identity) if identity else None, base_url)


def verify(auth_config: AuthConfig, scheme: AuthScheme, values: Mapping[str, str]) -> Verified:
    """Ask the provider; DomainError, in words for the person who connects, when it does not accept them."""
    toolkit, overrides = auth_config.toolkit, auth_config.overrides
    first_base = overrides.get("base_url") or _base_or_empty(auth_config, scheme, values)
    call = identity_call(toolkit, scheme, first_base, overrides.get("identity_url", ""), values)
    if call is None:
        return Verified(None, _base(auth_config, scheme, values, {}))
    call = replace(call, deadline_seconds=settings.TOKEN_CALL_DEADLINE)  # a person waits for this one
    outcome = run(call, outbound(), lambda: True)
    if not outcome.successful:
        raise _refused(toolkit.name, outcome)
    identity = read_identity(identity_rules(toolkit.definition, scheme), outcome.result)
    if identity is None:
        raise DomainError(f"{toolkit.name} answered, but did not say whose account this is.", code="identity_missing")
    return Verified(identity, _base(auth_config, scheme, values, outcome.result))


def _base_or_empty(auth_config: AuthConfig, scheme: AuthScheme, values: Mapping[str, str]) -> str:
    try:
        return account_base_url(auth_config.toolkit, scheme, "", values)
    except VariableError:
        return ""  # the address is found out by the verification call itself


def _base(auth_config: AuthConfig, scheme: AuthScheme, values: Mapping[str, str], answer: Any) -> str:
    found = {
        variable["name"]: text_at(answer, variable["from_identity"])
        for variable in auth_config.toolkit.definition["connection_variables"]
        if variable.get("from_identity")
    }
    try:
        return account_base_url(
            auth_config.toolkit, scheme, auth_config.overrides.get("base_url", ""), {**found, **values}
        )
    except VariableError as error:
        raise DomainError(str(error), code="connection_variable_missing") from error


def _refused(toolkit: str, outcome: Outcome) -> DomainError:
    if outcome.happening is Happening.ANSWERED:
        why = outcome.error_message or f"HTTP {outcome.status}"
        return DomainError(f"{toolkit} does not accept these credentials: {why}", code="verification_failed")
    message = f"{toolkit} could not be asked: {outcome.error_message} Try again in a moment."
    return DomainError(message, code="verification_unavailable")
