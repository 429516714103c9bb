"""One change at a time in an organization, by somebody who still has the right to it."""

from dataclasses import replace
from uuid import UUID

from accounts.factors import user_has_second_factor
from orgs.models import Membership, Organization, Owner
from orgs.models.owners import container_of
from orgs.permissions import Actor, OwnerRef, Role


def with_fresh_rights(*, actor: Actor, owner: OwnerRef) -> Actor:
    """Lock the organization until the transaction ends; return the actor with the role they have now.

    Two owners who demote each other at the same moment come one after the other, and the second one
    is asked again whether they are an owner (check T19). SQLite has one writer at a time anyway. The organization's
    key is not locked: a worker that writes a row which names the organization need not wait for a decision about it.
    """
    organization = Organization.objects.select_for_update(no_key=True).filter(id=owner.id).first()
    if actor.user_id is None or organization is None:  # a key of the organization: it has no membership
        return actor
    roles = {place: role for place, role in actor.roles.items() if place != owner.id}
    mine = Membership.objects.of_organization(owner.id).active().filter(user_id=actor.user_id).first()
    if mine is not None and owner.id in actor.roles:
        roles[owner.id] = Role(mine.role)
    here, lacks = frozenset({owner.id}), _lacks_factor(organization, actor.user_id)
    return replace(
        actor,
        roles=roles,
        lacks_factor=actor.lacks_factor | here if lacks else actor.lacks_factor - here,
        invites_in=actor.invites_in | here if organization.members_may_invite else actor.invites_in - here,
    )


def one_at_a_time(*, actor: Actor, owner: OwnerRef) -> None:
    """Let what belongs to this ID be changed by nobody else until the transaction ends, who asks for the same.

    For what two rows of an owner must not both be: the default, or the same identity.
    """
    del actor  # the use case has asked whether they may
    Owner.objects.select_for_update(no_key=True).get(container_of(owner))


def _lacks_factor(organization: Organization, user_id: UUID) -> bool:
    return organization.requires_factor and not user_has_second_factor(user_id)
