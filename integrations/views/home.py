"""Home: the first steps, what needs somebody, the latest runs, the accounts by owner."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from integrations.queries.admin_home import tasks_for_admins
from integrations.queries.executions import ExecutionFilters, list_executions
from integrations.queries.home import accounts_by_owner, first_steps, what_needs_me
from orgs.decorators import OwnedRequest, for_owner
from orgs.permissions import Permission, can
from orgs.queries.domains import joinable
from orgs.queries.logos import logo_version
from orgs.queries.ownership import is_only_owner

LATEST = 6


@for_owner(Permission.EXECUTIONS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    actor, owner = request.actor, request.owner
    context: dict[str, Any] = {
        "steps": None if request.user.hides_first_steps else first_steps(actor=actor, owner=owner),
        "needs": what_needs_me(actor=actor, owner=owner, now=timezone.now()),
        "tasks": tasks_for_admins(actor=actor, owner=owner, now=timezone.now()),
        "runs": list_executions(actor=actor, owner=owner, filters=ExecutionFilters(), limit=LATEST).rows,
        "may_run": can(actor, Permission.TOOLS_EXECUTE, owner),
        "holders": accounts_by_owner(actor=actor, owner=owner),
    }
    if owner.is_organization:
        context |= {
            "is_only_owner": is_only_owner(actor=actor, owner=owner),
            "logo_version": logo_version(actor=actor, owner=owner),
        }
    else:
        context["joinable"] = joinable(actor=actor)
    return render(request, "integrations/home/home.html", context)
