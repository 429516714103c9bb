"""Consent requests: what members ask the admins of an organization for, which the pages call requests."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router, Status
from ninja.params import functions

from accounts.ids import from_text, to_text
from integrations.api.asking import ApiRequest, owner_from, page_url
from integrations.api.catalogue_answers import logo_url
from integrations.api.catalogue_shapes import ToolToolkitOut
from integrations.api.consent_request_shapes import (
    STATUSES,
    AnsweredIn,
    AskIn,
    CandidateOut,
    ConsentRequestListIn,
    ConsentRequestOut,
    ConsentRequestPageOut,
    ConsentRequestRowOut,
    RefusedIn,
    RequesterOut,
    StepOut,
)
from integrations.api.paging import bounded, make_cursor, read_cursor
from integrations.queries.catalogue import home_of
from integrations.queries.consent_answers import candidates
from integrations.queries.consent_requests import (
    RequestDetail,
    RequestFilters,
    find_consent_request,
    list_requests,
)
from integrations.services import consent
from integrations.stamps import stamp
from orgs.errors import ConflictError, DomainError
from orgs.permissions import Actor

router = Router(tags=["Consent requests"])
REQUEST: Any = functions.Path(..., max_length=80, description="rq_…")
NO_ACCOUNT = UUID(int=0)


@router.get("/consent_requests", response=ConsentRequestPageOut)
def list_consent_requests(request: ApiRequest, asked: Query[ConsentRequestListIn]) -> Any:
    """Newest first. Under an organization's ID its admins see all, everybody else what they asked for themselves."""
    actor = request.auth
    if asked.status and asked.status not in STATUSES:
        message = f"There is no status {asked.status}. Choose from {', '.join(STATUSES)}."
        raise DomainError(message, code="invalid_status", field="status")
    owner = owner_from(asked.user_id, actor=actor) if asked.user_id else home_of(actor=actor)
    what = f"consent_requests:{owner.text_id}"
    before = str(read_cursor(asked.cursor, actor=actor, what=what) or "")
    filters = RequestFilters(asked.status, asked.mine)
    page = list_requests(actor=actor, owner=owner, filters=filters, before=before, limit=bounded(asked.limit))
    cursor = make_cursor(page.older, actor=actor, what=what) if page.older else None
    rows: Sequence[Any] = page.rows  # each with how many ask
    items = [ConsentRequestRowOut(**_facts(row, row.asking)) for row in rows]
    return ConsentRequestPageOut(items=items, next_cursor=cursor)


@router.post("/consent_requests", response={200: ConsentRequestOut, 201: ConsentRequestOut})
def make_consent_request(request: ApiRequest, asked: AskIn) -> Any:
    """201 for a new one. Who asks for what is asked already joins, and gets 200 with the one that is there."""
    actor = request.auth
    owner = owner_from(asked.user_id, actor=actor)
    if not owner.is_organization:
        message = "Admins decide for an organization: pass its ID as user_id. You connect your own accounts yourself."
        raise DomainError(message, code="organization_needed", field="user_id")
    account = from_text("ca", asked.connected_account_id) or NO_ACCOUNT if asked.connected_account_id else None
    wish = consent.Ask(asked.toolkit.lower(), asked.reason, [one.upper() for one in asked.tools], account)
    made = consent.ask_for(actor=actor, owner=owner, wish=wish, now=timezone.now())
    return Status(201 if made.is_new else 200, _shown(actor, made.request.id))


@router.get("/consent_requests/{request_id}", response=ConsentRequestOut)
def get_consent_request(request: ApiRequest, request_id: str = REQUEST) -> Any:
    """For those who decide and those who asked. `candidates` tells who decides what could answer it."""
    return _detail(_found(request, request_id), request.auth)


@router.post("/consent_requests/{request_id}/withdraw", response=ConsentRequestOut)
def withdraw_consent_request(request: ApiRequest, request_id: str = REQUEST) -> Any:
    """Takes back your own part. The last one to do so ends the request."""
    found = _found(request, request_id)
    consent.withdraw_request(**_which(request, found), now=timezone.now())
    return _shown(request.auth, found.row.id)


@router.post("/consent_requests/{request_id}/approve", response=ConsentRequestOut)
def approve_consent_request(request: ApiRequest, asked: AnsweredIn, request_id: str = REQUEST) -> Any:
    """With an account that is there. Where none is, a person has to connect one: the answer names the page."""
    found, now = _found(request, request_id), timezone.now()
    which = _which(request, found)
    account = _answer(consent.check_approval(**which), asked.connected_account_id, found)
    until = now + timedelta(days=asked.days) if asked.days else None
    consent.give_access(**which, account_id=account, until=until, now=now)
    return _shown(request.auth, found.row.id)


@router.post("/consent_requests/{request_id}/deny", response=ConsentRequestOut)
def deny_consent_request(request: ApiRequest, asked: RefusedIn, request_id: str = REQUEST) -> Any:
    """Everybody who asked reads the reason. It can be asked for again."""
    found = _found(request, request_id)
    consent.deny_request(**_which(request, found), reason=asked.reason, now=timezone.now())
    return _shown(request.auth, found.row.id)


