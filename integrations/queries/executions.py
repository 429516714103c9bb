"""Read executions: who may see that they happened, and who may see what was in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from accounts.ids import from_text, to_text
from integrations.access import decide_run
from integrations.models import ConnectedAccount, Execution
from integrations.models.encrypted import SecretUnreadableError, unseal
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import WAITING, ExecutionStatus
from orgs.errors import NotFoundError
from orgs.paging import Page, page_of
from orgs.permissions import Actor, ActorKind, Because, Decision, OwnerRef, Permission, can, require

PAGE_SIZE = 25
STATUS_CHOICES = ExecutionStatus.choices
MOST_AT_ONCE: Final = 200  # each is called off and recorded by itself


@dataclass(frozen=True)
class ExecutionFilters:
    """What the runs page can be narrowed down by. Empty text: not at all."""

    status: str = ""
    tool: str = ""
    account: str = ""
    by_me: bool = False
    person: str = ""  # the user ID of whoever asked for it
    since: datetime | None = None
    session: str = ""

    @property
    def is_set(self) -> bool:
        asked = (self.status, self.tool, self.account, self.by_me, self.person, self.since, self.session)
        return any(asked)


@dataclass(frozen=True)
class ExecutionDetail:
    """One execution as this actor may see it. Arguments and result are None to those who may not.

    `decision_now` is what the rule says today to this actor about a run that it once refused.
    """

    row: Execution
    may_read: bool
    may_cancel: bool
    origin: Execution | None = None
    retries: list[Execution] = field(default_factory=list)
    decision_now: Decision | None = None
    arguments: Any = field(default=None, repr=False)
    result: Any = field(default=None, repr=False)
    request: Any = field(default=None, repr=False)
    truncated: bool = False
    unreadable: bool = False


def execution_row(*, actor: Actor, owner: OwnerRef, execution_id: UUID) -> Execution:
    """The row, for whoever may know that it exists; NotFoundError for everybody else."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    row: Execution | None = _with_names(Execution.objects.owned_by(owner)).filter(id=execution_id).first()
    if row is None:
        raise NotFoundError("There is no such run here.")
    return row


def find_execution(*, actor: Actor, execution_id: UUID | None) -> Execution:
    """The row under whichever of the actor's IDs it is; NotFoundError for everybody else's."""
    row: Execution | None = _with_names(Execution.objects.visible_to(actor)).filter(id=execution_id).first()
    if row is None:
        raise NotFoundError("There is no such run here.")
    require(actor, Permission.EXECUTIONS_READ, row.owner.ref)
    return row


def get_execution(*, actor: Actor, owner: OwnerRef, execution_id: UUID) -> ExecutionDetail:
    """One execution; its arguments and result only for who submitted it and who may read everybody's (check T31)."""
    row = execution_row(actor=actor, owner=owner, execution_id=execution_id)
    may_read = _may_read(actor, owner, row)
    if actor.kind is ActorKind.SUPPORT:  # a provider's message may quote what it was sent; the code says enough
        row.error_message = f"Code: {row.error_code}." if row.error_code else ""
    family = _with_names(Execution.objects.visible_to(actor))
    return ExecutionDetail(
        row,
        may_read=may_read,
        may_cancel=may_read and row.may_still_be_cancelled,
        origin=family.filter(id=row.retry_of_id).first() if row.retry_of_id else None,
        retries=list(family.filter(retry_of_id=row.id).order_by("id")),
        decision_now=_decide_now(actor, owner, row),
        **(_open(row) if may_read else {}),
    )


def _decide_now(actor: Actor, owner: OwnerRef, row: Execution) -> Decision | None:
    """Of a refused run; support runs nothing, so there is nothing to decide for it."""
    if row.status != ExecutionStatus.DENIED or actor.kind is ActorKind.SUPPORT:
        return None
    because, account = row.decision.get("because"), row.connected_account_id
    named, pinned = (account if because == one else None for one in (Because.NAMED, Because.PINNED))
    asked: dict[str, Any] = {"requested": owner.text_id, "tool": row.tool}
    decision, _account = decide_run(actor=actor, **asked, named_account=named, pinned_account=pinned)
    return decision


def list_executions(
    *,
    actor: Actor,
    owner: OwnerRef,
    filters: ExecutionFilters,
    before: str = "",
    after: str = "",
    limit: int = PAGE_SIZE,
) -> Page[Execution]:
    """The owner's executions, newest first: those `before` an ID, those `after` one, or the newest."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    rows = _filtered(_with_names(Execution.objects.owned_by(owner)), actor, filters)
    return page_of(rows, "ex", before=before, after=after, limit=limit)


def changed_executions(*, actor: Actor, owner: OwnerRef, seen: Mapping[str, str]) -> list[Execution]:
    """Those of the given IDs whose mark is another one by now; `seen` maps an ID to its mark."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    ids = [one for text in list(seen)[:PAGE_SIZE] if (one := from_text("ex", text))]
    rows = _with_names(Execution.objects.owned_by(owner)).filter(id__in=ids).order_by("-id")
    return [row for row in rows if row.mark != seen.get(row.text_id)]


