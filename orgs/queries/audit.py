"""Read the audit log, and check that nobody has tampered with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from accounts.ids import from_text
from orgs.audit import ACTION_LABELS, NO_HASH, AuditAction, chained, event_text_id
from orgs.errors import NotFoundError
from orgs.models import AuditChain, AuditEvent, AuditLink
from orgs.models.audit import RESULT_WORDS
from orgs.paging import Page, page_of
from orgs.permissions import Actor, OwnerRef, Permission, require

PAGE_SIZE: Final = 50
BATCH: Final = 500
MOST_IDS: Final = 200  # to choose from
SEALED_WITHIN: Final = timedelta(minutes=5)
ACTION_CHOICES: Final = sorted(((one.value, label) for one, label in ACTION_LABELS.items()), key=lambda one: one[1])
RESULT_CHOICES: Final = [(one.value, word.label) for one, word in RESULT_WORDS.items()]


@dataclass(frozen=True)
class AuditFilters:
    """What the log can be narrowed down by. Empty text: not at all. `target` is an ID, or a part of a name."""

    actor: str = ""
    acting_as: str = ""
    target: str = ""
    action: str = ""
    result: str = ""
    since: datetime | None = None

    @property
    def is_set(self) -> bool:
        return self != AuditFilters()


def list_events(
    *, actor: Actor, owner: OwnerRef, filters: AuditFilters, before: str = "", after: str = "", limit: int = PAGE_SIZE
) -> Page[AuditEvent]:
    """The owner's events, newest first: those `before` an ID, those `after` one, or the newest."""
    rows = _filtered(actor, owner, filters)
    return page_of(rows, "ev", before=before, after=after, limit=limit)


def history_of(*, actor: Actor, owner: OwnerRef, actions: Iterable[AuditAction], limit: int) -> list[AuditEvent]:
    """The owner's newest events of these kinds."""
    require(actor, Permission.AUDIT_READ, owner)
    rows = AuditEvent.objects.of_owner(owner).filter(action__in=[action.value for action in actions])
    return list(rows.order_by("-id")[:limit])


def get_event(*, actor: Actor, owner: OwnerRef, event_id: str) -> AuditEvent:
    """One event of this owner; NotFoundError for everything else."""
    require(actor, Permission.AUDIT_READ, owner)
    wanted = from_text("ev", event_id)
    found: AuditEvent | None = AuditEvent.objects.of_owner(owner).filter(id=wanted).first() if wanted else None
    if found is None:
        raise NotFoundError("There is no such record here.")
    return found


def events_about(*, actor: Actor, owner: OwnerRef, target: str, limit: int) -> list[AuditEvent]:
    """What happened to one thing of this owner, newest first; `target` is its outside ID."""
    require(actor, Permission.AUDIT_READ, owner)
    return list(AuditEvent.objects.of_owner(owner).filter(target_id=target).order_by("-id")[:limit])


def place_of(*, actor: Actor, event: AuditEvent) -> AuditLink | None:
    """Where the event stands in the chain; None for the few seconds until it is sealed. For an event in hand."""
    del actor  # it was read by `get_event`
    found: AuditLink | None = AuditLink.objects.filter(event_id=event.id).first()
    return found


def has_events(*, actor: Actor, owner: OwnerRef) -> bool:
    require(actor, Permission.AUDIT_READ, owner)
    return bool(AuditEvent.objects.of_owner(owner).exists())


def actors_seen(*, actor: Actor, owner: OwnerRef) -> list[tuple[str, str]]:
    """ID and name of everybody who occurs in the log, for the filter; the newest name of each."""
    require(actor, Permission.AUDIT_READ, owner)
    rows = AuditEvent.objects.of_owner(owner).exclude(actor_id="").order_by("actor_id", "actor_label")
    names = dict(rows.values_list("actor_id", "actor_label").distinct())
    return sorted(names.items(), key=lambda one: one[1].casefold())


