"""Connected accounts: listed, looked at, looked after; and the links by which a person connects one."""

from http import HTTPStatus
from typing import Any, Final

from django.utils import timezone
from ninja import Query, Router, Status
from ninja.params import functions

from accounts.ids import from_text
from integrations.api.account_answers import account_out, begun_out, link_out, waiting_out
from integrations.api.account_shapes import (
    AccountListIn,
    AccountOut,
    AccountPageOut,
    BegunOut,
    ChangedOut,
    ChangeIn,
    ConnectIn,
    DoneOut,
    LinkIn,
    LinkOut,
    RefreshedOut,
    RefreshIn,
    StatusIn,
)
from integrations.api.asking import ApiRequest, listed, owner_from
from integrations.api.paging import bounded, offset_of, page_numbers
from integrations.doors.session_answers import STATES, link_url
from integrations.queries.connect_links import find_link
from integrations.queries.connection_lists import (
    AskedConnections,
    browse_connections,
    find_auth_config,
    find_connection,
    open_links,
)
from integrations.queries.ways import chosen_config
from integrations.services.connections import (
    ConnectionPlan,
    LinkPlan,
    connect_with_fields,
    create_link,
    disconnect,
    make_default,
    pause_account,
    rename_account,
    resume_account,
    withdraw_link,
)
from orgs.errors import ConflictError, DomainError
from orgs.permissions import Actor, OwnerRef

router = Router(tags=["Connected accounts"])
ACCOUNT: Any = functions.Path(..., max_length=80, description="ca_…")
WORDS: Final = {*STATES.values(), "INITIALIZING"}
# Under which names programs send what our catalogue calls otherwise.
FIELD_NAMES: Final = ("api_key", "generic_api_key", "token", "bearer_token", "access_token")

NOT_CHANGED: Final = {
    "connection": "Credentials are not taken for an account that is there. POST …/refresh has a link to connect again.",
    "experimental": "An account has no list of who may use it: the policies of the organization say so.",
}


@router.get("/connected_accounts", response=AccountPageOut)
def list_accounts(request: ApiRequest, asked: Query[AccountListIn]) -> Any:
    actor = request.auth
    limit, offset = bounded(asked.limit), offset_of(asked.cursor, actor=actor, what="accounts")
    narrowed = _asked(asked, actor)
    waiting = _waiting(asked, narrowed, actor)
    begin = max(0, offset - len(waiting))
    shown = waiting[offset : offset + limit]
    found = browse_connections(actor=actor, asked=narrowed, offset=begin, limit=limit - len(shown))
    items = [*shown, *(account_out(row) for row in found.rows)]
    total = len(waiting) + found.total
    return AccountPageOut(items=items, **page_numbers(total, offset, limit, items, actor=actor, what="accounts"))


def _waiting(asked: AccountListIn, narrowed: AskedConnections, actor: Actor) -> list[AccountOut]:
    """Those that a person still has to connect, if INITIATED ones are asked for. They come first."""
    if "INITIATED" not in {word.upper() for word in listed(asked.statuses)}:
        return []
    now = timezone.now()
    return [waiting_out(link, now) for link in open_links(actor=actor, asked=narrowed, now=now)]


def _asked(asked: AccountListIn, actor: Actor) -> AskedConnections:
    return AskedConnections(
        owners=[owner_from(one, actor=actor) for one in listed(asked.user_ids)],
        is_shared=asked.account_type == "SHARED" if asked.account_type else None,
        toolkits=listed(asked.toolkit_slugs),
        statuses=_states(listed(asked.statuses)),
        auth_configs=_ids("ac", asked.auth_config_ids),
        ids=_ids("ca", asked.connected_account_ids),
        oldest_first=asked.order_direction.lower() == "asc",
    )


def _states(words: list[str]) -> list[str]:
    wanted = {word.upper() for word in words}
    if unknown := sorted(wanted - WORDS):
        message = f"There is no status {unknown[0][:40]}. There are {', '.join(sorted(WORDS))}."
        raise DomainError(message, code="invalid_request", field="statuses")
    known = [ours for ours, theirs in STATES.items() if theirs in wanted]
    return known or ["none"] * bool(wanted)


def _ids(prefix: str, text: str) -> list[Any] | None:
    """Nonsense is nobody's."""
    return [one for part in listed(text) if (one := from_text(prefix, part))] if text else None


@router.post("/connected_accounts", response={201: BegunOut})
def begin_account(request: ApiRequest, asked: ConnectIn) -> Any:
    """A person has to agree: the answer has a link for the very person whose key this is. A key or token that comes
    along in `state` is checked at the provider and connected at once.
    """
    actor, connection = request.auth, asked.connection
    owner = owner_from(connection.user_id, actor=actor)
    config = config_of(actor, owner, asked.auth_config.id)
    values = _values(config, connection.state)
    if values:
        return Status(HTTPStatus.CREATED, _connected(actor, owner, config, values, connection.alias or ""))
    plan = LinkPlan(config, alias=connection.alias or "", callback_url=connection.callback_url or "")
    made = create_link(actor=actor, owner=owner, plan=plan, now=timezone.now())
    return Status(HTTPStatus.CREATED, begun_out(made.link.text_id, config, "INITIATED", link_url(made)))


@router.post("/connected_accounts/link", response={201: LinkOut})
def link_account(request: ApiRequest, asked: LinkIn) -> Any:
    """A link to our consent page, for the very person whose key this is."""
    actor = request.auth
    owner = owner_from(asked.user_id, actor=actor)
    config = config_of(actor, owner, asked.auth_config_id)
    plan = LinkPlan(config, alias=asked.alias or "", callback_url=asked.callback_url or "")
    return Status(HTTPStatus.CREATED, link_out(create_link(actor=actor, owner=owner, plan=plan, now=timezone.now())))