def runs_to_call_off(
    *, actor: Actor, owner: OwnerRef, filters: ExecutionFilters, until: UUID | None = None, most: int = MOST_AT_ONCE
) -> list[Execution]:
    """The waiting runs that fit, newest first: one's own, or everybody's for whoever decides about them.

    With `until` none that came after that one: what was not in the preview is not called off.
    """
    require(actor, Permission.EXECUTIONS_READ, owner)
    rows = _filtered(_with_names(Execution.objects.owned_by(owner)), actor, filters).filter(status__in=WAITING)
    if not can(actor, Permission.EXECUTIONS_READ_RESULTS, owner):
        rows = rows.filter(submitted_by_id=actor.user_id, submitted_by_id__isnull=False)
    if until is not None:
        rows = rows.filter(id__lte=until)
    return list(rows.order_by("-id")[:most])


def has_executions(*, actor: Actor, owner: OwnerRef) -> bool:
    require(actor, Permission.EXECUTIONS_READ, owner)
    return bool(Execution.objects.owned_by(owner).exists())


def tools_used(*, actor: Actor, owner: OwnerRef) -> list[str]:
    """The tools that occur among the owner's executions, for the filter."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    return list(Execution.objects.owned_by(owner).order_by("tool_slug").values_list("tool_slug", flat=True).distinct())


def accounts_used(*, actor: Actor, owner: OwnerRef) -> list[ConnectedAccount]:
    """The owner's accounts, also disconnected ones, for the filter."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    return list(ConnectedAccount.objects.owned_by(owner).select_related("toolkit").order_by("toolkit__name", "id"))


def people_who_ran(*, actor: Actor, owner: OwnerRef) -> list[tuple[str, str]]:
    """User ID and name of everybody who asked for one of the owner's executions, for the filter."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    rows = Execution.objects.owned_by(owner).filter(submitted_by__isnull=False).order_by("submitted_by_id")
    people = rows.values_list("submitted_by_id", "submitted_by__name", "submitted_by__username").distinct()
    return sorted(((to_text("user", one), name or username) for one, name, username in people), key=lambda one: one[1])


def _with_names(rows: Any) -> Any:
    return rows.select_related(
        "tool__toolkit",
        "connected_account__toolkit",
        "submitted_by",
        "api_key",
        "tool_session",
        *OWNER_NAMES,
    )


def _filtered(rows: Any, actor: Actor, filters: ExecutionFilters) -> Any:
    asked = Q()
    if filters.status:
        asked &= Q(status=filters.status)
    if filters.tool:
        asked &= Q(tool_slug=filters.tool)
    if filters.account:
        asked &= Q(connected_account_id__in=[from_text("ca", filters.account)])  # nonsense is nobody's account
    if filters.person:
        asked &= Q(submitted_by_id__in=[from_text("user", filters.person)])
    if filters.by_me:
        asked &= Q(submitted_by_id=actor.user_id)
    if filters.session:
        asked &= Q(tool_session_id__in=[from_text("trs", filters.session)])
    if filters.since:
        asked &= Q(created_at__gte=filters.since)
    return rows.filter(asked)


def _may_read(actor: Actor, owner: OwnerRef, row: Execution) -> bool:
    return is_own(row, actor=actor) or can(actor, Permission.EXECUTIONS_READ_RESULTS, owner)


def is_own(row: Execution, *, actor: Actor) -> bool:
    """Whether the actor asked for it: the very user, or, of an organization's key, the very key. Support never does."""
    if actor.kind is ActorKind.SUPPORT:
        return False
    if actor.user_id is None:
        return row.api_key_id is not None and row.api_key_id == actor.key_id
    return row.submitted_by_id == actor.user_id


def _open(row: Execution) -> dict[str, Any]:
    try:
        stored = _unsealed(row, "result") or {}
        return {
            "arguments": _unsealed(row, "arguments"),
            "result": stored.get("result"),
            "request": stored.get("request"),
            "truncated": bool(stored.get("truncated")),
        }
    except SecretUnreadableError:
        return {"unreadable": True}


def _unsealed(row: Execution, name: str) -> Any:
    sealed = getattr(row, name)
    return None if sealed is None else unseal(sealed, table="execution", row=row.id, field=name)
