"""Errors that may be shown: a machine code, a sentence for people, the HTTP status a door answers with."""

from http import HTTPStatus
from typing import Any


class DomainError(Exception):
    """Something a person or program did cannot be done. `message` says what, and what to do instead."""

    code = "invalid"
    status = HTTPStatus.BAD_REQUEST
    is_denial = False  # the rules refused it: that goes into the audit log
    is_recorded = False  # and is there already

    def __init__(self, message: str, *, code: str = "", field: str = "", details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.field = field
        self.details = details


class NotFoundError(DomainError):
    """There is no such thing, or it is out of the actor's reach: the two read the same on purpose."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND

    def __init__(self, message: str = "Nothing here under this address.", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class OutOfReachError(NotFoundError):
    """Somebody else's thing. Reads like any NotFoundError; only the audit log knows the difference."""

    is_denial = True


class ForbiddenError(DomainError):
    """The actor may see the thing, but not do this with it."""

    is_denial = True
    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class ConflictError(DomainError):
    """The right thing in the wrong state."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class UnauthenticatedError(DomainError):
    """Nobody is acting, or nobody who still may."""

    is_denial = True
    code = "unauthenticated"
    status = HTTPStatus.UNAUTHORIZED


class TooManyError(DomainError):
    """The right thing too often. `message` says when it can be done again."""

    code = "too_many"
    status = HTTPStatus.TOO_MANY_REQUESTS
