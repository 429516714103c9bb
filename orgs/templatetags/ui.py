"""Filters and tags of the pages: times, durations, JSON. A template builtin, so no page loads it."""

import json
import re
from datetime import datetime
from typing import Any, Final

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from orgs.templatetags.json_html import render_json

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400
WEEK = 7 * DAY
OWNER_ID: Final = re.compile(r"\b((?:user|org)_[0-9a-f]{4})[0-9a-f]{24}([0-9a-f]{4})\b")
# The first that fits names the browser: each of them also calls itself one of the later ones.
BROWSERS: Final = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS: Final = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@register.filter
def relative_time(moment: datetime | None) -> str:
    """`now`, `5 min ago`, `in 3 h`, `2 d ago`; a plain date once it is more than a week away."""
    if moment is None:
        return "Never"
    seconds = (timezone.now() - moment).total_seconds()
    if abs(seconds) >= WEEK:
        return f"{moment.day} {moment:%b %Y}"
    return _ago(_span(abs(seconds)), is_past=seconds >= 0)


def _span(seconds: float) -> str:
    if seconds < MINUTE:
        return ""
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY)} d"


def _ago(span: str, *, is_past: bool) -> str:
    if not span:
        return "now" if is_past else "in a moment"
    return f"{span} ago" if is_past else f"in {span}"


@register.filter
def exact_time(moment: datetime | None) -> str:
    return f"{moment.astimezone(timezone.get_current_timezone()):%Y-%m-%d %H:%M:%S %Z}" if moment else ""


@register.filter
def duration(milliseconds: float | None) -> str:
    """`84 ms`, `1.2 s`, `2 min 5 s`."""
    if milliseconds is None:
        return "-"
    if milliseconds < 1000:  # noqa: PLR2004  # one second
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"


@register.filter
def pretty_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def json_tree(value: Any) -> SafeString:
    """The value as nested lists that fold, everything escaped; see `json_html`."""
    return render_json(value)


@register.filter
def short_ids(text: str) -> SafeString:
    """A sentence with long IDs folded in the middle; the whole one is on hover. Everything else is escaped."""
    return mark_safe(OWNER_ID.sub(_folded, escape(text)))  # noqa: S308  # escaped; what is added is hex digits


def _folded(found: re.Match[str]) -> str:
    return format_html('<span class="mono" title="{}">{}…{}</span>', found[0], found[1], found[2])


@register.filter
def browser_name(user_agent: str) -> str:
    """`Firefox on Windows`. A guess to recognize one's own devices by, no more."""
    browser = next((name for sign, name in BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or "Another program"
