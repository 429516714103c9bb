"""The place at this door where a refusal goes into the audit log (check T32)."""

from django.http import HttpRequest
from django.utils import timezone

from orgs.audit import AuditAction, Target, denied
from orgs.errors import DomainError
from orgs.permissions import Actor
from orgs.services.audit import log_of, record


def record_denial(request: HttpRequest, error: DomainError) -> None:
    """Record that the rules refused the bearer of a key; once. A key that is nobody's has no log of its own."""
    actor: Actor | None = getattr(request, "auth", None)
    if actor is None or not error.is_denial or error.is_recorded:
        return
    record(
        actor=actor,
        owner=log_of(actor=actor, owner=None),
        action=AuditAction.ACCESS_CHECK,
        target=Target("api", label=_address(request)),
        result=denied(error.code),
        details={"method": request.method, "origin": "api"},
        now=timezone.now(),
    )
    error.is_recorded = True


def _address(request: HttpRequest) -> str:
    """The address as it is written in the URL map: what stands in it for an ID may be anything."""
    return f"/{request.resolver_match.route}" if request.resolver_match else ""
