"""How a connection ended, in words: for the page that shows it, and for the receipt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest

from integrations.catalog import Identity, scope_words
from integrations.queries.lost_tools import impact_of_lost_tools
from integrations.services.connections import pending_identity, tools_that_stop
from integrations.services.connections.store import same_identity
from integrations.views.impact_words import Line, scope_lines
from orgs.errors import ConflictError
from orgs.permissions import Actor, OwnerRef, Permission, can
from orgs.permissions.words import is_end_user


@dataclass(frozen=True)
class Ending:
    """`state` is confirm, finished, waiting, denied, failed or expired."""

    state: str
    title: str
    message: str = ""
    identity: Identity | None = None
    is_another: bool = False  # a reconnect came back as somebody else
    not_granted: Sequence[tuple[str, str]] = field(default_factory=list)
    stops: Sequence[str] = field(default_factory=list)  # tools that ran before and would not any more
    stop_lines: Sequence[Line] = field(default_factory=list)  # what used them


TITLES: Final = {
    "open": ("waiting", "Waiting for sign-in"),
    "finished": ("finished", "Connected"),
    "denied": ("denied", "Not connected"),
    "failed": ("failed", "Not connected"),
    "expired": ("expired", "This sign-in is over"),
}
EXPIRED: Final = "It took too long, or another one was begun since. Nothing was connected."
DISCARDED: Final = "You said that it was the wrong account. Nothing was kept."


def ending_of(begun: Any, *, actor: Actor, now: datetime) -> Ending:
    """What the page of a connection request says. `begun` is the request's row."""
    if begun.status == "confirming":
        return _to_confirm(begun, actor, now)
    if begun.status == "open" and not begun.is_open(now):
        return Ending("expired", TITLES["expired"][1], EXPIRED)
    state, title = TITLES[begun.status]
    return Ending(state, title, _message(begun), not_granted=_not_granted(begun))


def tell_connected(request: HttpRequest, done: Any) -> None:
    """The receipt: what is connected now, whether the default is another one, and what members had asked for."""
    account, takes_over_from = done.account, done.takes_over_from
    toolkit = account.toolkit.name
    identity = account.identity_label or account.label
    if done.was_renewed:
        messages.success(request, f"{toolkit} is connected anew as {identity}. It is the same account as before.")
    else:
        messages.success(request, f"{toolkit} is connected as {identity}.")
    if takes_over_from is not None:
        messages.info(
            request,
            f"Runs that name no account now use {account.label} instead of {takes_over_from.label}: "
            "the newest one is used unless one is marked as the default.",
        )
    if done.asked is not None:
        _tell_of_request(request, done.asked)


def _tell_of_request(request: HttpRequest, asked: Any) -> None:
    if asked.is_open:
        told = f"Members have asked for it: “{asked.what}” is still open. Look at it among the requests."
        messages.warning(request, told)
    else:
        messages.success(request, f"Members had asked for it: “{asked.what}” is approved, and they are told.")


def _to_confirm(begun: Any, actor: Actor, now: datetime) -> Ending:
    try:
        identity = pending_identity(actor=actor, request=begun, now=now).identity
        stops = tools_that_stop(actor=actor, request=begun, now=now)
    except ConflictError as error:
        return Ending("expired", TITLES["expired"][1], error.message)
    another = begun.reconnects is not None and not same_identity(begun.reconnects, identity)
    if another:
        return Ending("confirm", "This is another account", identity=identity, is_another=True)
    title = "Less access than before" if stops else "Is this the right account?"
    lines = lines_about_lost(stops, begun.reconnects, actor=actor, owner=begun.owner.ref, now=now)
    return Ending("confirm", title, identity=identity, stops=[one.name for one in stops], stop_lines=lines)


def lines_about_lost(
    tools: Sequence[Any], account: Any, *, actor: Actor, owner: OwnerRef, now: datetime
) -> Sequence[Line]:
    """What used the tools that would stop. An end user, who connects as a guest, is told their names alone."""
    if not tools or not can(actor, Permission.CONNECTED_ACCOUNTS_READ, owner) or is_end_user(owner):
        return []
    return scope_lines(impact_of_lost_tools(actor=actor, owner=owner, account=account, tools=tools, now=now))


def _message(begun: Any) -> str:
    if begun.status == "denied" and not begun.error_code:
        return DISCARDED
    return EXPIRED if begun.status == "expired" else str(begun.error_message)


def _not_granted(begun: Any) -> list[tuple[str, str]]:
    """What was asked for and not given (check O23)."""
    account = begun.connected_account
    if account is None or account.scopes is None:
        return []
    definition = begun.auth_config.toolkit.definition
    return [(scope, scope_words(definition, scope)) for scope in begun.scopes if scope not in account.scopes]
