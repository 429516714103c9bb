"""The catalogue as programs read it: filters, pages and versions, without what the rule says about each tool."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q

from integrations.catalog import find_tool, find_toolkit
from integrations.models import Tool, Toolkit
from integrations.session_limits import effects_with
from orgs.errors import DomainError, NotFoundError, OutOfReachError
from orgs.permissions import Actor, OwnerRef, Permission, require

LATEST: Final = "latest"
VERSION: Final = re.compile(r"[0-9]{8}_[0-9]{2}")
NO_TOOLKIT: Final = "There is no such toolkit in this installation's catalogue."


@dataclass(frozen=True)
class Asked:
    """What a program narrows the catalogue down by. Empty: not at all."""

    search: str = ""
    toolkits: Sequence[str] = ()
    slugs: Sequence[str] = ()
    tags: Sequence[str] = ()
    important: bool = False


@dataclass(frozen=True)
class Slice:
    """A part of a list, and how long all of it is."""

    rows: Sequence[Any]
    total: int


def home_of(*, actor: Actor) -> OwnerRef:
    """The ID that an actor has of its own: what it may do where no ID is named is asked under this one."""
    reach = actor.reach()
    if not reach:
        raise OutOfReachError
    return reach[0]


def browse_tools(*, actor: Actor, asked: Asked, offset: int, limit: int) -> Slice:
    """Tools that are switched on, the important ones of a toolkit first; named slugs in any case, aliases too."""
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    if asked.slugs:
        found = [tool for slug in asked.slugs if (tool := find_tool(slug)) is not None and tool.toolkit.is_enabled]
        return Slice(list(dict.fromkeys(found))[offset : offset + limit], len(found))
    rows = _browsed(asked).order_by("toolkit__name", "-important", "name", "id")
    return Slice(list(rows[offset : offset + limit]), rows.count())


def _browsed(asked: Asked) -> Any:
    rows = Tool.objects.filter(is_deprecated=False, toolkit__is_enabled=True).select_related("toolkit")
    fits = Q()
    for word in asked.search.split():
        fits &= Q(search_text__icontains=word) | Q(slug__icontains=word)
    if asked.toolkits:
        fits &= Q(toolkit__slug__in=[slug.lower() for slug in asked.toolkits])
    if asked.tags:
        effects = [effect for tag in asked.tags for effect in (tag, *effects_with(tag))]
        fits &= Q(effect__in=effects) | (Q(important=True) if "important" in asked.tags else Q())
    rows = rows.filter(fits)
    if asked.important:  # a toolkit that marks none as important is listed whole
        marked = Tool.objects.filter(toolkit=OuterRef("toolkit"), important=True, is_deprecated=False)
        rows = rows.filter(Q(important=True) | ~Exists(marked))
    return rows


def tool_of_catalogue(*, actor: Actor, name: str, version: str = "") -> Tool:
    """One tool by slug or alias in a version of its toolkit; NotFoundError for an unknown tool or version."""
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    tool = find_tool(name)
    if tool is None:
        raise NotFoundError(f"There is no tool {name[:80]}. Look it up in the catalogue.", code="tool_not_found")
    check_version(tool.toolkit, version, actor=actor)
    return tool


def check_version(toolkit: Toolkit, version: str, *, actor: Actor) -> None:
    """`latest`, nothing, or a version that this installation has."""
    del actor  # the catalogue is everybody's
    if version in {"", LATEST, toolkit.version}:
        return
    if not VERSION.fullmatch(version):
        message = f"A version looks like {toolkit.version}, or is the word latest."
        raise DomainError(message, code="toolkit_version_invalid", field="version")
    message = f"{toolkit.name} has no version {version} here. There is {toolkit.version}."
    raise NotFoundError(message, code="toolkit_version_not_found", field="version")


def browse_toolkits(
    *, actor: Actor, search: str = "", category: str = "", named: Sequence[str] = (), offset: int, limit: int
) -> Slice:
    """Toolkits that are switched on, by name, each with `tools_count`."""
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    rows = _counted(Toolkit.objects.filter(is_enabled=True)).order_by("name", "id")
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(slug__icontains=search) | Q(description__icontains=search))
    if named:
        rows = rows.filter(slug__in=[slug.lower() for slug in named])
    found = [row for row in rows if not category or category.lower() in {one.lower() for one in row.categories}]
    return Slice(found[offset : offset + limit], len(found))


def toolkit_of_catalogue(*, actor: Actor, slug: str, version: str = "") -> Toolkit:
    """One toolkit that is switched on; NotFoundError otherwise."""
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    known = find_toolkit(slug)
    found = _counted(Toolkit.objects.filter(is_enabled=True, id=known.id)).first() if known else None
    toolkit: Toolkit | None = found
    if toolkit is None:
        raise NotFoundError(NO_TOOLKIT, code="toolkit_not_found")
    check_version(toolkit, version, actor=actor)
    return toolkit


def toolkits_of_catalogue(*, actor: Actor) -> list[Toolkit]:
    """All toolkits that are switched on, by name."""
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    return list(Toolkit.objects.filter(is_enabled=True).order_by("name", "id"))


def categories_of_catalogue(*, actor: Actor) -> list[str]:
    """Every category that a toolkit stands under."""
    require(actor, Permission.TOOLS_READ, home_of(actor=actor))
    lists = Toolkit.objects.filter(is_enabled=True).values_list("categories", flat=True)
    return sorted({one for names in lists for one in names})


def _counted(rows: Any) -> Any:
    return rows.annotate(tools_count=Count("tools", filter=Q(tools__is_deprecated=False)))
