"""Tell people what became of their place in an organization. Whoever did it to themselves knows."""

from datetime import datetime

from django.urls import reverse

from orgs.addresses import owner_url
from orgs.models import Membership
from orgs.notices import NoticeKind
from orgs.permissions import ROLE_LABELS, Actor, OwnerRef, Role
from orgs.services.notices import notify


def tell_of_role(member: Membership, *, actor: Actor, owner: OwnerRef, before: Role, now: datetime) -> None:
    was, label = ROLE_LABELS[before].lower(), ROLE_LABELS[Role(member.role)].lower()
    title, text = f"Your role in {owner.label} is {label} now", f"{actor.label} changed it. It was {was} before."
    _tell(member, actor=actor, owner=owner, title=title, text=text, now=now)


def tell_of_suspension(member: Membership, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    """It stands under no organization: the suspended see nothing of theirs."""
    notify(
        actor=actor,
        users=[member.user],
        kind=NoticeKind.MEMBERSHIP,
        title=f"You are suspended in {owner.label}",
        text=f"{actor.label} did it. You can do nothing there until an admin lifts it. What is yours alone stays.",
        path=reverse("home"),
        owner=None,
        now=now,
    )


def tell_of_lift(member: Membership, *, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    title = f"You are active in {owner.label} again"
    text = f"{actor.label} lifted the suspension. Your role is {ROLE_LABELS[Role(member.role)].lower()}."
    _tell(member, actor=actor, owner=owner, title=title, text=text, now=now)


def _tell(member: Membership, *, actor: Actor, owner: OwnerRef, title: str, text: str, now: datetime) -> None:
    if member.user_id == actor.user_id:
        return
    path, kind = owner_url(owner, "members"), NoticeKind.MEMBERSHIP
    notify(actor=actor, users=[member.user], kind=kind, title=title, text=text, path=path, owner=owner, now=now)
