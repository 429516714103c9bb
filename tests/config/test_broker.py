"""Messages that Celery did not write; at process level in tests/faults/test_strangers.py."""

from typing import Any

import pytest
from celery.exceptions import InvalidTaskError
from kombu import Connection
from kombu.exceptions import DecodeError
from kombu.transport import get_transport_cls

from config import broker
from config.celery import app


def handler_that_raises(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> Any:
    def default(*_args: Any, **_options: Any) -> Any:
        def handle(*_args: Any, **_kwargs: Any) -> str:
            if error is not None:
                raise error
            return "handled"

        return handle

    monkeypatch.setattr(broker, "default", default)
    return broker.careful(None, None, None)


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), KeyError("x"), AttributeError("x")])
def test_a_body_that_cannot_be_read_is_an_invalid_task(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with pytest.raises(InvalidTaskError):
        handler_that_raises(monkeypatch, error)("message")


def test_what_celery_drops_itself_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DecodeError):
        handler_that_raises(monkeypatch, DecodeError("x"))("message")


def test_a_message_of_ours_is_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handler_that_raises(monkeypatch, None)("message") == "handled"


def test_tasks_and_transport_are_the_careful_ones() -> None:
    assert app.Task.Strategy == "config.broker:careful"
    assert get_transport_cls("redis") is get_transport_cls("rediss") is broker.Transport
    assert isinstance(Connection("redis://127.0.0.1:1/0").transport, broker.Transport)
