"""What an account was granted, what its auth config asks for now, and what the tools need: where they drift apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.catalog import auth_entry, missing_scopes, scope_words
from integrations.engine.types import AuthScheme
from integrations.models import ConnectedAccount, Tool
from integrations.queries.ways import scopes_to_ask
from orgs.permissions import Actor, OwnerRef, Permission, require


@dataclass(frozen=True)
class ScopeRow:
    """One scope: in words, whether it was granted and is asked for, and how many tools can make use of it."""

    scope: str
    words: str
    is_granted: bool
    is_asked: bool
    tools: int


@dataclass(frozen=True)
class ScopeReport:
    """The scopes of one account. `comes_back` would run after a new consent, `beyond` needs more than is asked for."""

    rows: Sequence[ScopeRow]
    comes_back: Sequence[Tool]
    beyond: Sequence[Tool]

    @property
    def needs_consent(self) -> bool:
        return bool(self.comes_back)

    @property
    def idle(self) -> Sequence[ScopeRow]:
        """Granted, and of no use to any tool: one could do with less."""
        return [row for row in self.rows if row.is_granted and not row.is_asked and not row.tools]


def scopes_of(*, actor: Actor, owner: OwnerRef, account: ConnectedAccount) -> ScopeReport | None:
    """None where the provider does not say what it granted. Needs `toolkit` and `auth_config`."""
    require(actor, Permission.CONNECTED_ACCOUNTS_READ, owner)
    if account.scopes is None or account.scheme != AuthScheme.OAUTH2:
        return None
    config = account.auth_config
    config.toolkit = account.toolkit
    granted, asked = account.scopes, scopes_to_ask(actor=actor, auth_config=config)
    tools = list(Tool.objects.filter(toolkit_id=account.toolkit_id, is_deprecated=False).order_by("name", "slug"))
    out = [tool for tool in tools if missing_scopes(tool.scopes, granted)]
    back = [tool for tool in out if not missing_scopes(tool.scopes, asked)]
    return ScopeReport(
        rows=[_row(account, scope, asked, tools) for scope in _all(account, asked)],
        comes_back=back,
        beyond=[tool for tool in out if tool not in back],
    )


def _all(account: ConnectedAccount, asked: Sequence[str]) -> list[str]:
    granted = account.scopes or []
    return [*granted, *(scope for scope in asked if scope not in granted)]


def _row(account: ConnectedAccount, scope: str, asked: Sequence[str], tools: Sequence[Tool]) -> ScopeRow:
    definition = account.toolkit.definition
    base = auth_entry(definition, AuthScheme.OAUTH2).get("base_scopes", [])
    return ScopeRow(
        scope=scope,
        words=scope_words(definition, scope),
        is_granted=scope in (account.scopes or []),
        is_asked=scope in asked or scope in base,
        tools=sum(any(scope in alternative for alternative in tool.scopes) for tool in tools),
    )
