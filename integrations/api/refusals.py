"""A run that the rule refused, as an error."""

from http import HTTPStatus
from typing import Any

from orgs.errors import DomainError


def refusal_of_run(row: Any) -> DomainError:
    """The decision that is stored on the run: its status, its words and its way out. It is on record already."""
    stored = row.decision
    error = DomainError(row.error_message, code=row.error_code, details=stored)
    error.status = HTTPStatus(stored.get("status", HTTPStatus.FORBIDDEN))
    error.is_recorded = True
    return error
