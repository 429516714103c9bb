"""Tools and calls for tests, in the shape the catalogue makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.engine.types import (
    ArgumentPlace,
    AuthScheme,
    Credentials,
    Effect,
    Place,
    ToolCall,
    ToolSpec,
)

NOBODY = Credentials(AuthScheme.NONE)


def bearer(token: str = "secret-token-1234") -> Credentials:
    return Credentials(AuthScheme.OAUTH2, {"access_token": token})


def make_spec(path: str = "/things", method: str = "GET", **changes: Any) -> ToolSpec:
    """`places` may name a Place for short: the wire name is then the argument's own."""
    places = {
        name: place if isinstance(place, ArgumentPlace) else ArgumentPlace(Place(place), name)
        for name, place in changes.pop("places", {}).items()
    }
    defaults: dict[str, Any] = {
        "slug": "TEST_TOOL",
        "toolkit": "test",
        "base_url": "https://api.example.com/v1",
        "effect": Effect.READ if method == "GET" else Effect.WRITE,
        "parameters": {"properties": {name: {} for name in places}},
    }
    return ToolSpec(method=method, path=path, places=places, **{**defaults, **changes})


def make_call(
    spec: ToolSpec, arguments: Mapping[str, Any] | None = None, credentials: Credentials = NOBODY, **changes: Any
) -> ToolCall:
    defaults: dict[str, Any] = {
        "placement": None,
        "deadline_seconds": 20.0,
        "max_response_bytes": 100_000,
        "max_result_bytes": 10_000,
    }
    return ToolCall(spec, arguments or {}, credentials, **{**defaults, **changes})
