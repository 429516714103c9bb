"""The broker as a stranger: whoever can write to Redis must not be able to stop a worker (fault F30).

Celery takes it for granted that what lies in its queues was put there by Celery. A message that is no
JSON ends the worker; one that names a known task with an unreadable body is put back when the worker
ends, and so ends the next one too. Here both are dropped and logged: the database is the queue, and a
lost bell is harmless.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from celery import Task
from celery.exceptions import InvalidTaskError
from celery.worker.strategy import default
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.transport import TRANSPORT_ALIASES, redis

log = structlog.get_logger(__name__)
Handler = Callable[..., Any]
if TYPE_CHECKING:
    AnyTask = Task[Any, Any]
else:
    AnyTask = Task  # generic to the type checker only
KNOWN = (InvalidTaskError, ContentDisallowed, DecodeError)  # Celery itself drops these


def careful(task: Any, app: Any, consumer: Any, **options: Any) -> Handler:
    """Celery's usual strategy, but whatever it cannot read is an invalid task instead of the worker's end."""
    handle: Handler = default(task, app, consumer, **options)

    def task_message_handler(*args: Any, **kwargs: Any) -> Any:
        try:
            return handle(*args, **kwargs)
        except KNOWN:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InvalidTaskError(type(error).__name__) from error

    return task_message_handler


class BellTask(AnyTask):
    """A task whose messages may be anything."""

    Strategy = f"{__name__}:careful"


class Channel(redis.Channel):
    """Reads on after a message that is no message."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # the stubs leave it out
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("broker.message_dropped", error=type(error).__name__)
            return True


class Transport(redis.Transport):
    """kombu's Redis transport with our channel."""

    Channel = Channel


def use_careful_transport() -> None:
    """From now on `redis://` means our transport, for workers and for the bell."""
    name = f"{Transport.__module__}:{Transport.__name__}"
    TRANSPORT_ALIASES.update({"redis": name, "rediss": name})
