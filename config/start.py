"""A wrong setting stops the start with its sentence, not with a wall of traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def plain_refusal() -> Iterator[None]:
    """Turn ImproperlyConfigured into one line on stderr and exit status 1."""
    try:
        yield
    except ImproperlyConfigured as error:
        raise SystemExit(f"Switchboard cannot start: {error}") from None
