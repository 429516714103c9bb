"""Which tools of its toolkits a tool session holds: all of them, unless the program that made it named some, or said
by hints what they may do. The hints are those of MCP and of the protocol that the SDKs speak.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

# A write is called both: the catalogue does not tell making something new from changing it.
HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "read": ("readOnlyHint", "idempotentHint"),
    "write": ("createHint", "updateHint"),
    "destructive": ("destructiveHint",),
}
EVERY_TOOL: Final = "openWorldHint"  # all of them talk to a provider


def hints_of(effect: str) -> tuple[str, ...]:
    """What is said about a tool with this effect."""
    return (*HINTS[effect], EVERY_TOOL)


def effects_with(hint: str) -> list[str]:
    """The effects of the tools of which a hint is said; none for an unknown hint."""
    return [effect for effect in HINTS if hint in hints_of(effect)]


def is_held(session: Any, tool: Any) -> bool:
    """Whether the session's limits leave a tool in. Its toolkit is another question: see `holds_toolkit`.

    What is said of one toolkit by hints replaces what is said of all; names and hints must both allow.
    """
    asked: Mapping[str, Any] = session.config.get("asked", {})
    own: Mapping[str, Any] = (asked.get("tools") or {}).get(tool.toolkit.slug, {})
    hints = own.get("tags", asked.get("tags"))
    return _fits(own, [tool.slug]) and _fits(hints or {}, hints_of(tool.effect))


def limit_words(session: Any) -> list[str]:
    """The limits as the page of the session says them, one line each."""
    asked = session.config.get("asked", {})
    lines = _said("Tools", asked.get("tags") or {})
    for slug, own in sorted((asked.get("tools") or {}).items()):
        lines += _said(slug, own) + _said(slug, own.get("tags") or {})
    return lines


def _said(what: str, said: Mapping[str, Any]) -> list[str]:
    enabled, disabled = said.get("enable"), said.get("disable")
    only = [] if enabled is None else [f"{what}: only {', '.join(enabled) or 'none'}"]
    return [*only, f"{what}: not {', '.join(disabled)}"] if disabled else only


def _fits(said: Mapping[str, Any], names: Sequence[str]) -> bool:
    enabled, disabled = said.get("enable"), said.get("disable") or ()
    return (enabled is None or any(one in enabled for one in names)) and not any(one in disabled for one in names)
