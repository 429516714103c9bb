"""The one place at the door where a refusal goes into the audit log (check T32)."""

from django.http import HttpRequest
from django.utils import timezone

from orgs.audit import AuditAction, Target, denied
from orgs.errors import DomainError
from orgs.identities import current_actor
from orgs.services.audit import log_of, record


def note_denial(request: HttpRequest, error: DomainError) -> None:
    """Record that the rules refused somebody who is signed in; once, and nothing for any other error.

    It stands in the log of the owner whose page it was, for somebody who belongs there, else in their own.
    """
    actor = current_actor(request) if error.is_denial and not error.is_recorded else None
    if actor is None:
        return
    record(
        actor=actor,
        owner=log_of(actor=actor, owner=getattr(request, "owner", None)),
        action=AuditAction.ACCESS_CHECK,
        target=Target("page", label=_address(request)),
        result=denied(error.code),
        details={"method": request.method, "page": _page(request)},
        now=timezone.now(),
    )
    error.is_recorded = True


def _page(request: HttpRequest) -> str:
    return (request.resolver_match.url_name if request.resolver_match else "") or ""


def _address(request: HttpRequest) -> str:
    """The address as it is written in the URL map, with the organization: other parts of it may be secrets."""
    match = request.resolver_match
    return f"/{match.route}".replace("<slug:org>", str(match.kwargs.get("org", ""))) if match else ""
