"""Policies: what members may do with the organization's accounts, and changes of it, each shown before it is made."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.ids import from_text
from integrations.forms.policies import GrantForm, PolicyForm
from integrations.queries.policies import (
    find_target,
    list_policies,
    people_for,
    places,
    rules_for,
    target_of,
    verdicts_at,
)
from integrations.queries.policy_matrix import PRESETS, columns, policy_matrix, preset_of
from integrations.queries.stricter_policies import held_back, stricter_rules
from integrations.queries.what_if import DAYS, what_if
from integrations.services.policies import end_grant, grant, set_policies
from orgs.addresses import owner_url
from orgs.audit import AuditAction
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import DomainError, NotFoundError
from orgs.permissions import Permission, can, words
from orgs.queries.audit import history_of
from orgs.queries.members import names_of_admins

CHANGES = (AuditAction.POLICY_CHANGE, AuditAction.POLICY_GRANT, AuditAction.POLICY_END)
HISTORY_SHOWN = 20


@for_owner(Permission.ORGANIZATION_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    reading: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    found = list_policies(**reading)
    held = held_back(**reading, rows=found)
    rows = [(row, words.policy_sentence(row.rule), held.get(row.id, [])) for row in found]
    keys = {row.id: target_of(row, actor=request.actor) for row in found}
    may_read_log = can(request.actor, Permission.AUDIT_READ, request.owner)
    context = {
        "matrix": policy_matrix(**reading),
        "columns": columns(**reading),
        "rules": [(*line, keys[line[0].id]) for line in rows if line[0].until is None],
        "grants": [line for line in rows if line[0].until is not None],
        "reason": _reason(request),
        "history": history_of(**reading, actions=CHANGES, limit=HISTORY_SHOWN) if may_read_log else None,
    }
    return render(request, "integrations/policies/policies.html", context)


def _reason(request: OwnedRequest) -> str:
    """Why the reader cannot change anything, and whom to ask."""
    if can(request.actor, Permission.POLICIES_MANAGE, request.owner):
        return ""
    names = " or ".join(names_of_admins(actor=request.actor, owner=request.owner)[:3])
    return f"Only an owner or admin of {request.owner.label} can change its policies. Ask {names}."


@for_owner(Permission.POLICIES_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: OwnedRequest) -> HttpResponse:
    """Say what should hold, look at what that would have done, then save it. A GET with a preset is the look."""
    sent = request.POST if request.method == "POST" else request.GET
    is_filled = request.method == "POST" or "preset" in sent
    form = _policy_form(request, sent if is_filled else None, _present(request, sent))
    if not is_filled:
        return _show_change(request, form)
    if not form.is_valid():
        return _show_change(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    target = find_target(**asking, place=form.cleaned_data["place"], people=form.cleaned_data["people"])
    now = timezone.now()
    if request.method != "POST":
        found = what_if(**asking, target=target, verdicts=form.verdicts, now=now)
        planned = rules_for(target, form.verdicts, actor=request.actor, owner=request.owner)
        stricter = stricter_rules(**asking, rows=list_policies(**asking), planned=planned, target=target)
        return _show_change(request, form, target=target, found=found, stricter=stricter)
    set_policies(**asking, target=target, verdicts=form.verdicts, now=now)
    messages.success(request, f"Saved for {target.people}, {target.place}. It holds at once, also for waiting runs.")
    return redirect(owner_url(request.owner, "policies"))


def _present(request: OwnedRequest, sent: Mapping[str, str]) -> dict[str, str]:
    """The form as it stands for the place and people of the address."""
    place, people = sent.get("place", "all"), sent.get("people", "everybody")
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    target = find_target(**asking, place=place, people=people)
    rules = [row.rule for row in list_policies(**asking)]
    verdicts = verdicts_at(rules, target, actor=request.actor)
    typed = {effect.value: verdict.value if verdict else "" for effect, verdict in verdicts.items()}
    return {"place": place, "people": people, "preset": preset_of(verdicts, actor=request.actor), **typed}


def _policy_form(request: OwnedRequest, data: Mapping[str, Any] | None, initial: dict[str, str]) -> PolicyForm:
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    return PolicyForm(data, initial=initial, places=places(**asking), people=people_for(**asking))


def _show_change(
    request: OwnedRequest, form: PolicyForm, *, status: HTTPStatus = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    context = {"form": form, "presets": PRESETS, "days": DAYS, **more}
    return render(request, "integrations/policies/change.html", context, status=status)


@for_owner(Permission.POLICIES_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_grant(request: OwnedRequest) -> HttpResponse:
    """Let one person run what a policy holds back, for a time."""
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    people = [pair for pair in people_for(**asking) if pair[0].startswith("person:")]
    sent = request.POST if request.method == "POST" else None
    form = GrantForm(sent, initial=request.GET.dict(), places=places(**asking), people=people)
    if sent is None:
        return render(request, "integrations/policies/grant.html", {"form": form})
    if form.is_valid() and _granted(request, form):
        return redirect(owner_url(request.owner, "policies"))
    return render(request, "integrations/policies/grant.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _granted(request: OwnedRequest, form: GrantForm) -> bool:
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    chosen, now = form.cleaned_data, timezone.now()
    target = find_target(**asking, place=chosen["place"], people=chosen["person"])
    if target.user is None:
        raise NotFoundError("There is no such member here.")
    terms: dict[str, Any] = {"toolkit": target.toolkit, "account": target.account, "effect": chosen["effect"] or None}
    try:
        given = grant(**asking, user=target.user, **terms, until=form.ends(now), reason=chosen["reason"], now=now)
    except DomainError as error:
        if error.field not in form.fields:
            raise
        form.add_error(error.field, error.message)
        return False
    messages.success(request, f"Granted to {target.people}. It ends by itself; you can end it earlier on this page.")
    rows = list_policies(**asking)
    for one in held_back(**asking, rows=rows).get(given.id, []):
        messages.warning(request, f"A stricter rule still decides for a part of it: {one.sentence}")
    return True


@for_owner(Permission.POLICIES_MANAGE)
@require_POST
def end(request: OwnedRequest, policy_id: str) -> HttpResponse:
    found = from_text("pol", policy_id)
    if found is None:
        raise NotFoundError("There is no such policy here.")
    end_grant(actor=request.actor, owner=request.owner, policy_id=found, now=timezone.now())
    messages.success(request, "Ended. The other policies hold again from now on.")
    return redirect(owner_url(request.owner, "policies"))
