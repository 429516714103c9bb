"""JSON as HTML that folds without JavaScript. The values come from providers: each one is escaped as text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

MAX_NODES = 2000  # beyond that a browser grows slow: the rest stays in the download
OPEN_DEPTH = 2
MAX_DEPTH = 24


class _Budget:
    """Counts the values written, so that one huge answer cannot make a huge page."""

    def __init__(self) -> None:
        self.left = MAX_NODES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def render_json(value: Any) -> SafeString:
    return format_html('<div class="json-root">{}</div>', mark_safe(_node(value, 0, _Budget())))  # noqa: S308  # _node escapes


def _node(value: Any, depth: int, budget: _Budget) -> str:
    if isinstance(value, Mapping) and value:
        items: Iterator[tuple[str, Any]] = ((str(key), item) for key, item in value.items())
        return _branch(items, ("{", "}"), len(value), depth, budget)
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return _branch((("", item) for item in value), ("[", "]"), len(value), depth, budget)
    return _leaf(value)


def _branch(items: Iterator[tuple[str, Any]], ends: tuple[str, str], count: int, depth: int, budget: _Budget) -> str:
    if depth >= MAX_DEPTH:
        return f"<small>{ends[0]} … {ends[1]}</small>"
    rows = "".join(_rows(items, depth, budget))
    is_open = " open" if depth < OPEN_DEPTH else ""
    size = f"{count} {'entry' if count == 1 else 'entries'}"
    return f"<details{is_open}><summary>{ends[0]}<small>{size}</small>{ends[1]}</summary><ul>{rows}</ul></details>"


def _rows(items: Iterator[tuple[str, Any]], depth: int, budget: _Budget) -> Iterator[str]:
    for key, item in items:
        if not budget.take():
            yield "<li><small>… more in the raw result</small></li>"
            return
        label = f"<b>{escape(key)}</b>: " if key else ""
        yield f"<li>{label}{_node(item, depth + 1, budget)}</li>"


def _leaf(value: Any) -> str:
    text = escape(json.dumps(value, ensure_ascii=False, default=str))
    tag = "s" if isinstance(value, str) else "i"
    return f"<{tag}>{text}</{tag}>"
