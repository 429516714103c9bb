"""Under which IDs a key may act, and what there is to know about the organizations among them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from ninja import Query, Router
from ninja.params import functions
from pydantic import Field

from integrations.api.asking import ApiRequest, owner_from
from integrations.api.base import Out, StrictIn
from integrations.queries.catalogue import home_of
from integrations.queries.run_counts import run_counts
from integrations.stamps import stamp
from orgs.errors import NotFoundError
from orgs.permissions import ROLE_LABELS, Actor, OwnerRef, Permission, require
from orgs.queries.end_users import is_stored
from orgs.queries.members import list_members

router = Router(tags=["Identities"])
ORGANIZATION: Any = functions.Path(..., max_length=80, description="org_…")


class IdentitiesIn(StrictIn):
    """Whom to list as well."""

    user_id: str = Field("", max_length=200, description="An end user of the application whose key this is.")


class IdentityOut(Out):
    """An ID to pass as `user_id`, and our own ID of the same; null for an end user for whom nothing is stored yet."""

    user_id: str
    id: str | None
    kind: str
    name: str
    role: str | None


class IdentitiesOut(Out):
    key: str
    scopes: list[str]
    items: list[IdentityOut]


class OrganizationOut(Out):
    id: str
    name: str
    slug: str
    role: str | None


class OrganizationsOut(Out):
    items: list[OrganizationOut]


class MemberOut(Out):
    user_id: str
    name: str
    username: str
    role: str
    status: str
    joined_at: str | None


class MembersOut(Out):
    items: list[MemberOut]


class UsageIn(StrictIn):
    user_id: str = Field("", max_length=200, description="Runs under this ID; the key's own when left out.")
    days: int = Field(30, ge=1, le=366)


class UsageToolOut(Out):
    tool: str
    runs: int
    succeeded: int
    failed: int


class UsageOut(Out):
    user_id: str
    since: str | None
    runs: int
    by_status: dict[str, int]
    by_tool: list[UsageToolOut]


@router.get("/identities", response=IdentitiesOut)
def list_identities(request: ApiRequest, asked: Query[IdentitiesIn]) -> Any:
    """The IDs that may be passed as `user_id` with this key, its own first; of end users the one that is named."""
    actor = request.auth
    owners = actor.reach()
    if asked.user_id and (named := owner_from(asked.user_id, actor=actor)) not in owners:
        owners.append(named)
    items = [
        IdentityOut(
            user_id=one.passed_id,
            id=one.text_id if is_stored(actor=actor, owner=one) else None,
            kind=one.kind.value,
            name=one.label,
            role=_role(actor, one),
        )
        for one in owners
    ]
    return IdentitiesOut(key=actor.kind.value, scopes=sorted(actor.scopes or []), items=items)


@router.get("/organizations", response=OrganizationsOut)
def list_organizations(request: ApiRequest) -> Any:
    actor = request.auth
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    return OrganizationsOut(items=[_organization(actor, one) for one in actor.reach() if one.is_organization])


@router.get(
    "/organizations/{organization_id}",
    response=OrganizationOut,
)
def get_organization(request: ApiRequest, organization_id: str = ORGANIZATION) -> Any:
    owner = _owner(request.auth, organization_id)
    require(request.auth, Permission.ORGANIZATION_READ, owner)
    return _organization(request.auth, owner)


@router.get("/organizations/{organization_id}/members", response=MembersOut)
def get_members(request: ApiRequest, organization_id: str = ORGANIZATION) -> Any:
    owner = _owner(request.auth, organization_id)
    rows = list_members(actor=request.auth, owner=owner)
    return MembersOut(items=[_member(row) for row in rows])


@router.get("/usage", response=UsageOut)
def get_usage(request: ApiRequest, asked: Query[UsageIn]) -> Any:
    actor = request.auth
    owner = owner_from(asked.user_id, actor=actor) if asked.user_id else home_of(actor=actor)
    since = timezone.now() - timedelta(days=asked.days)
    found = run_counts(actor=actor, owner=owner, since=since)
    tools = [
        UsageToolOut(tool=one.tool, runs=one.runs, succeeded=one.succeeded, failed=one.failed) for one in found.tools
    ]
    return UsageOut(
        user_id=owner.passed_id, since=stamp(since), runs=found.runs, by_status=dict(found.by_status), by_tool=tools
    )


def _owner(actor: Actor, text: str) -> OwnerRef:
    owner = owner_from(text, actor=actor)
    if not owner.is_organization:
        raise NotFoundError("There is no such organization among yours.")
    return owner


def _role(actor: Actor, owner: OwnerRef) -> str | None:
    role = actor.role_in(owner) if actor.user_id else None
    return ROLE_LABELS[role].lower() if role else None


def _organization(actor: Actor, owner: OwnerRef) -> OrganizationOut:
    return OrganizationOut(id=owner.text_id, name=owner.label, slug=owner.slug, role=_role(actor, owner))


def _member(row: Any) -> MemberOut:
    return MemberOut(
        user_id=f"user_{row.user_id.hex}",
        name=row.user.display_name,
        username=row.user.username,
        role=row.role,
        status=row.status,
        joined_at=stamp(row.joined_at),
    )
