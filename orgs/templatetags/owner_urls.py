"""`{% owner_url 'tools' %}`: the address of a page within the current owner's pages."""

from typing import Any

from django import template
from django.template import Context

from accounts.models import User
from orgs.addresses import owner_url
from orgs.permissions import OwnerKind, OwnerRef

register = template.Library()


@register.simple_tag(name="owner_url", takes_context=True)
def owner_url_tag(context: Context, page: str, owner: OwnerRef | None = None, **parts: Any) -> str:
    """`owner=` names another owner than the page's. On a page of nobody's it is the signed-in user."""
    return owner_url(owner or context.get("owner") or _oneself(context["request"].user), page, **parts)


def _oneself(user: User) -> OwnerRef:
    return OwnerRef(OwnerKind.USER, user.id, user.display_name)
