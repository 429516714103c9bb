"""Read what members ask admins for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Prefetch, Q

from integrations.models import ConnectedAccount, ConsentEvent, ConsentRequest, ConsentRequester, Tool, Toolkit
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConsentStatus, ConsentStep
from integrations.queries.ways import EFFECTS
from orgs.errors import NotFoundError
from orgs.paging import Page, page_of
from orgs.permissions import Actor, OwnerRef, Permission, can, require
from orgs.queries.people import holders

PAGE_SIZE: Final = 30
NO_SUCH_REQUEST: Final = "There is no such request here."
OWN_STEPS: Final = {ConsentStep.ASKED, ConsentStep.WITHDREW}
STATUS_CHOICES: Final = [(status.value, status.label) for status in ConsentStatus]


@dataclass(frozen=True)
class RequestFilters:
    """What the list is narrowed down by."""

    status: str = ""
    mine: bool = False


@dataclass(frozen=True)
class Approval:
    """Whether the actor could approve a request. `is_own`: they asked for it and are the only one who may decide."""

    may: bool
    is_own: bool = False
    reason: str = ""  # why not, and who can


@dataclass(frozen=True)
class RequestDetail:
    """A request as one reader may see it."""

    row: ConsentRequest
    requesters: Sequence[ConsentRequester]  # for a member: only themself
    count: int  # how many ask
    events: Sequence[ConsentEvent]
    may_decide: bool
    approval: Approval
    mine: ConsentRequester | None = None  # the reader's own part, unless taken back
    wanted: Sequence[tuple[str, Sequence[Tool]]] = field(default_factory=list)  # by effect

    @property
    def may_reopen(self) -> bool:
        return self.row.status in {ConsentStatus.DENIED, ConsentStatus.BLOCKED, ConsentStatus.EXPIRED}

    @property
    def others(self) -> int:
        return self.count - (1 if self.mine else 0)


@dataclass(frozen=True)
class Standing:
    """How a target stands: nobody asked, an open request (perhaps joined already), or a block."""

    request: ConsentRequest | None = None
    is_mine: bool = False

    @property
    def is_blocked(self) -> bool:
        return self.request is not None and self.request.status == ConsentStatus.BLOCKED


def list_requests(
    *, actor: Actor, owner: OwnerRef, filters: RequestFilters, before: str = "", limit: int = PAGE_SIZE
) -> Page[ConsentRequest]:
    """Newest first. An organization's admins see all of it; everybody else what they asked for themselves."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows = _readable(actor, owner)
    if filters.mine:
        rows = rows.filter(_asked_by(actor))
    if filters.status:
        rows = rows.filter(status=filters.status)
    return page_of(_with_people(rows), "rq", before=before, limit=limit)


def has_requests(*, actor: Actor, owner: OwnerRef) -> bool:
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    return bool(_readable(actor, owner).exists())


def get_consent_request(*, actor: Actor, owner: OwnerRef, consent_id: UUID | None) -> RequestDetail:
    """One request, for who decides and for who asked; NotFoundError for everybody else."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    row: ConsentRequest | None = _with_people(_readable(actor, owner)).filter(id=consent_id).first()
    if row is None:
        raise NotFoundError(NO_SUCH_REQUEST)
    may_decide = can(actor, Permission.REQUESTS_DECIDE, owner)
    asking = [one for one in row.requesters.all() if one.withdrawn_at is None]
    mine = next((one for one in asking if one.user_id == actor.user_id), None)
    return RequestDetail(
        row,
        requesters=[one for one in row.requesters.all() if may_decide or one.user_id == actor.user_id],
        count=len(asking),
        events=_timeline(row, actor, sees_all=may_decide),
        may_decide=may_decide,
        approval=approval_of(actor=actor, owner=owner, request=row),
        mine=mine,
        wanted=_by_effect(wanted_tools(actor=actor, request=row)),
    )


def find_consent_request(*, actor: Actor, consent_id: UUID | None) -> RequestDetail:
    """The one of whichever organization within reach it is; NotFoundError for everybody else's.

    Whoever may decide, and asks with a key that may not, is told what the key lacks.
    """
    rows = ConsentRequest.objects.visible_to(actor).select_related(*OWNER_NAMES)
    row: ConsentRequest | None = rows.filter(id=consent_id).first()
    if row is None:
        raise NotFoundError(NO_SUCH_REQUEST)
    owner = row.owner.ref
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    if not _readable(actor, owner).filter(id=row.id).exists():
        if can(replace(actor, scopes=None), Permission.REQUESTS_DECIDE, owner):
            require(actor, Permission.REQUESTS_DECIDE, owner)
        raise NotFoundError(NO_SUCH_REQUEST)
    return get_consent_request(actor=actor, owner=owner, consent_id=row.id)


def wanted_tools(*, actor: Actor, request: ConsentRequest) -> list[Tool]:
    """The tools that those who still ask want to run."""
    del actor  # the request was read with the actor's rights
    asking = ConsentRequester.objects.asking().filter(request=request)
    slugs = {slug for tools in asking.values_list("tools", flat=True) for slug in tools}
    return list(Tool.objects.filter(slug__in=slugs, toolkit_id=request.toolkit_id).order_by("name", "slug"))


def standing_of(*, actor: Actor, owner: OwnerRef, toolkit: Toolkit, account: ConnectedAccount | None) -> Standing:
    """Whether the same was asked for already, or is blocked."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows = _lasting(owner).filter(toolkit=toolkit, connected_account=account)
    row = rows.annotate(is_mine=_is_mine(actor)).first()
    return Standing(row, row.is_mine) if row else Standing()


