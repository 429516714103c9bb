"""Everything that an owner may take along, as files of CSV and JSON lines. Never a secret, a digest or a token."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.db.models import Count

from integrations.models import ConnectedAccount, Execution, Webhook
from integrations.models.encrypted import SecretUnreadableError, unseal
from orgs.exports import csv_lines
from orgs.models import ApiKey, EndUser, Membership
from orgs.models.owners import belongs_to
from orgs.permissions import ROLE_LABELS, Actor, OwnerRef, Permission, Role, can, require
from orgs.queries.audit import AuditFilters, all_events
from orgs.queries.members import list_members

BATCH: Final = 200
Files = Iterator[tuple[str, Iterable[str]]]
CONNECTION_HEADS: Final = (
    "ID", "Toolkit", "Name", "Identity", "E-mail at the provider", "State", "Scopes", "Connected at", "Connected by",
)  # fmt: skip
RUN_HEADS: Final = (
    "ID", "Tool", "Effect", "State", "Asked by", "Through", "Account", "Asked at", "Started at", "Ended at", "Error",
)  # fmt: skip
END_USER_HEADS: Final = ("Application", "ID", "The application's ID", "First seen", "Accounts", "Runs")
HOOK_HEADS: Final = ("ID", "Description", "Sends to", "Told of", "State", "Made at", "Last delivered at")
KEY_HEADS: Final = ("ID", "Name", "Ends in", "Scopes", "Made at", "Expires at", "Last used at", "Revoked at")
PEOPLE_HEADS: Final = ("User ID", "Name", "Username", "Role", "State", "Since")
HOOKS_LINE: Final = "webhooks.csv     where the organization is told of events, without the secrets that sign them\n"
README: Final = """What Switchboard keeps for {label} ({id}).

{people}connections.csv  accounts at outside services, without their credentials: those never leave the installation
runs.csv         every run: what, by whom, when, how it ended
runs.jsonl       the same with arguments and results, one run per line, as long as they are kept
api_keys.csv     keys, without the keys themselves
{hooks}audit.jsonl      the audit log, one record per line, newest first

Times are UTC. In the CSV files a cell that a spreadsheet could take for a formula has an apostrophe in front.
"""


def organization_files(*, actor: Actor, owner: OwnerRef) -> Files:
    """For an owner of the organization."""
    require(actor, Permission.ORGANIZATION_MANAGE, owner)
    people = "people.csv       members, with their roles\nend_users.csv    end users of the applications, with counts\n"
    files = _files(actor, owner, people, ("people.csv", _people(actor, owner)), hooks=HOOKS_LINE)
    end_users = ("end_users.csv", csv_lines(END_USER_HEADS, _end_users(owner)))
    return chain(files, [end_users, ("webhooks.csv", csv_lines(HOOK_HEADS, _hooks(owner)))])


def own_files(*, actor: Actor) -> Files:
    """For a person: themself and what is theirs, and nothing of any organization but that they belong to it."""
    owner = actor.as_owner
    if owner is None:
        raise ValueError("An organization's key has no things of its own.")
    require(actor, Permission.EXECUTIONS_READ_RESULTS, owner)
    people = "profile.json     you, and the organizations that you belong to\n"
    return _files(actor, owner, people, ("profile.json", _profile(actor)))


def _files(actor: Actor, owner: OwnerRef, people: str, first: tuple[str, Iterable[str]], hooks: str = "") -> Files:
    yield "README.txt", [README.format(label=owner.label, id=owner.text_id, people=people, hooks=hooks)]
    yield first
    yield "connections.csv", csv_lines(CONNECTION_HEADS, _connections(owner))
    yield "runs.csv", csv_lines(RUN_HEADS, (_run_cells(row) for row in _runs(actor, owner)))
    yield "runs.jsonl", (_line(_run(row, actor, owner)) for row in _runs(actor, owner))
    yield "api_keys.csv", csv_lines(KEY_HEADS, _keys(owner))
    yield "audit.jsonl", (_line(one.facts) for one in all_events(actor=actor, owner=owner, filters=AuditFilters()))


def _people(actor: Actor, owner: OwnerRef) -> Iterator[str]:
    rows = list_members(actor=actor, owner=owner)
    cells = (
        (one.user.text_id, one.user.name, one.user.username, ROLE_LABELS[Role(one.role)], one.word.label, one.joined_at)
        for one in rows
    )
    return csv_lines(PEOPLE_HEADS, cells)


def _profile(actor: Actor) -> Iterator[str]:
    places = Membership.objects.of_user(actor.user_id).active() if actor.user_id else Membership.objects.none()
    addresses = EmailAddress.objects.filter(user_id=actor.user_id).order_by("-primary", "email")
    yield _line(
        {
            "id": actor.as_owner.text_id if actor.as_owner else "",
            "name": actor.label,
            "username": actor.username,
            "emails": [{"email": one.email, "verified": one.verified, "primary": one.primary} for one in addresses],
            "organizations": [
                {"id": one.organization.ref.text_id, "name": one.organization.name, "role": one.role}
                for one in places.select_related("organization").order_by("organization__name")
            ],
        }
    )


def _end_users(owner: OwnerRef) -> Iterator[Sequence[object]]:
    """That they are there; what their runs returned is the application's."""
    rows = EndUser.objects.filter(application__organization_id=owner.id).select_related("application").order_by("id")
    counted = rows.annotate(
        accounts=Count("owner__connected_accounts", distinct=True), runs=Count("owner__executions", distinct=True)
    )
    for one in counted.iterator(chunk_size=BATCH):
        yield one.application.name, one.text_id, one.external, one.created_at, one.accounts, one.runs


