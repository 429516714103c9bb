"""Read the catalogue, with what the rule says about each tool under an ID."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, Q, When

from integrations.access import decide_each, decide_many, decide_run, read_account_id
from integrations.calls import spec_of
from integrations.catalog import find_tool, scope_words
from integrations.engine.types import ToolSpec
from integrations.models import ConnectedAccount, Tool, Toolkit
from integrations.models.status import ConnectionStatus
from orgs.errors import NotFoundError
from orgs.permissions import Actor, Decision, Fix, OwnerRef, Permission, require

# A newcomer tries the sandbox before anything else.
CATALOGUE_ORDER: Final = ("-toolkit__sandbox", "toolkit__name", "-important", "name", "id")


@dataclass(frozen=True)
class ToolFilters:
    """What the catalogue can be narrowed down by."""

    search: str = ""
    toolkit: str = ""
    effect: str = ""
    ready: bool = False  # only what runs now under this ID

    @property
    def is_set(self) -> bool:
        return bool(self.search or self.toolkit or self.effect or self.ready)


@dataclass(frozen=True)
class ListedTool:
    """A tool, what the rule says about it under the ID of the page, and the actor's other IDs under which it runs."""

    tool: Tool
    decision: Decision
    runs_as: Sequence[OwnerRef] = ()


@dataclass(frozen=True)
class ToolPage:
    """What the page of one tool shows: the decision, the accounts to choose from, and the other IDs."""

    tool: Tool
    decision: Decision
    accounts: Sequence[ConnectedAccount]

    @property
    def spec(self) -> ToolSpec:
        return spec_of(self.tool, None)

    @property
    def shown(self) -> list[str]:
        """Optional arguments that a usual call has."""
        return list(self.tool.definition.get("shown", []))

    @property
    def scopes(self) -> list[list[tuple[str, str]]]:
        """The sets of scopes of which one must be granted: each scope with what it allows, in words."""
        definition = self.tool.toolkit.definition
        return [[(scope, scope_words(definition, scope)) for scope in one] for one in self.tool.scopes]


def list_tools(*, actor: Actor, owner: OwnerRef, filters: ToolFilters) -> list[ListedTool]:
    """The catalogue by toolkit, the sandbox first and important tools first, each with the decision for this ID.

    Tools of a toolkit that the operator switched off are among them, and the decision says so.
    """
    require(actor, Permission.TOOLS_READ, owner)
    tools = list(_matching(filters))
    decisions = decide_many(actor=actor, owner=owner, tools=tools)
    if filters.ready:
        runs = {tool_id for tool_id, one in decisions.items() if one.allowed and not one.needs_approval}
        return [ListedTool(tool, decisions[tool.id]) for tool in tools if tool.id in runs]
    elsewhere = _runs_as(actor, [(tool, decisions[tool.id]) for tool in tools])
    return [ListedTool(tool, decisions[tool.id], elsewhere.get(tool.id, [])) for tool in tools]


def _runs_as(actor: Actor, refused: Sequence[tuple[Tool, Decision]]) -> dict[UUID, list[OwnerRef]]:
    """Where the rule hints at another ID: those under which the tool really runs. One query for each such ID."""
    hinted: dict[OwnerRef, list[Tool]] = {}
    for tool, decision in refused:
        for remedy in decision.remedies:
            if remedy.fix is Fix.RUN_AS and remedy.owner is not None:
                hinted.setdefault(remedy.owner, []).append(tool)
    found: dict[UUID, list[OwnerRef]] = {}
    for other, tools in hinted.items():
        for tool_id, decision in decide_many(actor=actor, owner=other, tools=tools).items():
            if decision.allowed:
                found.setdefault(tool_id, []).append(other)
    return found


def find_tools(*, actor: Actor, owner: OwnerRef, text: str, limit: int) -> list[Tool]:
    """The tools that fit a few typed words, those named so first, without what the rule says about them."""
    require(actor, Permission.TOOLS_READ, owner)
    named_so = Case(When(name__icontains=text, then=0), default=1)
    return list(_matching(ToolFilters(search=text)).order_by(named_so, *CATALOGUE_ORDER)[:limit])


def list_toolkits(*, actor: Actor, owner: OwnerRef) -> list[Toolkit]:
    """The toolkits of the catalogue that are switched on: the sandbox first, where there is one, then by name."""
    require(actor, Permission.TOOLS_READ, owner)
    return list(Toolkit.objects.filter(is_enabled=True).order_by("-sandbox", "name", "id"))


def get_toolkit(*, actor: Actor, owner: OwnerRef, slug: str) -> Toolkit:
    """A toolkit that is switched on; NotFoundError otherwise."""
    require(actor, Permission.TOOLS_READ, owner)
    toolkit = Toolkit.objects.filter(slug=slug, is_enabled=True).first()
    if toolkit is None:
        raise NotFoundError("There is no such toolkit in this installation's catalogue.")
    return toolkit


def toolkit_logo(*, actor: Actor | None, slug: str) -> str:
    """The SVG of a toolkit. Everybody may see it: the catalogue is not a secret."""
    del actor
    logo = Toolkit.objects.filter(slug=slug).values_list("logo", flat=True).first()
    if not logo:
        raise NotFoundError
    return logo


def get_tool(*, actor: Actor, owner: OwnerRef, name: str, account: str = "") -> ToolPage:
    """One tool by slug or alias, with the decision for this ID and the account that was chosen, if any.

    A tool that is switched off has a page too: it says so.
    """
    require(actor, Permission.TOOLS_READ, owner)
    tool = find_tool(name)
    if tool is None:
        raise NotFoundError("There is no such tool in this installation's catalogue.")
    decision, _ = decide_run(actor=actor, requested=owner.text_id, tool=tool, named_account=read_account_id(account))
    return ToolPage(tool, decision, _accounts(owner, tool))


def decide_elsewhere(*, actor: Actor, tool: Tool, owner: OwnerRef) -> list[tuple[OwnerRef, Decision]]:
    """What the rule says about the tool under each other ID of the actor's own."""
    require(actor, Permission.TOOLS_READ, owner)
    others = [one for one in actor.reach() if one != owner]
    return decide_each(actor=actor, owners=others, tool=tool) if others else []


def tools_by_effect(*, actor: Actor, owner: OwnerRef, toolkit_id: UUID) -> dict[str, list[Tool]]:
    """The toolkit's tools by effect, for the consent page."""
    require(actor, Permission.TOOLS_READ, owner)
    found: dict[str, list[Tool]] = {"read": [], "write": [], "destructive": []}
    for tool in Tool.objects.filter(toolkit_id=toolkit_id, is_deprecated=False).order_by("name", "id"):
        found[tool.effect].append(tool)
    return found


def _matching(filters: ToolFilters) -> Any:
    tools = Tool.objects.filter(is_deprecated=False).select_related("toolkit")
    asked = Q()
    for word in filters.search.split():
        asked &= Q(search_text__icontains=word) | Q(slug__icontains=word)
    if filters.toolkit:
        asked &= Q(toolkit__slug=filters.toolkit)
    if filters.effect:
        asked &= Q(effect=filters.effect)
    return tools.filter(asked).order_by(*CATALOGUE_ORDER)


def _accounts(owner: OwnerRef, tool: Tool) -> list[ConnectedAccount]:
    rows = ConnectedAccount.objects.owned_by(owner).filter(toolkit_id=tool.toolkit_id)
    rows = rows.exclude(status=ConnectionStatus.REVOKED)
    rows = rows.select_related("toolkit", "owner__user", "owner__organization")
    return list(rows.order_by("-is_default", "-connected_at", "-id"))
