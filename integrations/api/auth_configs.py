"""Auth configs: how accounts authenticate to a toolkit. The installation's are there; organizations make their own."""

from http import HTTPStatus
from typing import Any, Literal

from django.utils import timezone
from ninja import Query, Router, Status
from ninja.params import functions

from accounts.ids import from_text
from integrations.api.asking import ApiRequest, listed, owner_from
from integrations.api.auth_config_shapes import (
    NOTHING_SENT,
    AuthConfigBodyIn,
    AuthConfigListIn,
    AuthConfigOut,
    AuthConfigPageOut,
    ChangedAuthConfigIn,
    CreatedAuthConfigOut,
    CreatedRefOut,
    NewAuthConfigIn,
    ToldOut,
    scopes_of,
)
from integrations.api.catalogue_answers import logo_url, scheme_word
from integrations.api.catalogue_shapes import ToolToolkitOut
from integrations.api.paging import bounded, offset_of, page_numbers
from integrations.queries.catalogue import toolkit_of_catalogue
from integrations.queries.connection_lists import (
    AskedAuthConfigs,
    browse_auth_configs,
    find_auth_config,
    find_own_auth_config,
    uses_of,
)
from integrations.queries.ways import callback_url
from integrations.services import own_auth_configs as own
from integrations.stamps import stamp
from orgs.errors import DomainError
from orgs.permissions import Actor, OwnerRef, Permission, can, require

router = Router(tags=["Auth configs"])
CONFIG: Any = functions.Path(..., max_length=80, description="ac_…")
STATUS: Any = functions.Path(..., description="ENABLED or DISABLED.")
OWN = "use_custom_auth"


@router.get("/auth_configs", response=AuthConfigPageOut)
def list_auth_configs(request: ApiRequest, asked: Query[AuthConfigListIn]) -> Any:
    """Those of the key's own ID first, then the installation's, then those that serve other IDs of yours alone."""
    actor = request.auth
    limit, offset = bounded(asked.limit), offset_of(asked.cursor, actor=actor, what="auth_configs")
    wanted = AskedAuthConfigs(
        toolkits=listed(asked.toolkit_slug),
        search=asked.search,
        is_own=None if asked.is_composio_managed is None else not asked.is_composio_managed,
        with_disabled=asked.show_disabled,
    )
    found = browse_auth_configs(actor=actor, asked=wanted, offset=offset, limit=limit)
    items = [_out(row, uses, actor) for row, uses in found.rows]
    numbers = page_numbers(found.total, offset, limit, items, actor=actor, what="auth_configs")
    return AuthConfigPageOut(items=items, **numbers)


@router.post("/auth_configs", response={201: CreatedAuthConfigOut})
def create_auth_config(request: ApiRequest, asked: NewAuthConfigIn) -> Any:
    """With the type `use_custom_auth` an organization's own: register the `callback_url` of the answer at the provider.
    Else the installation's own of this toolkit, which is there already.
    """
    body, actor = asked.auth_config, request.auth
    body.check_supported()
    row = _made(actor, asked, body) if body.type == OWN else _managed(actor, asked)
    shown = _out(row, 0, actor)
    created = CreatedRefOut(
        id=shown.id,
        auth_scheme=shown.auth_scheme,
        is_composio_managed=shown.is_composio_managed,
        callback_url=shown.callback_url,
    )
    return Status(HTTPStatus.CREATED, CreatedAuthConfigOut(toolkit=shown.toolkit, auth_config=created))


def _made(actor: Actor, asked: NewAuthConfigIn, body: AuthConfigBodyIn) -> Any:
    owner = _organization(asked.user_id, actor)
    toolkit = toolkit_of_catalogue(actor=actor, slug=asked.toolkit.slug)
    sent = body.credentials or NOTHING_SENT
    plan = own.AuthConfigPlan(
        toolkit=toolkit.slug,
        scheme=(body.authScheme or toolkit.schemes[0]).lower(),
        name=body.name or "",
        client_id=sent.client_id or "",
        client_secret=sent.client_secret or "",
        scopes=scopes_of(sent.scopes) or [],
    )
    return own.create_auth_config(actor=actor, owner=owner, plan=plan, now=timezone.now())


