"""Reads whose account it is from the answer of a toolkit's verification call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.catalog.toolkit_rules import PLACEHOLDER
from integrations.engine.results import pick


@dataclass(frozen=True)
class Identity:
    """What the provider says about a connected account. Empty text where it says nothing."""

    id: str
    label: str
    email: str = ""
    link: str = ""
    avatar: str = ""
    workspace: str = ""


def read_identity(rules: Mapping[str, Any], answer: Any) -> Identity | None:
    """The identity in the answer, or None when the answer names nobody."""
    found = {name: text_at(answer, rules[name]) for name in Identity.__dataclass_fields__ if rules.get(name)}
    if not found.get("id"):
        return None
    return Identity(**{**found, "label": found.get("label") or found["id"]})


def text_at(answer: Any, pointer: str) -> str:
    """Text at a dotted path, or a template filled in from dotted paths; empty as soon as a part is missing."""
    names = PLACEHOLDER.findall(pointer)
    values = {name: _at(answer, name) for name in names or [pointer]}
    if not all(values.values()):
        return ""
    return PLACEHOLDER.sub(lambda match: values[match.group(1)], pointer) if names else values[pointer]


def _at(answer: Any, pointer: str) -> str:
    value = pick(answer, pointer)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
