"""Which scopes to ask for, and which are missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from integrations.engine.types import Effect


def default_scopes(toolkit_definition: Mapping[str, Any], tools: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the installation's own auth config asks for: enough for every tool that destroys nothing."""
    scopes = [scope for entry in toolkit_definition["auth_schemes"] for scope in entry.get("base_scopes", [])]
    for tool in tools:
        if tool["scopes"] and tool["effect"] != Effect.DESTRUCTIVE:
            scopes += tool["scopes"][0]
    return list(dict.fromkeys(scopes))


def missing_scopes(alternatives: Iterable[Iterable[str]], granted: Collection[str]) -> list[str]:
    """The fewest scopes that would have to be granted for a tool with these alternatives; empty when it can run."""
    lacking = [[scope for scope in scopes if scope not in granted] for scopes in alternatives]
    return min(lacking, key=len, default=[])


def scope_words(toolkit_definition: Mapping[str, Any], scope: str) -> str:
    """What a scope allows, for people; the scope itself where the toolkit has no words for it."""
    words: str = toolkit_definition["scopes"].get(scope, scope)
    return words
