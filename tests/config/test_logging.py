import json
import logging
from typing import Any

import pytest
import structlog
from django.conf import settings

from config.celery import app as celery_app
from config.logging import STRUCK, redact_secrets

CANARY = "k4n4ry-9f8e7d6c5b4a"


def redacted(**event: Any) -> str:
    return json.dumps(redact_secrets(None, "info", dict(event)))


@pytest.mark.parametrize(
    "event",
    [
        {"access_token": CANARY},
        {"client_secret": CANARY},
        {"password": CANARY},
        {"Authorization": f"Bearer {CANARY}"},
        {"cookie": f"session={CANARY}"},
        {"code_verifier": CANARY},
        {"headers": {"authorization": CANARY}},
        {"deep": [{"list": ({"api_key": CANARY},)}]},
        {"header": f"Bearer {CANARY}"},
        {"header": f"Basic {CANARY}"},
        {"url": f"https://example.com/callback?code={CANARY}&x=1"},
        {"url": f"https://example.com/callback?x=1&state={CANARY}"},
        {"url": f"redis://:{CANARY}@127.0.0.1:6379/0"},
        {"url": f"postgres://user:{CANARY}@db/name"},
        {"body": f"grant_type=refresh_token&refresh_token={CANARY}"},
        {"body": json.dumps({"access_token": CANARY})},
        {"body": repr({"client_secret": CANARY})},
        {"event": f"sent ghp_{CANARY}"},
        {"event": f"sent xoxb-{CANARY}"},
        {"event": f"sent sb_user_0123456789abcdef_{CANARY}"},
        {"event": f"sent sb_org_0123456789abcdef_{CANARY}"},
        {"event": f"sent sb_hook_{CANARY}"},
        {"event": f"sent eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}"},
        {"error": ValueError(f"token={CANARY}")},
        {"exception": f"Traceback …\nValueError: refused Bearer {CANARY}"},
        {"value": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": CANARY}}}}}}}}}},
    ],
)
def test_secret_is_struck_out_wherever_it_stands(event: dict[str, Any]) -> None:
    assert CANARY not in redacted(**event)


def test_what_is_no_secret_stays_readable() -> None:
    event = {"event": "execution ended", "code": 200, "tokens_refreshed": 3, "tool": "GITHUB_GET_REPO", "ok": True}

    assert json.loads(redacted(**event, url="https://api.example.com/repos?page=2")) == {
        **event,
        "url": "https://api.example.com/repos?page=2",
    }


def test_struck_out_value_is_marked() -> None:
    assert json.loads(redacted(password="x", note="Bearer abcdef123")) == {
        "password": STRUCK,
        "note": f"Bearer {STRUCK}",
    }


def test_redaction_leaves_the_callers_objects_alone() -> None:
    headers = {"authorization": CANARY}

    redacted(headers=headers)

    assert headers == {"authorization": CANARY}


def formatted(record: logging.LogRecord) -> str:
    """The record as the console handler of the settings writes it."""
    line = settings.LOGGING["formatters"]["line"]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=line["foreign_pre_chain"], processors=line["processors"]
    )
    return formatter.format(record)


def test_exceptions_of_other_libraries_pass_the_same_net() -> None:
    error = RuntimeError(f"401 for Authorization: Bearer {CANARY}")
    record = logging.LogRecord("elsewhere", logging.ERROR, __file__, 1, "call failed", None, (type(error), error, None))

    text = formatted(record)

    assert "call failed" in text
    assert STRUCK in text
    assert CANARY not in text


def test_arguments_of_foreign_messages_pass_the_same_net() -> None:
    record = logging.LogRecord("elsewhere", logging.WARNING, __file__, 1, "GET %s", (f"/cb?code={CANARY}",), None)

    assert CANARY not in formatted(record)


def test_celery_leaves_logging_to_the_settings() -> None:
    root = logging.getLogger()
    was_set_up, level = celery_app.log.already_setup, root.level
    celery_app.log.already_setup = False
    try:
        celery_app.log.setup_logging_subsystem(loglevel=logging.CRITICAL)
        found = logging.getLevelName(root.level)
    finally:
        celery_app.log.already_setup = was_set_up
        root.setLevel(level)

    assert found == settings.LOG_LEVEL
