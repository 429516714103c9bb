"""The sample that receivers copy verifies what we send, and refuses what we do not."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.engine.signing import VERSION_HEADER, signed_headers
from integrations.jobs.webhook_ends import GIVE_UP_AFTER, KEEP, OFF_AFTER
from integrations.jobs.webhooks import DEADLINE_SECONDS, MOST_BYTES, WAITS
from integrations.models.webhook_words import TEST_EVENT, WebhookEvent
from integrations.services.webhooks import OVERLAP
from tests.docs.pages import block, page, rows

AT, BODY, SECRET = 1_772_445_600, '{"type":"composio.execution.ended","data":{"name":"Zoë"}}'.encode(), "sb_hook_1"


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    names: dict[str, Any] = {}
    exec(block(page("webhooks"), "python"), names)  # noqa: S102  # our own page
    return names["is_genuine"]  # type: ignore[no-any-return]


def headers(*signing: str) -> dict[str, str]:
    return signed_headers(signing or [SECRET], message_id="msg_1", timestamp=AT, body=BODY)


def test_sample_accepts_what_we_send(is_genuine: Callable[..., bool]) -> None:
    assert is_genuine(headers(), BODY, SECRET, now=AT + 299)
    assert is_genuine(headers("sb_hook_2", SECRET), BODY, SECRET, now=AT)


@pytest.mark.parametrize(
    ("change", "body", "secret", "now"),
    [
        ({}, BODY, "sb_hook_2", AT),
        ({}, BODY + b" ", SECRET, AT),
        ({}, BODY, SECRET, AT + 301),
        ({}, BODY, SECRET, AT - 301),
        ({"webhook-id": "msg_2"}, BODY, SECRET, AT),
        ({"webhook-timestamp": str(AT + 1)}, BODY, SECRET, AT),
        ({"webhook-signature": "v1,"}, BODY, SECRET, AT),
    ],
)
def test_sample_refuses_everything_else(
    is_genuine: Callable[..., bool], change: dict[str, str], body: bytes, secret: str, now: int
) -> None:
    assert not is_genuine({**headers(), **change}, body, secret, now=now)


def test_table_names_every_event() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(page("webhooks"), "## Events")}

    assert told == {**{one.value: one.wire for one in WebhookEvent}, TEST_EVENT: f"composio.{TEST_EVENT}"}


def test_figures_are_those_of_the_code() -> None:
    assert [wait.total_seconds() for wait in WAITS] == [5, 300, 1800, 7200, 18000, 36000]
    assert (DEADLINE_SECONDS, MOST_BYTES, OVERLAP.total_seconds()) == (5.0, 16 * 1024, 24 * 3600)
    assert (GIVE_UP_AFTER.days, OFF_AFTER.days, KEEP.days) == (3, 3, 30)
    assert VERSION_HEADER in page("webhooks")
