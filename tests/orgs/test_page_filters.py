"""What the pages make of times, durations and JSON."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.templatetags.json_html import MAX_NODES, render_json
from orgs.templatetags.ui import browser_name, duration, exact_time, pretty_json, relative_time, short_ids


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "now"),
        (timedelta(minutes=5, seconds=1), "5 min ago"),
        (timedelta(hours=3, seconds=1), "3 h ago"),
        (timedelta(days=2, seconds=1), "2 d ago"),
        (timedelta(minutes=-5, seconds=-1), "in 5 min"),
        (timedelta(seconds=-20), "in a moment"),
    ],
)
def test_relative_time_counts_in_one_unit(ago: timedelta, words: str) -> None:
    assert relative_time(timezone.now() - ago) == words


def test_relative_time_is_a_date_after_a_week() -> None:
    moment = timezone.now() - timedelta(days=30)

    assert relative_time(moment) == f"{moment.day} {moment:%b %Y}"


def test_relative_time_of_nothing_is_never() -> None:
    assert relative_time(None) == "Never"
    assert exact_time(None) == ""


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(None, "-"), (84, "84 ms"), (1240, "1.2 s"), (125_000, "2 min 5 s")]
)
def test_duration_keeps_to_what_people_read(milliseconds: float | None, words: str) -> None:
    assert duration(milliseconds) == words


def test_pretty_json_keeps_letters_of_every_language() -> None:
    assert pretty_json({"name": "Zoë"}) == '{\n  "name": "Zoë"\n}'


def test_json_tree_escapes_keys_and_values() -> None:
    html = render_json({"<b>": "</s><script>alert(1)</script>"})

    assert "<script>" not in html
    assert "<b>&lt;b&gt;</b>" in html


def test_json_tree_folds_below_the_second_level() -> None:
    html = render_json({"a": {"b": {"c": 1}}})

    assert html.count("<details open>") == 2
    assert html.count("<details>") == 1


def test_json_tree_stops_at_its_budget() -> None:
    html = render_json(list(range(MAX_NODES + 50)))

    assert html.count("<li>") == MAX_NODES + 1
    assert "more in the raw result" in html


def test_json_tree_survives_deep_nesting() -> None:
    value: list[object] = []
    for _ in range(500):
        value = [value]

    assert "…" in render_json(value)


def test_short_ids_folds_long_ids_and_escapes_the_rest() -> None:
    text_id = f"org_{'0123456789abcdef' * 2}"

    shown = short_ids(f"<b>Use</b> {text_id}.")

    assert shown == f'&lt;b&gt;Use&lt;/b&gt; <span class="mono" title="{text_id}">org_0123…cdef</span>.'
    assert short_ids("ca_0123 and nothing else") == "ca_0123 and nothing else"


def test_browser_name_is_recognizable() -> None:
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0"
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"

    assert browser_name(edge) == "Edge on Windows"
    assert browser_name(phone) == "Safari on iPhone"
    assert browser_name("curl/8.0") == "Another program"
