"""How a member's place changes or ends: each page says first what it touches."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.ids import to_text
from accounts.reauthentication import ask_again, is_freshly_signed_in
from integrations.forms.leaving import PartingForm
from integrations.queries.impact import MemberImpact, impact_of_member
from integrations.services import leaving
from integrations.views.impact_words import member_lines, role_lines, suspension_lines
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, admitted_to, for_owner
from orgs.forms import RoleForm
from orgs.member_rows import roles_to_give, why_owner_stays
from orgs.permissions import ROLE_LABELS, Permission, Role, role_change
from orgs.queries.members import managed_member, managers_of, own_membership
from orgs.services.members import change_role, suspend_member
from orgs.views.members import back_to_members, read_member_id

CHANGES = ["GET", "HEAD", "POST"]


@for_owner(Permission.MEMBERS_MANAGE)
@require_http_methods(CHANGES)
def role(request: OwnedRequest, member_id: str) -> HttpResponse:
    """Look at what another role means, then give it."""
    member = _managed(request, member_id)
    form = RoleForm(request.POST if request.method == "POST" else {"role": request.GET.get("role", member.role)})
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["role"]
        if wanted is Role.OWNER and not is_freshly_signed_in(request):
            return ask_again(request, query={"role": wanted.value})
        return _give_role(request, member, wanted)
    before = Role(member.role)
    wanted = form.cleaned_data["role"] if form.is_valid() else before
    context = {
        "member": member,
        "form": form,
        "change": role_change(before, wanted),
        "before": ROLE_LABELS[before],
        "after": ROLE_LABELS[wanted],
        "lines": role_lines(_impact(request, member, after=wanted), request.owner, wanted),
        "is_reader": member.user_id == request.actor.user_id,
        "roles": roles_to_give(request.actor.role_in(request.owner)),
        "blocked": _blocked(request, member) if wanted is not before else "",
    }
    return _page(request, "role", context, is_bad=request.method == "POST" or bool(form.errors))


@for_owner(Permission.MEMBERS_MANAGE)
@require_http_methods(CHANGES)
def suspend(request: OwnedRequest, member_id: str) -> HttpResponse:
    member = _managed(request, member_id)
    if request.method == "POST":
        suspend_member(actor=request.actor, owner=request.owner, member_id=member.id, now=timezone.now())
        messages.success(request, f"{member.user.display_name} is suspended and can do nothing here until you lift it.")
        return back_to_members(request)
    lines = suspension_lines(_impact(request, member), request.owner)
    return _page(request, "suspend", {"member": member, "lines": lines, "blocked": _blocked(request, member)})


@for_owner(Permission.MEMBERS_MANAGE)
@require_http_methods(CHANGES)
def remove(request: OwnedRequest, member_id: str) -> HttpResponse:
    """The offboarding page: what ends, and who looks after what stays."""
    member = _managed(request, member_id)
    impact, name = _impact(request, member), member.user.display_name
    form = _parting_form(request, impact, expected=name)
    if request.method == "POST" and form.is_valid():
        doing: dict[str, Any] = {"member_id": member.id, "successors": form.successors, "now": timezone.now()}
        parted = leaving.remove_from_organization(actor=request.actor, owner=request.owner, **doing)
        messages.success(request, f"{name} no longer belongs to {request.owner.label}.{_told(parted)}")
        return redirect(owner_url(request.owner, "handed_over")) if parted.handed_over else back_to_members(request)
    return _parting_page(request, "remove", impact, form)


@for_owner(Permission.ORGANIZATION_READ, without_factor=True)
@require_http_methods(CHANGES)
def leave(request: OwnedRequest) -> HttpResponse:
    if request.owner.id in request.actor.lacks_factor:
        return _leave_unseen(request)
    member = own_membership(actor=request.actor, owner=request.owner)
    impact = _impact(request, member)
    form = _parting_form(request, impact, expected=request.owner.label)
    if request.method == "POST" and form.is_valid():
        return _left(request, form.successors)
    return _parting_page(request, "leave", impact, form)


def _leave_unseen(request: OwnedRequest) -> HttpResponse:
    """For whoever lacks the second factor: the way out, and nothing of what the organization has."""
    leaver = admitted_to(request)
    member = own_membership(actor=leaver, owner=request.owner)
    blocked = why_owner_stays(leaver, request.owner, Role(member.role), member.user_id)
    if request.method == "POST":
        return _left(request, {})
    return _page(request, "leave_unseen", {"blocked": blocked})


def _left(request: OwnedRequest, successors: Mapping[UUID, UUID]) -> HttpResponse:
    leaving.leave(actor=request.actor, owner=request.owner, successors=successors, now=timezone.now())
    messages.success(request, f"You have left {request.owner.label}. What is connected under your own name stays.")
    return redirect("home")


def _give_role(request: OwnedRequest, member: Any, wanted: Role) -> HttpResponse:
    name, label = member.user.display_name, ROLE_LABELS[wanted].lower()
    if change_role(actor=request.actor, owner=request.owner, member_id=member.id, role=wanted, now=timezone.now()):
        messages.success(request, f"{name} now has the role {label}.")
    else:
        messages.info(request, f"Nothing was changed: {name} has the role {label} already.")
    return back_to_members(request)


def _managed(request: OwnedRequest, member_id: str) -> Any:
    return managed_member(actor=request.actor, owner=request.owner, member_id=read_member_id(member_id))


def _impact(request: OwnedRequest, member: Any, *, after: Role | None = None) -> MemberImpact:
    asked: dict[str, Any] = {"member": member, "after": after, "now": timezone.now()}
    return impact_of_member(actor=request.actor, owner=request.owner, **asked)


def _blocked(request: OwnedRequest, member: Any) -> str:
    return why_owner_stays(request.actor, request.owner, Role(member.role), member.user_id)


def _parting_form(request: OwnedRequest, impact: MemberImpact, *, expected: str) -> PartingForm:
    """Among the other admins, whoever acts comes first."""
    goes = impact.member.user_id
    rows = managers_of(actor=request.actor, owner=request.owner, but=goes)
    people = [(row.user.text_id, row.user.display_name) for row in rows]
    mine = to_text("user", request.user.id)
    return PartingForm(
        request.POST if request.method == "POST" else None,
        accounts=[one.account.text_id for one in impact.accounts],
        people=people,
        first=mine if request.user.id != goes else next((value for value, _name in people), ""),
        expected=expected,
    )


def _parting_page(request: OwnedRequest, name: str, impact: MemberImpact, form: PartingForm) -> HttpResponse:
    context = {
        "member": impact.member,
        "lines": member_lines(impact, request.owner, is_self=name == "leave"),
        "rows": [(one, form.field_of(one.account.text_id)) for one in impact.accounts],
        "organization_keys": impact.organization_keys,
        "form": form,
        "blocked": _blocked(request, impact.member),
    }
    return _page(request, name, context, is_bad=bool(form.errors))


def _page(request: OwnedRequest, name: str, context: dict[str, Any], *, is_bad: bool = False) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_bad else HTTPStatus.OK
    return render(request, f"integrations/members/{name}.html", context, status=status)


def _told(parted: leaving.Parted) -> str:
    """What happened beside it, as the preview has said it."""
    parts = []
    if parted.cancelled_runs:
        were = "run was" if parted.cancelled_runs == 1 else "runs were"
        parts.append(f"{parted.cancelled_runs} waiting {were} cancelled.")
    if parted.handed_over:
        parts.append(f"Somebody should consent anew to {_list(parted.handed_over)}.")
    return "".join(f" {one}" for one in parts)


def _list(accounts: Sequence[Any]) -> str:
    return ", ".join(f"{one.toolkit.name} ({one.label})" for one in accounts)