def _hooks(owner: OwnerRef) -> Iterator[Sequence[object]]:
    for one in Webhook.objects.owned_by(owner).order_by("id"):
        told_of = " ".join(one.events)
        yield one.text_id, one.description, one.url, told_of, one.word.label, one.created_at, one.delivered_at


def _connections(owner: OwnerRef) -> Iterator[Sequence[object]]:
    rows = ConnectedAccount.objects.owned_by(owner).select_related("toolkit", "connected_by").order_by("id")
    for one in rows.iterator(chunk_size=BATCH):
        by = one.connected_by.display_name if one.connected_by else ""
        scopes = " ".join(one.scopes or [])
        yield (
            one.text_id, one.toolkit.name, one.alias, one.identity_label, one.identity_email, one.word.label, scopes,
            one.connected_at, by,
        )  # fmt: skip


def _runs(actor: Actor, owner: OwnerRef) -> Iterator[Execution]:
    """In batches by keyset: an export holds no long transaction."""
    require(actor, Permission.EXECUTIONS_READ, owner)
    rows = (
        Execution.objects.owned_by(owner).select_related("submitted_by", "connected_account", "api_key").order_by("id")
    )
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(id__gt=batch[-1].id)[:BATCH])


def _run_cells(row: Execution) -> Sequence[object]:
    by = row.submitted_by.display_name if row.submitted_by else ""
    account = row.connected_account.text_id if row.connected_account else ""
    return (
        row.text_id, row.tool_slug, row.effect, row.word.label, by, row.get_origin_display(), account, row.created_at,
        row.started_at or "", row.finished_at or "", row.error_code,
    )  # fmt: skip


def _run(row: Execution, actor: Actor, owner: OwnerRef) -> dict[str, Any]:
    """Arguments and results only where the reader may see them, as on the run's page."""
    facts: dict[str, Any] = dict(zip((head.lower() for head in RUN_HEADS), map(str, _run_cells(row)), strict=True))
    own = row.submitted_by_id is not None and row.submitted_by_id == actor.user_id
    if own or can(actor, Permission.EXECUTIONS_READ_RESULTS, owner):
        facts |= {"arguments": _opened(row, "arguments"), "result": (_opened(row, "result") or {}).get("result")}
    return facts


def _opened(row: Execution, name: str) -> Any:
    sealed = getattr(row, name)
    try:
        return None if sealed is None else unseal(sealed, table="execution", row=row.id, field=name)
    except SecretUnreadableError:
        return None


def _keys(owner: OwnerRef) -> Iterator[Sequence[object]]:
    for one in ApiKey.objects.filter(belongs_to(owner)).order_by("created_at"):
        yield (
            f"key_{one.id.hex}", one.name, one.last_four, " ".join(one.scopes), one.created_at, one.expires_at or "",
            one.last_used_at or "", one.revoked_at or "",
        )  # fmt: skip


def _line(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False, default=str)}\n"
