"""Who belongs to an organization, and what each role may do."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.ids import from_text
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import NotFoundError
from orgs.member_rows import member_rows, reason_against
from orgs.paging import page_number, page_url
from orgs.permissions import ROLE_LABELS, Permission, Role, can
from orgs.queries.invitations import list_invitations
from orgs.queries.member_list import browse_members
from orgs.role_table import role_table
from orgs.services.members import lift_suspension

FILTERS = ("q", "role")
MOST_SEARCHED = 128  # characters


@for_owner(Permission.MEMBERS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    actor, owner = request.actor, request.owner
    mine = actor.role_in(owner)
    manages, invites = (can(actor, one, owner) for one in (Permission.MEMBERS_MANAGE, Permission.MEMBERS_INVITE))
    asked = _asked(request)
    page = browse_members(actor=actor, owner=owner, number=page_number(request.GET), **asked)
    context = {
        "rows": member_rows(actor, owner, page.rows),
        "page": page,
        "search": asked["text"],
        "chosen": asked["role"],
        "roles": [(role.value, label) for role, label in ROLE_LABELS.items()],
        "older_url": page_url(request.GET, FILTERS, page=str(page.number + 1)) if page.has_more else "",
        "newer_url": page_url(request.GET, FILTERS, page=str(page.number - 1)) if page.number > 1 else "",
        "invitations": list_invitations(actor=actor, owner=owner).count() if invites else None,
        "only_own": not manages,
        "reason": "" if invites else reason_against(mine),
        "shows_factor": manages,
        "role_table": role_table(),
        "my_role": ROLE_LABELS[mine] if mine else "",
    }
    return render(request, "orgs/members.html", context)


def _asked(request: OwnedRequest) -> dict[str, str]:
    """What the list is narrowed down by; a role that is none narrows down nothing."""
    role = request.GET.get("role", "")
    return {"text": request.GET.get("q", "").strip()[:MOST_SEARCHED], "role": role if role in set(Role) else ""}


@for_owner(Permission.MEMBERS_MANAGE)
@require_POST
def lift(request: OwnedRequest, member_id: str) -> HttpResponse:
    member = lift_suspension(
        actor=request.actor, owner=request.owner, member_id=read_member_id(member_id), now=timezone.now()
    )
    label = ROLE_LABELS[Role(member.role)].lower()
    messages.success(request, f"{member.user.display_name} is active again, with the role {label}.")
    return back_to_members(request)


def back_to_members(request: OwnedRequest) -> HttpResponse:
    return redirect(owner_url(request.owner, "members"))


def read_member_id(text: str) -> UUID:
    """Read `mem_…`; whatever else it is, there is no such member."""
    member_id = from_text("mem", text)
    if member_id is None:
        raise NotFoundError
    return member_id
