"""Toolkits and tools."""

import re
from typing import Any, Final

from django.http import HttpRequest
from ninja import Query, Router
from ninja.params import functions

from integrations.api.asking import ApiRequest, listed
from integrations.api.catalogue_answers import (
    changes_out,
    scheme_out,
    scheme_word,
    tool_out,
    toolkit_fields,
    toolkit_item,
)
from integrations.api.catalogue_shapes import (
    CategoryOut,
    CategoryPageOut,
    ChangelogOut,
    ManyToolkitsIn,
    ToolkitListIn,
    ToolkitOut,
    ToolkitPageOut,
    ToolListIn,
    ToolOut,
    ToolPageOut,
    VersionIn,
)
from integrations.api.paging import bounded, offset_of, page_numbers
from integrations.queries.catalogue import (
    Asked,
    browse_toolkits,
    browse_tools,
    categories_of_catalogue,
    check_version,
    home_of,
    tool_of_catalogue,
    toolkit_of_catalogue,
    toolkits_of_catalogue,
)
from integrations.queries.ways import get_ways
from orgs.permissions import Actor, Permission, can

router = Router(tags=["Catalogue"])
BRACKETED: Final = re.compile(r"toolkit_versions\[([A-Za-z0-9_]{1,60})\]\Z")
SLUG: Any = functions.Path(..., max_length=120, description="The slug, in any case.")


@router.get("/toolkits", response=ToolkitPageOut)
def list_toolkits(request: ApiRequest, asked: Query[ToolkitListIn]) -> Any:
    return _toolkits(request, asked.search, asked.category, listed(asked.toolkits), asked.limit, asked.cursor)


@router.post("/toolkits/multi", response=ToolkitPageOut)
def list_named_toolkits(request: ApiRequest, asked: ManyToolkitsIn) -> Any:
    return _toolkits(request, "", "", [one[:60] for one in asked.toolkits], asked.limit, asked.cursor)


def _toolkits(request: ApiRequest, search: str, category: str, named: list[str], limit: int, cursor: str) -> Any:
    limit, offset = bounded(limit), offset_of(cursor, actor=request.auth, what="toolkits")
    found = browse_toolkits(
        actor=request.auth, search=search, category=category, named=named, offset=offset, limit=limit
    )
    items = [toolkit_item(row) for row in found.rows]
    return ToolkitPageOut(
        items=items, **page_numbers(found.total, offset, limit, items, actor=request.auth, what="toolkits")
    )


@router.get("/toolkits/categories", response=CategoryPageOut)
def list_categories(request: ApiRequest) -> Any:
    items = [CategoryOut(id=one, slug=one, name=one) for one in categories_of_catalogue(actor=request.auth)]
    return CategoryPageOut(
        items=items, **page_numbers(len(items), 0, max(1, len(items)), items, actor=request.auth, what="categories")
    )


@router.get("/toolkits/changelog", response=ChangelogOut)
def get_changelog(request: ApiRequest) -> Any:
    return ChangelogOut(items=[changes_out(row) for row in toolkits_of_catalogue(actor=request.auth)])


@router.get("/toolkits/{slug}", response=ToolkitOut)
def get_toolkit(request: ApiRequest, asked: Query[VersionIn], slug: str = SLUG) -> Any:
    row = toolkit_of_catalogue(actor=request.auth, slug=slug, version=asked.version)
    return ToolkitOut(
        **{**toolkit_fields(row), "composio_managed_auth_schemes": _managed(request.auth, row.slug)},
        auth_config_details=[scheme_out(entry) for entry in row.definition["auth_schemes"]],
    )


def _managed(actor: Actor, toolkit: str) -> list[str]:
    """The schemes for which the installation has an auth config; none for a key that may not look at connections."""
    owner = home_of(actor=actor)
    if not can(actor, Permission.CONNECTED_ACCOUNTS_READ, owner):
        return []
    ways = get_ways(actor=actor, owner=owner, toolkit=toolkit).ways
    return sorted({scheme_word(way.auth_config.scheme) for way in ways if way.auth_config.owner_id is None})


@router.get("/tools", response=ToolPageOut)
def list_tools(request: ApiRequest, asked: Query[ToolListIn]) -> Any:
    limit, offset = bounded(asked.limit), offset_of(asked.cursor, actor=request.auth, what="tools")
    wanted = Asked(
        search=asked.query or asked.search,
        toolkits=listed(asked.toolkit_slug),
        slugs=listed(asked.tool_slugs),
        tags=listed(asked.tags),
        important=asked.important,
    )
    found = browse_tools(actor=request.auth, asked=wanted, offset=offset, limit=limit)
    for row in found.rows:
        check_version(row.toolkit, version_for(request, row.toolkit.slug, asked.toolkit_versions), actor=request.auth)
    items = [tool_out(row) for row in found.rows]
    return ToolPageOut(items=items, **page_numbers(found.total, offset, limit, items, actor=request.auth, what="tools"))


@router.get("/tools/{slug}", response=ToolOut)
def get_tool(request: ApiRequest, asked: Query[VersionIn], slug: str = SLUG) -> Any:
    row = tool_of_catalogue(actor=request.auth, name=slug)
    version = asked.version or version_for(request, row.toolkit.slug, asked.toolkit_versions)
    check_version(row.toolkit, version, actor=request.auth)
    return tool_out(row)


def version_for(request: HttpRequest, toolkit: str, for_all: str) -> str:
    """The version that the query asks for: `toolkit_versions[github]=…` before the one for all."""
    for name, value in request.GET.items():
        match = BRACKETED.match(name)
        if match and match[1].lower() == toolkit:
            return str(value)
    return for_all
