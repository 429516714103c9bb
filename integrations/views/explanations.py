"""The explainer: why a tool runs under an ID or does not, and the way out. The whole question stands in the address."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.forms.explanations import ExplainForm
from integrations.queries.explanations import (
    Explanation,
    accounts_to_ask_about,
    applications_to_ask_about,
    explain,
    explain_end_user,
    explain_member,
)
from integrations.queries.tools import find_tools
from integrations.views.availability import in_a_word, short_name, way_out, ways_out
from integrations.views.ways_out import ICONS, WayOut, policy_page
from orgs.addresses import owner_url
from orgs.decorators import OwnedRequest, for_owner
from orgs.errors import NotFoundError
from orgs.permissions import Actor, Fix, OwnerKind, OwnerRef, Permission, Remedy, Role, can, words
from orgs.queries.members import list_members, names_of_admins

MOST_TOOLS = 1000  # to choose from; a tool beyond them can still be named
MOST_GUESSES = 10


@for_owner(Permission.TOOLS_READ)
@require_safe
def index(request: OwnedRequest) -> HttpResponse:
    form = ExplainForm(request.GET)
    if not form.is_valid():
        return _page(request, form, None, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        return _page(request, form, _explanation(request, form))
    except NotFoundError as error:
        if error.code != "tool_not_found":
            raise
    guesses = find_tools(actor=request.actor, owner=request.owner, text=_asked(form, "tool"), limit=MOST_GUESSES)
    links = [(one, _url(request.owner, request.GET.dict() | {"tool": one.slug})) for one in guesses]
    return _page(request, form, None, guesses=links, is_unknown=True)


def _explanation(request: OwnedRequest, form: ExplainForm) -> Explanation | None:
    """What is asked for; None when no tool is named. Who may not ask about a member learns nothing by asking."""
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    about_other = bool(_asked(form, "member")) and form.member_id != request.actor.user_id
    question: dict[str, Any] = {"tool": _asked(form, "tool"), "named_account": form.cleaned_data["account"]}
    if form.application_id:
        return explain_end_user(**asking, application_id=form.application_id, tool=question["tool"])
    if about_other:
        return explain_member(**asking, user_id=form.member_id, **question)
    return explain(**asking, **question) if question["tool"] else None


def _asked(form: ExplainForm, name: str) -> str:
    return str(form.cleaned_data.get(name) or "")


def _page(
    request: OwnedRequest,
    form: ExplainForm,
    found: Explanation | None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    **more: Any,
) -> HttpResponse:
    asking: dict[str, Any] = {"actor": request.actor, "owner": request.owner}
    accounts = accounts_to_ask_about(**asking)
    context = {
        "form": form,
        "asked": {name: request.GET.get(name, "") for name in form.fields},
        "tools": find_tools(**asking, text="", limit=MOST_TOOLS),
        "accounts": accounts,
        "is_listed": any(one.text_id == request.GET.get("account") for one in accounts),
        "members": [*_members(request), *applications_to_ask_about(**asking)],
        **(_answer(request, found) if found else {}),
        **more,
    }
    return render(request, "integrations/explain/explain.html", context, status=status)


def _members(request: OwnedRequest) -> list[tuple[str, str]]:
    """Whom the reader may ask about."""
    if not request.owner.is_organization or not can(request.actor, Permission.MEMBERS_MANAGE, request.owner):
        return []
    rows = list_members(actor=request.actor, owner=request.owner)
    people = [OwnerRef(OwnerKind.USER, row.user_id, row.user.display_name) for row in rows]
    return [(one.text_id, one.label) for one in people if one.id != request.actor.user_id]


def _answer(request: OwnedRequest, found: Explanation) -> dict[str, Any]:
    decision = found.decision
    ways = _ways_for_admin(found, request.actor) if found.member else ways_out(found, found.elsewhere)
    query = request.GET.dict()
    return {
        "found": found,
        "tool": found.tool,
        "decision": decision,
        "failed": next((check for check in decision.checks if check.outcome == "failed"), None),
        "ways": ways,
        "fixable_by": _fixable_by(found, ways),
        "admins": _admins(request, found, ways),
        "others": [
            (one, short_name(one), in_a_word(there), there, _url(one, {**query, "member": ""}))
            for one, there in found.elsewhere
        ],
        "own_url": _url(request.owner, {**query, "member": ""}) if found.member else "",
    }


def _fixable_by(found: Explanation, ways: Sequence[WayOut]) -> str:
    """In the eyes of the reader: the rule says "you" to whom it is about."""
    if any(way.is_mine_to_go for way in ways):
        return words.YOU
    if found.member is None:
        return found.decision.fixable_by
    of_member = {"mfa_required": found.member.label, "unauthenticated": words.OPERATOR}
    return of_member.get(found.decision.code, found.decision.fixable_by)


def _admins(request: OwnedRequest, found: Explanation, ways: Sequence[WayOut]) -> list[str]:
    """By name, where it takes one of them."""
    asks = any(not way.is_mine_to_go for way in ways)
    is_theirs = not ways and _fixable_by(found, ways) in {words.admin_of(request.owner), words.AN_ADMIN}
    if not request.owner.is_organization or not (asks or is_theirs):
        return []
    return names_of_admins(actor=request.actor, owner=request.owner)


def _ways_for_admin(found: Explanation, actor: Actor) -> list[WayOut]:
    """The way out of somebody else's refusal, as the admin who reads it can go it."""
    name = found.member.label if found.member else ""
    if found.decision.code == "role_cannot_execute":
        there = owner_url(found.owner, "member_role", member_id=found.membership)
        return [WayOut(f"Change {name}'s role", "users", f"{there}?role={Role.MEMBER.value}")]
    if found.decision.code == "membership_ended":
        members = owner_url(found.owner, "members")
        there = f"{members}?{urlencode({'q': name})}#{found.membership}"
        return [WayOut(f"Look at {name}'s membership", "users", there)]
    if found.decision.code == "policy_denied" and can(actor, Permission.POLICIES_MANAGE, found.owner):
        label = words.change_policy(found.owner, may=True)
        return [WayOut(label, ICONS[Fix.CHANGE_POLICY], policy_page(found.decision.rule, found.owner))]
    may = can(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, found.owner)
    remedies = [one for one in found.decision.remedies if one.fix in {Fix.CONNECT, Fix.RECONNECT, Fix.RESUME}]
    return [way_out(_as_admin(one, found, may=may), found) for one in remedies]


def _as_admin(remedy: Remedy, found: Explanation, *, may: bool) -> Remedy:
    account = found.decision.account
    if remedy.fix is Fix.CONNECT or account is None:
        label = words.connect(found.tool.toolkit.name, found.owner, may=may)
    else:
        label = words.repair(remedy.fix.value, account, may=may)
    return replace(remedy, label=label, by_actor=may)


def _url(owner: OwnerRef, query: dict[str, str]) -> str:
    asked = {name: query.get(name, "") for name in ExplainForm.base_fields}
    return f"{owner_url(owner, 'explain')}?{urlencode({name: value for name, value in asked.items() if value})}"
