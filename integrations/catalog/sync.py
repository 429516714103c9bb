"""Brings the Toolkit and Tool rows in step with the definitions. Running it twice changes nothing.

Rows are never deleted: executions refer to them. What an operator decided (is_enabled) is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.catalog.definitions import ToolDefinition, ToolkitDefinition
from integrations.engine.types import AuthScheme
from integrations.models.auth_configs import AuthConfig
from integrations.models.catalog import Tool, Toolkit

WITHDRAWN = "withdrawn"  # mark in the definition of a toolkit that sync, not an operator, switched off


@dataclass
class SyncReport:
    """Slugs by what happened to them; what is listed nowhere was already as it should be."""

    toolkits_created: list[str] = field(default_factory=list)
    toolkits_updated: list[str] = field(default_factory=list)
    toolkits_withdrawn: list[str] = field(default_factory=list)
    tools_created: list[str] = field(default_factory=list)
    tools_updated: list[str] = field(default_factory=list)
    tools_deprecated: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(vars(self).values())


@transaction.atomic
def sync(definitions: Iterable[ToolkitDefinition], *, now: datetime) -> SyncReport:
    """Create, update and deprecate rows so that they say what the definitions say."""
    report = SyncReport()
    definitions = list(definitions)
    toolkits = {toolkit.slug: toolkit for toolkit in Toolkit.objects.all()}
    tools = {tool.slug: tool for tool in Tool.objects.all()}
    for definition in definitions:
        toolkit = _sync_toolkit(definition, toolkits.get(definition.slug), now, report)
        for tool_definition in definition.tools:
            _sync_tool(toolkit, definition, tool_definition, tools.get(tool_definition.slug), report)
    _offer_keys(definitions)
    _withdraw_toolkits(toolkits.values(), {each.slug for each in definitions}, now, report)
    _deprecate_tools(list(tools.values()), {tool.slug for each in definitions for tool in each.tools}, report)
    return report


def _sync_toolkit(definition: ToolkitDefinition, toolkit: Toolkit | None, now: datetime, report: SyncReport) -> Toolkit:
    values = _toolkit_values(definition)
    if toolkit is None:
        report.toolkits_created.append(definition.slug)
        return Toolkit.objects.create(slug=definition.slug, **values)
    if toolkit.definition.get(WITHDRAWN):
        values["is_enabled"] = True
    if _differs(toolkit, values):
        Toolkit.objects.filter(pk=toolkit.pk).update(**values, updated_at=now)
        report.toolkits_updated.append(definition.slug)
    return toolkit


def _sync_tool(
    toolkit: Toolkit,
    toolkit_definition: ToolkitDefinition,
    definition: ToolDefinition,
    tool: Tool | None,
    report: SyncReport,
) -> None:
    values = _tool_values(toolkit, toolkit_definition, definition)
    if tool is None:
        Tool.objects.create(slug=definition.slug, **values)
        report.tools_created.append(definition.slug)
    elif _differs(tool, values):
        Tool.objects.filter(pk=tool.pk).update(**values)
        report.tools_updated.append(definition.slug)


def _offer_keys(definitions: Sequence[ToolkitDefinition]) -> None:
    """Keys and tokens need nobody to register an app, so they are offered at once. An operator may switch one off."""
    toolkits = {toolkit.slug: toolkit for toolkit in Toolkit.objects.filter(slug__in=[one.slug for one in definitions])}
    rows = AuthConfig.objects.unscoped("the installation's own").filter(owner__isnull=True)
    there = set(rows.values_list("toolkit__slug", "scheme"))
    for definition in definitions:
        for entry in definition.definition["auth_schemes"]:
            is_keyed = entry["scheme"] not in {AuthScheme.OAUTH2, AuthScheme.NONE}
            if is_keyed and (definition.slug, entry["scheme"]) not in there:
                rows.create(toolkit=toolkits[definition.slug], scheme=entry["scheme"], name=entry["name"])


def _withdraw_toolkits(toolkits: Iterable[Toolkit], present: set[str], now: datetime, report: SyncReport) -> None:
    for toolkit in toolkits:
        if toolkit.slug not in present and toolkit.is_enabled:
            marked = {**toolkit.definition, WITHDRAWN: True}
            Toolkit.objects.filter(pk=toolkit.pk).update(is_enabled=False, definition=marked, updated_at=now)
            report.toolkits_withdrawn.append(toolkit.slug)


def _deprecate_tools(tools: Sequence[Tool], present: set[str], report: SyncReport) -> None:
    vanished = [tool for tool in tools if tool.slug not in present and not tool.is_deprecated]
    Tool.objects.filter(pk__in=[tool.pk for tool in vanished]).update(is_deprecated=True)
    report.tools_deprecated += sorted(tool.slug for tool in vanished)


def _toolkit_values(definition: ToolkitDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": definition.description,
        "website": definition.website,
        "categories": list(definition.categories),
        "version": definition.version,
        "sandbox": definition.sandbox,
        "definition": dict(definition.definition),
        "logo": definition.logo,
    }


def _tool_values(toolkit: Toolkit, toolkit_definition: ToolkitDefinition, definition: ToolDefinition) -> dict[str, Any]:
    return {
        "toolkit_id": toolkit.pk,
        "aliases": list(definition.aliases),
        "name": definition.name,
        "description": definition.description,
        "effect": definition.effect.value,
        "input_schema": dict(definition.input_schema),
        "definition": dict(definition.definition),
        "scopes": [list(alternative) for alternative in definition.scopes],
        "important": definition.important,
        "is_deprecated": False,
        "search_text": _search_text(toolkit_definition, definition),
    }


def _search_text(toolkit: ToolkitDefinition, tool: ToolDefinition) -> str:
    slugs = [tool.slug, *tool.aliases]
    words = [*slugs, *(slug.replace("_", " ") for slug in slugs), tool.name, tool.description, toolkit.name]
    return " ".join([*words, *toolkit.categories]).lower()


def _differs(row: Toolkit | Tool, values: dict[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())
