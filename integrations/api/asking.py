"""What every handler reads off a request."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from integrations.doors.limits import spend_elsewhere
from orgs.addresses import owner_url_if_any
from orgs.errors import DomainError, NotFoundError
from orgs.permissions import Actor, OwnerRef, owner_meant, words
from orgs.queries.end_users import naming, read_id

MAX_LISTED = 200


class ApiRequest(HttpRequest):
    """A request with a good key."""

    auth: Actor


def listed(text: str) -> list[str]:
    """The parts of a comma-joined parameter."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if len(found) > MAX_LISTED:
        raise DomainError(f"A list has at most {MAX_LISTED} parts.", code="invalid_request")
    return found


def owner_from(text: str, *, actor: Actor) -> OwnerRef:
    """The owner that an ID means to this actor. Somebody else's and nobody's read the same (check T9)."""
    requested = read_id(text, actor=actor)
    if requested.problem is not None:
        raise DomainError(words.id_problem(requested.problem, actor), code=requested.problem.value, field="user_id")
    owner = owner_meant(naming(actor=actor, asked=requested), requested)
    if owner is None:
        raise NotFoundError(words.id_not_found(actor), code="user_id_not_found", field="user_id")
    return owner


def count_under(text: str, *, actor: Actor) -> None:
    """Count a request under the ID that it names. One that names none of the actor's is counted at the door only."""
    requested = read_id(text, actor=actor)
    owner = owner_meant(naming(actor=actor, asked=requested), requested)
    if owner is not None:
        spend_elsewhere(actor, owner, timezone.now())


def page_url(owner: OwnerRef, name: str, /, **parts: Any) -> str:
    """Where a person looks at the same thing; empty for an end user, who has no pages here."""
    page = owner_url_if_any(owner, name, **parts)
    return str(settings.BASE_URL) + page if page else ""
