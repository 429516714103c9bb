"""Invite people, and keep the list of those who were."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ids import from_text
from accounts.reauthentication import ask_again, is_freshly_signed_in
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import ForbiddenError, NotFoundError
from orgs.forms import InviteForm
from orgs.member_rows import roles_to_invite_as
from orgs.permissions import ROLE_LABELS, Permission, Role, can
from orgs.queries.invitations import list_invitations, pending_invitation
from orgs.services.invitations import (
    PER_DAY,
    Invited,
    Line,
    invite,
    plan_invitations,
    resend_invitation,
    revoke_invitation,
)


@for_owner(Permission.MEMBERS_INVITE)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    now = timezone.now()
    rows = [
        (one, ROLE_LABELS[Role(one.role)], one.word_at(now))
        for one in list_invitations(actor=request.actor, owner=request.owner)
    ]
    only_own = not can(request.actor, Permission.MEMBERS_MANAGE, request.owner)
    return render(request, "orgs/invitations.html", {"rows": rows, "only_own": only_own})


@for_owner(Permission.MEMBERS_INVITE)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OwnedRequest) -> HttpResponse:
    """Addresses first, then what will happen with each of them, then the letters."""
    form = InviteForm(request.POST if request.method == "POST" else None, initial={"role": _asked_role(request)})
    if _makes_owner(form) and not is_freshly_signed_in(request):
        return ask_again(request, query={"role": Role.OWNER.value})
    plan: list[Line] = []
    if request.method == "POST" and form.is_valid():
        try:
            plan = _plan(request, form)
        except ForbiddenError as error:
            form.add_error("role", error.message)
    good = sum(line.is_good for line in plan)
    if good and request.POST.get("step") == "send":
        _tell(request, _invite(request, form))
        return redirect(owner_url(request.owner, "invitations"))
    context = {"form": form, "plan": plan, "good": good, "limit": PER_DAY}
    context |= {"roles": _roles(request)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors or (plan and not good) else HTTPStatus.OK
    return render(request, "orgs/invite.html", context, status=status)


def _asked_role(request: OwnedRequest) -> str:
    """Who had to confirm that it is them finds the role as they chose it."""
    asked = request.GET.get("role", "")
    return asked if asked in set(Role) else Role.MEMBER.value


def _makes_owner(form: InviteForm) -> bool:
    """An invitation as owner weighs what making a member one does (check W9)."""
    return form.is_bound and form.is_valid() and form.cleaned_data["role"] is Role.OWNER


def _plan(request: OwnedRequest, form: InviteForm) -> list[Line]:
    text, role = form.cleaned_data["addresses"], form.cleaned_data["role"]
    return plan_invitations(actor=request.actor, owner=request.owner, text=text, role=role, now=timezone.now())


def _invite(request: OwnedRequest, form: InviteForm) -> Invited:
    text, role = form.cleaned_data["addresses"], form.cleaned_data["role"]
    return invite(actor=request.actor, owner=request.owner, text=text, role=role, now=timezone.now())


def _roles(request: OwnedRequest) -> list[tuple[str, str, bool]]:
    """Every role; one that the actor may not hand out stays visible."""
    given = dict(roles_to_invite_as(request.actor, request.owner))
    return [(role.value, label, role.value in given) for role, label in ROLE_LABELS.items()]


@for_owner(Permission.MEMBERS_INVITE)
@require_POST
def resend(request: OwnedRequest, invitation_id: str) -> HttpResponse:
    asked = read_invitation_id(invitation_id)
    found = pending_invitation(actor=request.actor, owner=request.owner, invitation_id=asked)
    if found.role == Role.OWNER and not is_freshly_signed_in(request):
        return ask_again(request, back=owner_url(request.owner, "invitations"))
    _tell(
        request,
        resend_invitation(actor=request.actor, owner=request.owner, invitation_id=asked, now=timezone.now()),
    )
    return redirect(owner_url(request.owner, "invitations"))


@for_owner(Permission.MEMBERS_INVITE)
@require_POST
def revoke(request: OwnedRequest, invitation_id: str) -> HttpResponse:
    asked = read_invitation_id(invitation_id)
    gone = revoke_invitation(actor=request.actor, owner=request.owner, invitation_id=asked, now=timezone.now())
    messages.success(request, f"The invitation of {gone.email} is withdrawn. Its link works no more.")
    return redirect(owner_url(request.owner, "invitations"))


def _tell(request: OwnedRequest, done: Invited) -> None:
    if done.sent:
        what = "The invitation is" if done.sent == 1 else f"{done.sent} invitations are"
        messages.success(request, f"{what} on the way. The link works for seven days.")
    if done.unsent:
        who = ", ".join(done.unsent)
        messages.error(request, f"The mail server took no letter for {who}. Send it again in a few minutes.")


def read_invitation_id(text: str) -> UUID:
    """Read `inv_…`; whatever else it is, there is no such invitation."""
    invitation_id = from_text("inv", text)
    if invitation_id is None:
        raise NotFoundError
    return invitation_id
