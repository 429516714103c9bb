"""Finds toolkits and tools by the names that people and programs write."""

from __future__ import annotations

import re

from integrations.models.catalog import Tool, Toolkit

NAME = re.compile(r"[A-Za-z0-9_]{1,100}")  # anything else is no name, and PostgreSQL cannot even be asked about NUL


def find_toolkit(slug: str) -> Toolkit | None:
    """The toolkit of this slug, whatever its case. It may be switched off: the caller decides what that means."""
    return Toolkit.objects.filter(slug=slug.lower()).first() if NAME.fullmatch(slug) else None


def find_tool(name: str) -> Tool | None:
    """The tool with this slug, else the one with this alias, whatever the case. It may be deprecated."""
    if not NAME.fullmatch(name):
        return None
    tools = Tool.objects.select_related("toolkit")
    return tools.filter(slug=name.upper()).first() or _tool_by_alias(name.upper())


def _tool_by_alias(alias: str) -> Tool | None:
    # Both databases can search JSON as text, and neither in the same way as a list: so look at what was found.
    found = Tool.objects.select_related("toolkit").filter(aliases__icontains=alias).order_by("is_deprecated", "slug")
    return next((tool for tool in found if alias in tool.aliases), None)
