"""The access matrix: who may use what, through which connection."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.queries.access_matrix import MOST_PEOPLE, access_matrix
from orgs.decorators import OwnedRequest, for_owner
from orgs.permissions import ROLE_LABELS, Permission

MOST_TEXT: Final = 80


@for_owner(Permission.MEMBERS_MANAGE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    text = request.GET.get("q", "")[:MOST_TEXT].strip()
    toolkits, lines = access_matrix(actor=request.actor, owner=request.owner, text=text)
    context = {
        "toolkits": toolkits,
        "lines": [(line, ROLE_LABELS[line.role] if line.role else "") for line in lines],
        "text": text,
        "is_cut": len(lines) == MOST_PEOPLE,
        "most": MOST_PEOPLE,
    }
    return render(request, "integrations/access/matrix.html", context)