def _managed(actor: Actor, asked: NewAuthConfigIn) -> Any:
    if asked.auth_config.credentials and asked.auth_config.credentials.model_fields_set:
        message = f"The installation's own auth config cannot be changed by a call. Credentials need the type {OWN}."
        raise DomainError(message, code="not_supported", field="auth_config.credentials")
    toolkit = toolkit_of_catalogue(actor=actor, slug=asked.toolkit.slug)
    wanted = AskedAuthConfigs(toolkits=[toolkit.slug], is_own=False)
    found = browse_auth_configs(actor=actor, asked=wanted, offset=0, limit=1)
    if not found.rows:
        message = (
            f"{toolkit.name} is not set up here. Ask whoever runs this installation to add an auth config, or bring "
            f"an OAuth app of your organization with the type {OWN}."
        )
        raise DomainError(message, code="auth_config_missing")
    return found.rows[0][0]


@router.get("/auth_configs/{config_id}", response=AuthConfigOut)
def get_auth_config(request: ApiRequest, config_id: str = CONFIG) -> Any:
    row = find_auth_config(actor=request.auth, auth_config_id=from_text("ac", config_id))
    return _out(row, uses_of(actor=request.auth, auth_config=row), request.auth)


@router.patch("/auth_configs/{config_id}", response=ToldOut)
def change_auth_config(request: ApiRequest, asked: ChangedAuthConfigIn, config_id: str = CONFIG) -> Any:
    """Name, client, secret and scopes of an organization's own. What is left out stays; the secret is never shown."""
    asked.check_supported()
    sent = asked.credentials or NOTHING_SENT
    scopes = asked.scopes if sent.scopes is None else sent.scopes
    change = own.AuthConfigChange(
        name=asked.name, client_id=sent.client_id, client_secret=sent.client_secret, scopes=scopes_of(scopes)
    )
    row = own.change_auth_config(**_which(request, config_id), change=change, now=timezone.now())
    return ToldOut(success=True, message=f"{row.name} is changed.")


@router.patch("/auth_configs/{config_id}/{status}", response=ToldOut)
def switch_auth_config(
    request: ApiRequest, config_id: str = CONFIG, status: Literal["ENABLED", "DISABLED"] = STATUS
) -> Any:
    """Nobody connects an account with one that is disabled. Those that are connected go on working."""
    is_enabled = status == "ENABLED"
    row = own.switch_auth_config(**_which(request, config_id), is_enabled=is_enabled, now=timezone.now())
    return ToldOut(success=True, message=f"{row.name} is {status.lower()}.")


@router.delete("/auth_configs/{config_id}", response=ToldOut)
def delete_auth_config(request: ApiRequest, config_id: str = CONFIG) -> Any:
    """409 while accounts are connected with it: nothing could renew them."""
    row = own.delete_auth_config(**_which(request, config_id), now=timezone.now())
    return ToldOut(success=True, message=f"{row.name} is deleted.")


def _which(request: ApiRequest, text: str) -> dict[str, Any]:
    row: Any = find_own_auth_config(actor=request.auth, auth_config_id=from_text("ac", text))
    return {"actor": request.auth, "owner": row.owner.ref, "auth_config_id": row.id}


def _organization(text: str, actor: Actor) -> OwnerRef:
    """The one that is named; without a name, the one for which the key may do this."""
    if text:
        named = [one for one in [owner_from(text, actor=actor)] if one.is_organization]
    else:
        reached = [one for one in actor.reach() if one.is_organization]
        named = [one for one in reached if can(actor, Permission.AUTH_CONFIGS_MANAGE, one)] or reached[:1]
    if len(named) != 1:
        message = "Say which organization: pass its ID as user_id. People have no auth configs of their own."
        raise DomainError(message, code="organization_needed", field="user_id")
    require(actor, Permission.AUTH_CONFIGS_MANAGE, named[0])
    return named[0]


def _out(row: Any, uses: int, actor: Actor) -> AuthConfigOut:
    toolkit, is_oauth = row.toolkit, row.scheme == "oauth2"
    return AuthConfigOut(
        id=row.text_id,
        uuid=row.text_id,
        name=row.name,
        type="default" if row.owner_id is None else "custom",
        toolkit=ToolToolkitOut(slug=toolkit.slug, name=toolkit.name, logo=logo_url(toolkit)),
        auth_scheme=scheme_word(row.scheme),
        is_composio_managed=row.owner_id is None,
        status="ENABLED" if row.is_enabled else "DISABLED",
        no_of_connections=uses,
        user_id=row.owner.ref.passed_id if row.owner else None,
        scopes=list(row.scopes),
        credentials={"client_id": row.client_id} if row.client_id else {},
        callback_url=callback_url(actor=actor, auth_config=row) if is_oauth else None,
        created_at=stamp(row.created_at),
        last_updated_at=stamp(row.updated_at),
    )
