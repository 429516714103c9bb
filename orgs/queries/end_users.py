"""From what an application calls somebody to an end user."""

from dataclasses import replace

from accounts.ids import new_id
from orgs.models import EndUser
from orgs.permissions import Actor, ActorKind, OwnerKind, OwnerRef, RequestedId, read_end_user_id, read_owner_id


def read_id(text: object, *, actor: Actor) -> RequestedId:
    """An ID as this actor means it: an application's key has names of its own for its end users."""
    return read_end_user_id(text) if actor.kind is ActorKind.APPLICATION_KEY else read_owner_id(text)


def naming(*, actor: Actor, asked: RequestedId) -> Actor:
    """The actor with the end user whom it names within its reach. One who is not known yet has nothing, and no row."""
    found = _end_user(actor, asked)
    return replace(actor, end_users=(found,)) if found is not None else actor


def is_stored(*, actor: Actor, owner: OwnerRef) -> bool:
    """Whether the ID stays: that of an end user whom only this request names is made up anew each time."""
    del actor  # it is within their reach
    return owner.kind is not OwnerKind.END_USER or EndUser.objects.filter(id=owner.id).exists()


def _end_user(actor: Actor, asked: RequestedId) -> OwnerRef | None:
    if actor.application_id is None or actor.organization_id is None:
        return None
    rows = EndUser.objects.filter(application_id=actor.application_id).select_related("application")
    if asked.kind is OwnerKind.END_USER and asked.uuid is not None:
        row = rows.filter(id=asked.uuid).first()
        return row.ref if row else None
    if not asked.external:
        return None
    row = rows.filter(external=asked.external).first()
    return row.ref if row else _unknown(actor, asked.external)


def _unknown(actor: Actor, external: str) -> OwnerRef:
    return OwnerRef(
        OwnerKind.END_USER,
        new_id(),
        external,
        external=external,
        application_id=actor.application_id,
        organization_id=actor.organization_id,
    )