@router.get("/connected_accounts/{account_id}", response=AccountOut)
def get_account(request: ApiRequest, account_id: str = ACCOUNT) -> Any:
    """Also one that a person still has to connect: ask again until it is ACTIVE."""
    asked = from_text("ca", account_id)
    link = find_link(actor=request.auth, account_id=asked)
    if link is None or link.connected_account_id == asked:
        return account_out(find_connection(actor=request.auth, account_id=asked))
    if link.connected_account_id:  # the same identity was there already, under an ID of its own
        return account_out(find_connection(actor=request.auth, account_id=link.connected_account_id))
    return waiting_out(link, timezone.now())


@router.patch(
    "/connected_accounts/{account_id}/status",
    response=DoneOut,
)
def switch_account(request: ApiRequest, asked: StatusIn, account_id: str = ACCOUNT) -> Any:
    row = _found(request, account_id)
    acting: dict[str, Any] = {"actor": request.auth, "owner": row.owner.ref, "account_id": row.id}
    if asked.enabled is (row.status == "paused"):  # else it is so already
        (resume_account if asked.enabled else pause_account)(**acting)
    return DoneOut(success=True)


@router.patch(
    "/connected_accounts/{account_id}",
    response=ChangedOut,
)
def change_account(request: ApiRequest, asked: ChangeIn, account_id: str = ACCOUNT) -> Any:
    for name, message in NOT_CHANGED.items():
        if getattr(asked, name):
            raise DomainError(message, code="not_supported", field=name)
    row = _found(request, account_id)
    acting: dict[str, Any] = {"actor": request.auth, "owner": row.owner.ref, "account_id": row.id}
    if asked.alias is not None:
        row = rename_account(**acting, alias=asked.alias)
    if asked.is_default:
        row, _ = make_default(**acting)
    return ChangedOut(success=True, id=row.text_id, status=STATES[row.status])


@router.post(
    "/connected_accounts/{account_id}/refresh",
    response=RefreshedOut,
)
def refresh_account(request: ApiRequest, asked: RefreshIn, account_id: str = ACCOUNT) -> Any:
    """A link by which the person signs in again. The account keeps its ID."""
    row, actor = _found(request, account_id), request.auth
    config = config_of(actor, row.owner.ref, row.auth_config.text_id)
    plan = LinkPlan(config, callback_url=asked.redirect_url or "", reconnects=row.id)
    made = create_link(actor=actor, owner=row.owner.ref, plan=plan, now=timezone.now())
    return RefreshedOut(id=row.text_id, status=STATES[row.status], redirect_url=link_url(made))


@router.delete("/connected_accounts/{account_id}", response=DoneOut)
def delete_account(request: ApiRequest, account_id: str = ACCOUNT) -> Any:
    """Our copy of the credentials is wiped at once; then the provider is told, where it can be.

    One that a person still has to connect is called off: its link opens no more.
    """
    now, link = timezone.now(), find_link(actor=request.auth, account_id=from_text("ca", account_id))
    if link is not None and link.is_open(now):
        withdraw_link(actor=request.auth, owner=link.owner.ref, link_id=link.id, now=now)
        return DoneOut(success=True)
    row = _found(request, account_id)
    disconnect(actor=request.auth, owner=row.owner.ref, account_id=row.id, now=timezone.now())
    return DoneOut(success=True)


def _found(request: ApiRequest, text: str) -> Any:
    return find_connection(actor=request.auth, account_id=from_text("ca", text))


def config_of(actor: Actor, owner: OwnerRef, text: str) -> Any:
    """The auth config, if it is open to this very owner."""
    row = find_auth_config(actor=actor, auth_config_id=from_text("ac", text))
    _check_serves(row, owner)
    is_oauth = row.scheme == "oauth2"
    return chosen_config(actor=actor, owner=owner, toolkit=row.toolkit.slug, auth_config_id=row.id, is_oauth=is_oauth)


def _check_serves(row: Any, owner: OwnerRef) -> None:
    """An organization's own serves the organization and its end users: no other ID, and nobody while it is disabled."""
    whose = row.owner.ref if row.owner else None
    if whose and whose.id not in {owner.id, owner.organization_id}:
        message = (
            f"The auth config {row.name} is {whose.label}'s own: it connects accounts under {whose.text_id} alone."
        )
        raise DomainError(message, code="auth_config_of_another_id", field="auth_config_id")
    if not row.is_enabled:
        raise ConflictError(f"The auth config {row.name} is disabled.", code="auth_config_disabled")


def _values(config: Any, state: dict[str, Any] | None) -> dict[str, str]:
    """The secrets that came along, under the names of the toolkit's own fields."""
    sent = (state or {}).get("val")
    if config.scheme == "oauth2" or not isinstance(sent, dict):
        return {}
    fields = next(one["fields"] for one in config.toolkit.definition["auth_schemes"] if one["scheme"] == config.scheme)
    texts = {name: value for name, value in sent.items() if isinstance(value, str)}
    single = next((texts[name] for name in FIELD_NAMES if texts.get(name)), "")
    values = {one["name"]: texts.get(one["name"], single if len(fields) == 1 else "") for one in fields}
    return values if any(values.values()) else {}


def _connected(actor: Actor, owner: OwnerRef, config: Any, values: dict[str, str], alias: str) -> BegunOut:
    plan = ConnectionPlan(toolkit=config.toolkit.slug, auth_config_id=config.id, alias=alias)
    stored = connect_with_fields(actor=actor, owner=owner, plan=plan, values=values, now=timezone.now())
    return begun_out(stored.account.text_id, config, STATES[stored.account.status], None)
