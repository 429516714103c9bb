"""Threads that ask the database for an asynchronous door keep no connection: many may be waiting for an answer."""

from django.db import connections


def give_back_connections() -> None:
    """Those of this thread, unless a transaction is open on them."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