def standings(*, actor: Actor, owner: OwnerRef) -> dict[tuple[UUID, UUID | None], Standing]:
    """The same for everything that is open or blocked, by toolkit and account: for lists."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows = _lasting(owner).annotate(is_mine=_is_mine(actor))
    return {(row.toolkit_id, row.connected_account_id): Standing(row, row.is_mine) for row in rows}


def approval_of(*, actor: Actor, owner: OwnerRef, request: ConsentRequest) -> Approval:
    """Nobody approves what they asked for, also not after taking it back, unless nobody else may decide."""
    if not can(actor, Permission.REQUESTS_DECIDE, owner):
        return Approval(may=False, reason=f"Only an admin or owner of {owner.label} can decide.")
    if not ConsentRequester.objects.of(actor).filter(request=request).exists():
        return Approval(may=True)
    deciders = holders(actor=actor, owner=owner, permission=Permission.REQUESTS_DECIDE)
    others = [one.display_name for one in deciders if one.id != actor.user_id]
    if not others:
        return Approval(may=True, is_own=True)
    whom = " or ".join(others[:3])
    return Approval(may=False, reason=f"You asked for this yourself, so somebody else decides. Ask {whom}.")


def _lasting(owner: OwnerRef) -> Any:
    return ConsentRequest.objects.owned_by(owner).filter(status__in=[ConsentStatus.OPEN, ConsentStatus.BLOCKED])


def _is_mine(actor: Actor) -> Exists:
    return Exists(ConsentRequester.objects.of(actor).asking().filter(request=OuterRef("id")))


def _asked_by(actor: Actor) -> Q:
    return Q(Exists(ConsentRequester.objects.of(actor).filter(request=OuterRef("id"))))


def _readable(actor: Actor, owner: OwnerRef) -> Any:
    """Under one's own ID: what one asked for anywhere one still belongs to."""
    if not owner.is_organization:
        return ConsentRequest.objects.visible_to(actor).filter(_asked_by(actor))
    rows = ConsentRequest.objects.owned_by(owner)
    return rows if can(actor, Permission.REQUESTS_DECIDE, owner) else rows.filter(_asked_by(actor))


def _with_people(rows: Any) -> Any:
    people = ConsentRequester.objects.select_related("user").order_by("asked_at", "id")
    rows = rows.select_related(
        "toolkit", "connected_account__toolkit", "answered_with", "decided_by", "owner__organization", "owner__user"
    )
    asking = Count("requesters", filter=Q(requesters__withdrawn_at=None))
    return rows.annotate(asking=asking).prefetch_related(Prefetch("requesters", queryset=people))


def _timeline(row: ConsentRequest, actor: Actor, *, sees_all: bool) -> list[ConsentEvent]:
    """What others wrote when they asked is for the admins."""
    events = row.events.select_related("user").order_by("at", "id")
    return [one for one in events if sees_all or one.step not in OWN_STEPS or one.user_id == actor.user_id]


def _by_effect(tools: Sequence[Tool]) -> list[tuple[str, list[Tool]]]:
    grouped = [(effect, [tool for tool in tools if tool.effect == effect]) for effect in EFFECTS]
    return [(effect, some) for effect, some in grouped if some]