@router.post("/consent_requests/{request_id}/block", response=ConsentRequestOut)
def block_consent_request(request: ApiRequest, asked: RefusedIn, request_id: str = REQUEST) -> Any:
    """A no that stays: nobody can ask for the same until the block is lifted."""
    found = _found(request, request_id)
    consent.block_request(**_which(request, found), reason=asked.reason, now=timezone.now())
    return _shown(request.auth, found.row.id)


@router.post("/consent_requests/{request_id}/lift", response=ConsentRequestOut)
def lift_consent_request(request: ApiRequest, request_id: str = REQUEST) -> Any:
    """Ends a block: it can be asked for again."""
    found = _found(request, request_id)
    consent.lift_block(**_which(request, found), now=timezone.now())
    return _shown(request.auth, found.row.id)


@router.post("/consent_requests/{request_id}/reopen", response=ConsentRequestOut)
def reopen_consent_request(request: ApiRequest, request_id: str = REQUEST) -> Any:
    """Takes a decision back: open again, with everybody who asked."""
    found = _found(request, request_id)
    consent.reopen_request(**_which(request, found), now=timezone.now())
    return _shown(request.auth, found.row.id)


def _found(request: ApiRequest, text: str) -> RequestDetail:
    return find_consent_request(actor=request.auth, consent_id=from_text("rq", text))


def _which(request: ApiRequest, found: RequestDetail) -> dict[str, Any]:
    return {"actor": request.auth, "owner": found.row.owner.ref, "consent_id": found.row.id}


def _answer(row: Any, text: str, found: RequestDetail) -> UUID | None:
    """The account that is named. A new connection needs one: only a person can connect it."""
    if text:
        return from_text("ca", text) or NO_ACCOUNT
    if row.connected_account_id is None:
        message = (
            f"Somebody has to connect {row.toolkit.name} first: open {_page(found.row)} in the browser as an admin. "
            "Or pass an account that is there already as connected_account_id."
        )
        raise ConflictError(message, code="connection_needed")
    return None


def _shown(actor: Actor, consent_id: UUID) -> ConsentRequestOut:
    """As it stands now."""
    return _detail(find_consent_request(actor=actor, consent_id=consent_id), actor)


def _detail(found: RequestDetail, actor: Actor) -> ConsentRequestOut:
    row = found.row
    return ConsentRequestOut(
        **_facts(row, found.count),
        is_mine=found.mine is not None,
        may_decide=found.may_decide,
        may_approve=found.approval.may and row.is_open,
        why_not=found.approval.reason or None,
        requesters=[_requester(one) for one in found.requesters],
        wanted_tools=[tool.slug for _effect, tools in found.wanted for tool in tools],
        timeline=[_step(one) for one in found.events],
        candidates=_candidates(found, actor) if found.may_decide and row.is_open else [],
    )


def _candidates(found: RequestDetail, actor: Actor) -> list[CandidateOut]:
    return [
        CandidateOut(
            connected_account_id=one.account.text_id,
            label=one.account.label,
            obstacle=one.obstacle or None,
            held_back=[held.sentence for held in one.held],
        )
        for one in candidates(actor=actor, owner=found.row.owner.ref, request=found.row)
    ]


def _requester(part: Any) -> RequesterOut:
    return RequesterOut(
        user_id=to_text("user", part.user_id),
        name=part.user.display_name,
        reason=part.reason,
        tools=part.tools,
        asked_at=stamp(part.asked_at),
        withdrawn_at=stamp(part.withdrawn_at),
    )


def _step(event: Any) -> StepOut:
    who = event.user.display_name if event.user else None
    return StepOut(step=event.step, label=event.label, who=who, reason=event.reason or None, at=stamp(event.at))


def _facts(row: Any, asking: int) -> dict[str, Any]:
    """What the list has of it too."""
    toolkit = row.toolkit
    return {
        "id": row.text_id,
        "status": row.status,
        "status_label": row.word.label,
        "what": row.what,
        "user_id": row.owner.ref.text_id,
        "toolkit": ToolToolkitOut(slug=toolkit.slug, name=toolkit.name, logo=logo_url(toolkit)),
        "connected_account_id": row.connected_account.text_id if row.connected_account else None,
        "asking": asking,
        "decided_by": row.decided_by.display_name if row.decided_by else None,
        "decided_at": stamp(row.decided_at),
        "decision_reason": row.decision_reason or None,
        "answered_with": row.answered_with.text_id if row.answered_with else None,
        "granted_until": stamp(row.granted_until),
        "created_at": stamp(row.created_at),
        "expires_at": stamp(row.expires_at),
        "url": _page(row),
    }


def _page(row: Any) -> str:
    return page_url(row.owner.ref, "request", consent_id=row.text_id)
