"""In which ways an owner can connect a toolkit, and what each of them means: what the consent page says."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse

from integrations import oauth
from integrations.catalog import auth_entry, default_scopes, missing_scopes, scope_words
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectedAccount, Tool, Toolkit
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import ConnectionStatus
from integrations.queries.tools import get_toolkit, list_toolkits, tools_by_effect
from orgs.errors import NotFoundError
from orgs.models.owners import open_to
from orgs.permissions import Actor, OwnerRef, Permission, require

NO_SUCH_WAY = "There is no such way to connect this toolkit here."
EFFECTS = ("read", "write", "destructive")


@dataclass(frozen=True)
class Way:
    """One way to connect: an auth config, and what the catalogue says about its scheme."""

    auth_config: AuthConfig
    entry: Mapping[str, Any] = field(repr=False)

    @property
    def is_oauth(self) -> bool:
        return bool(self.entry["scheme"] == AuthScheme.OAUTH2)

    @property
    def label(self) -> str:
        return way_label(self.auth_config.toolkit, self.entry)

    @property
    def origin(self) -> str:
        """Where the browser is sent to sign in; empty when the auth config names no usable address."""
        try:
            spec = oauth.ProviderSpec.from_entry(self.entry, self.auth_config.overrides)
        except ValueError:
            return ""
        parts = urlsplit(spec.authorize_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class ToolkitWays:
    """A toolkit, the ways that are open to this owner, and the ones that somebody must set up first."""

    toolkit: Toolkit
    ways: Sequence[Way]
    not_set_up: Sequence[str]
    connected: int = 0

    @property
    def needs_account(self) -> bool:
        return self.toolkit.needs_account

    def way(self, auth_config_id: UUID | None) -> Way | None:
        """The way with this auth config; the first one when none is asked for."""
        if auth_config_id is None:
            return self.ways[0] if self.ways else None
        return next((one for one in self.ways if one.auth_config.id == auth_config_id), None)


@dataclass(frozen=True)
class Consent:
    """What somebody agrees to when they connect in one way."""

    scopes: Sequence[tuple[str, str]]  # raw, in words
    tools: Sequence[tuple[str, Sequence[Tool]]]  # by effect
    left_out: Sequence[Tool]  # need more than is asked for
    callback_url: str


def way_label(toolkit: Toolkit, entry: Mapping[str, Any]) -> str:
    return (
        f"Sign in at {toolkit.name}"
        if entry["scheme"] == AuthScheme.OAUTH2
        else str(entry.get("name", entry["scheme"]))
    )


def list_ways(*, actor: Actor, owner: OwnerRef) -> list[ToolkitWays]:
    """Every toolkit that is switched on, with the ways to connect it for this owner."""
    toolkits = list_toolkits(actor=actor, owner=owner)
    return _ways_of(actor, owner, toolkits)


def get_ways(*, actor: Actor, owner: OwnerRef, toolkit: str) -> ToolkitWays:
    """The ways to connect one toolkit; NotFoundError when the catalogue has no such toolkit."""
    return _ways_of(actor, owner, [get_toolkit(actor=actor, owner=owner, slug=toolkit)])[0]


def chosen_config(*, actor: Actor, owner: OwnerRef, toolkit: str, auth_config_id: UUID, is_oauth: bool) -> AuthConfig:
    """The auth config that somebody chose; NotFoundError unless it is open to this owner and of that kind."""
    way = get_ways(actor=actor, owner=owner, toolkit=toolkit).way(auth_config_id)
    if way is None or way.is_oauth is not is_oauth:
        raise NotFoundError(NO_SUCH_WAY)
    return way.auth_config


def consent_for(*, actor: Actor, owner: OwnerRef, way: Way, tools: Collection[str] = ()) -> Consent:
    """What is asked, and what becomes possible with it; `tools` are those that somebody wants to run."""
    config = way.auth_config
    asked = scopes_to_ask(actor=actor, auth_config=config, tools=tools) if way.is_oauth else []
    by_effect = tools_by_effect(actor=actor, owner=owner, toolkit_id=config.toolkit_id)
    known = [tool for effect in EFFECTS for tool in by_effect[effect]]
    left_out = [tool for tool in known if way.is_oauth and missing_scopes(tool.scopes, asked)]
    return Consent(
        scopes=[(scope, scope_words(config.toolkit.definition, scope)) for scope in asked],
        tools=[(effect, [tool for tool in by_effect[effect] if tool not in left_out]) for effect in EFFECTS],
        left_out=left_out,
        callback_url=callback_url(actor=actor, auth_config=config),
    )


def scopes_to_ask(*, actor: Actor, auth_config: AuthConfig, tools: Collection[str] = ()) -> list[str]:
    """The scopes of an auth config: its own list, else what the toolkit's tools need. Needs `toolkit`.

    The usual scopes leave out what only destructive tools need. `tools` names those that somebody wants to run
    all the same: what they need is asked for too, unless the auth config has a list of its own.
    """
    del actor  # the catalogue is everybody's
    if auth_config.scopes:
        return list(auth_config.scopes)
    known = list(Tool.objects.filter(toolkit_id=auth_config.toolkit_id, is_deprecated=False).order_by("slug"))
    asked = default_scopes(
        auth_config.toolkit.definition, [{"scopes": one.scopes, "effect": one.effect} for one in known]
    )
    for one in known:
        if one.slug in tools:
            asked = [*asked, *missing_scopes(one.scopes, asked)]
    return asked


def callback_url(*, actor: Actor | None, auth_config: AuthConfig) -> str:
    """The redirect URI of this auth config alone, on the address from the settings and never from a header."""
    del actor  # whoever registers the OAuth app at the provider needs it
    return str(settings.BASE_URL) + reverse("oauth_callback", args=[auth_config.id])


def scopes_in_words(account: ConnectedAccount, *, actor: Actor) -> list[tuple[str, str]]:
    """What the provider granted an account, raw and in words. Needs `toolkit`."""
    del actor  # the account was read with the actor's rights
    return [(scope, scope_words(account.toolkit.definition, scope)) for scope in account.scopes or []]


def _ways_of(actor: Actor, owner: OwnerRef, toolkits: list[Toolkit]) -> list[ToolkitWays]:
    configs = _usable_configs(actor, owner, toolkits)
    connected = _counts(owner, toolkits)
    return [_with_ways(toolkit, configs, connected.get(toolkit.id, 0)) for toolkit in toolkits]


def _with_ways(toolkit: Toolkit, configs: Iterable[AuthConfig], connected: int) -> ToolkitWays:
    ways = [_way(one) for one in configs if one.toolkit_id == toolkit.id and one.scheme in toolkit.schemes]
    there = {way.entry["scheme"] for way in ways}
    entries = [entry for entry in toolkit.definition["auth_schemes"] if entry["scheme"] != AuthScheme.NONE]
    not_set_up = [way_label(toolkit, entry) for entry in entries if entry["scheme"] not in there]
    return ToolkitWays(toolkit, ways, not_set_up, connected)


def _way(auth_config: AuthConfig) -> Way:
    return Way(auth_config, auth_entry(auth_config.toolkit.definition, auth_config.scheme))


def _usable_configs(actor: Actor, owner: OwnerRef, toolkits: list[Toolkit]) -> list[AuthConfig]:
    """The owner's own ones first, then signing in, then keys and tokens."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    rows = AuthConfig.objects.unscoped("the installation's own configs are offered to every owner")
    usable = rows.filter(toolkit__in=toolkits, is_enabled=True).filter(open_to(owner) | Q(owner__isnull=True))
    usable = usable.select_related("toolkit", *OWNER_NAMES)
    return sorted(
        usable, key=lambda one: (one.owner_id is None, one.scheme != AuthScheme.OAUTH2.value, one.name, one.id)
    )


def _counts(owner: OwnerRef, toolkits: list[Toolkit]) -> dict[UUID, int]:
    live = ConnectedAccount.objects.owned_by(owner).exclude(status=ConnectionStatus.REVOKED)
    counted = live.filter(toolkit__in=toolkits).order_by().values("toolkit_id").annotate(count=Count("id"))
    return {row["toolkit_id"]: row["count"] for row in counted}