def acted_for(*, actor: Actor, owner: OwnerRef, known: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The people whose keys did something, for the filter; by name where they are among the `known`."""
    require(actor, Permission.AUDIT_READ, owner)
    names = dict(known)
    rows = AuditEvent.objects.of_owner(owner).exclude(acting_as="").order_by("acting_as")
    found = rows.values_list("acting_as", flat=True).distinct()[:MOST_IDS]
    return sorted(((one, names.get(one) or one) for one in found), key=lambda one: one[1].casefold())


def all_events(*, actor: Actor, owner: OwnerRef, filters: AuditFilters) -> Iterator[AuditEvent]:
    """Every event, newest first, in batches by keyset: an export holds no connection and no long transaction."""
    before = ""
    while True:
        page = list_events(actor=actor, owner=owner, filters=filters, before=before, limit=BATCH)
        yield from page.rows
        before = page.older
        if not before:
            return


def _filtered(actor: Actor, owner: OwnerRef, filters: AuditFilters) -> Any:
    require(actor, Permission.AUDIT_READ, owner)
    rows = AuditEvent.objects.of_owner(owner)
    if filters.target:
        rows = rows.filter(Q(target_id=filters.target) | Q(target_label__icontains=filters.target))
    wanted = {"actor_id": filters.actor, "action": filters.action, "result": filters.result, "at__gte": filters.since}
    wanted["acting_as"] = filters.acting_as
    return rows.filter(**{name: value for name, value in wanted.items() if value})


# --- Verification


@dataclass(frozen=True)
class Finding:
    """What is wrong with a chain. `owner_id` is empty for the installation's own."""

    owner_id: str
    number: int
    event: str
    message: str


def verify_chains(*, actor: Actor | None, now: datetime) -> tuple[int, list[Finding]]:
    """How many events are as they were written, and what is not. For the operator: `actor` is None."""
    del actor
    sound, findings = 0, list[Finding]()
    heads = {chain.owner_id: chain for chain in AuditChain.objects.all()}
    links = AuditLink.objects.order_by("owner_id", "number").iterator(chunk_size=BATCH)
    for owner_id, chain in groupby(links, key=lambda link: link.owner_id):
        good, found = _verify(owner_id, chain, heads.pop(owner_id, None))
        sound, findings = sound + good, findings + found
    for head in heads.values():
        if head.length:
            findings.append(Finding(head.owner_id, 1, "", f"All {head.length} records were removed."))
    return sound, findings + _never_sealed(now)


def _verify(owner_id: str, links: Iterator[AuditLink], head: AuditChain | None) -> tuple[int, list[Finding]]:
    findings: list[Finding] = []
    sound, number, previous = 0, 0, NO_HASH
    for batch in _batches(links):
        events = AuditEvent.objects.in_bulk([link.event_id for link in batch])
        for link in batch:
            wrong = _wrong(link, events.get(link.event_id), number, previous)
            findings += [Finding(owner_id, link.number, event_text_id(link.event_id), wrong)] if wrong else []
            sound += not wrong
            number, previous = link.number, link.hash
    if head is None or (head.length, head.hash) != (number, previous):
        findings.append(Finding(owner_id, number, "", "The end of the log was removed or rewritten."))
    return sound, findings


def _wrong(link: AuditLink, event: AuditEvent | None, number: int, previous: str) -> str:
    if link.number != number + 1:
        return f"{link.number - number - 1} records before this one were removed."
    if event is None:
        return "This record was removed."
    if event.owner_id != link.owner_id or link.hash != chained(previous, event.facts):
        return "This record was changed, or stands in another's place."
    return ""


def _batches(links: Iterator[AuditLink]) -> Iterator[list[AuditLink]]:
    batch: list[AuditLink] = []
    for link in links:
        batch.append(link)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _never_sealed(now: datetime) -> list[Finding]:
    """A worker seals within seconds: what is older was put in by hand, or lost its link, or no worker runs."""
    unsealed = AuditEvent.objects.filter(~Exists(AuditLink.objects.filter(event_id=OuterRef("id"))))
    late = unsealed.filter(at__lt=now - SEALED_WITHIN).order_by("id")[:BATCH]
    message = "This record has no place in the chain: it was added by hand, or no worker has run since."
    return [Finding(event.owner_id, 0, event.text_id, message) for event in late]
