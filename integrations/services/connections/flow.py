"""The OAuth flow, from our consent page to a connected account.

The flow is a row. Its state is random, stored as a hash, and consumed once; only the very user who
began it can finish it; each auth config has a redirect URI of its own. That closes the three attacks
that most products of this class are open to: a victim finishing the attacker's flow, a code that
goes to the wrong provider, and clients that are confused between tenants (checks O1-O13, O19-O21).
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import User
from integrations import oauth
from integrations.catalog import Identity
from integrations.credentials import client_of, open_pending, provider_of, seal_pending, token_values
from integrations.engine.types import AuthScheme
from integrations.models import AuthConfig, ConnectedAccount, ConnectionRequest
from integrations.models.connected_accounts import as_name
from integrations.models.encrypted import SecretUnreadableError
from integrations.models.owned import OWNER_NAMES
from integrations.models.status import RequestStatus
from integrations.outbound import outbound
from integrations.queries.connections import get_connection
from integrations.queries.consent_requests import wanted_tools
from integrations.queries.lost_tools import tools_lost
from integrations.queries.ways import callback_url, chosen_config, scopes_to_ask
from integrations.services.connections.guests import LINK_KEY, actor_of_link
from integrations.services.connections.held import Finished, close_request, hold, revoke_unstored, store_and_close
from integrations.services.connections.identity import Verified, verify
from integrations.services.connections.links import check_link, fail_link, require_person
from integrations.services.connections.names import check_name
from integrations.services.connections.plan import ConnectionPlan
from integrations.services.connections.records import record_request
from integrations.services.connections.store import same_identity
from integrations.services.consent import check_approval, note_begun
from orgs.audit import AuditAction, Target, denied, failed
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from orgs.permissions import ANONYMOUS, Actor, OwnerKind, OwnerRef, Permission, require
from orgs.queries.actors import actor_for_user
from orgs.queries.owners import owner_row
from orgs.services.audit import log_of, record

log = structlog.get_logger(__name__)
FLOW_NAMES = ("auth_config__toolkit", *OWNER_NAMES, "reconnects", *LINK_KEY)
NOT_YOURS = (
    "This sign-in was begun by somebody else, or it is over. Nothing was connected. "
    "Begin again from your own connections page."
)


def start_connection(
    *, actor: Actor, owner: OwnerRef, plan: ConnectionPlan, browser_session: str, now: datetime
) -> str:
    """Begin a flow after the consent page was approved; return the provider's URL to send the browser to."""
    require_person(actor=actor, owner=owner)
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, owner)
    auth_config = chosen_config(
        actor=actor, owner=owner, toolkit=plan.toolkit, auth_config_id=plan.auth_config_id, is_oauth=True
    )
    _check_reconnects(actor, owner, auth_config, plan.reconnects)
    check_link(plan.link, actor=actor, owner=owner, toolkit_id=auth_config.toolkit_id, now=now)
    check_name(plan.alias, actor=actor, owner=owner, toolkit_id=auth_config.toolkit_id, account_id=plan.reconnects)
    wanted = _wanted(actor, owner, plan)
    _make_room(actor, plan.link, now)
    state = secrets.token_urlsafe(32)  # 256 bits; unreadable, and nothing is in it
    request = _request_for(plan, auth_config, actor, now)
    request.state_hash, request.browser_session_hash = _hash(state), _hash(browser_session)
    request.redirect_uri = callback_url(actor=actor, auth_config=auth_config)
    request.scopes = scopes_to_ask(actor=actor, auth_config=auth_config, tools=wanted)
    begun = _begin(request, state)
    request.code_verifier = seal_pending(request.id, begun.code_verifier, field_name="code_verifier")
    _store(request, actor, owner, now)
    return begun.url


def finish_connection(*, actor: Actor, auth_config_id: UUID, params: Mapping[str, str], now: datetime) -> Finished:
    """The provider sent the browser back. Raises DomainError with what to do next; asks for tokens at most once."""
    request = _consume(actor, auth_config_id, params.get("state", ""), now)
    try:
        _check_still_wanted(actor, request)
        tokens = _exchange(request, params)
    except (oauth.OAuthError, DomainError) as error:
        raise _failed(actor, request, error, now) from error
    verified = None
    try:
        verified = verify(request.auth_config, AuthScheme.OAUTH2, token_values(tokens, request.auth_config))
        actor = _as_of_now(request)  # the provider took its time: rights may have ended meanwhile
        _check_still_wanted(actor, request)
    except DomainError as error:
        revoke_unstored(request, tokens, verified.key if verified else "", actor=actor)
        raise _failed(actor, request, error, now) from error
    owner = request.owner.ref
    if _needs_confirmation(request, owner, verified, tokens):
        return hold(request, tokens, verified, actor=actor, now=now)
    try:
        return store_and_close(request, tokens, verified, actor=actor, owner=owner, now=now)
    except DomainError as error:  # the request that it was to answer ended this very moment
        revoke_unstored(request, tokens, verified.key, actor=actor)
        raise _failed(actor, request, error, now) from error


def _wanted(actor: Actor, owner: OwnerRef, plan: ConnectionPlan) -> list[str]:
    """The tools that must be able to run afterwards. Whoever asked for them may not be the one who approves."""
    if plan.consent_request is None:
        return [plan.tool]
    asked = check_approval(actor=actor, owner=owner, consent_id=plan.consent_request)
    return [plan.tool, *(one.slug for one in wanted_tools(actor=actor, request=asked))]


def _check_reconnects(actor: Actor, owner: OwnerRef, auth_config: AuthConfig, reconnects: UUID | None) -> None:
    if reconnects is None:
        return
    account: ConnectedAccount = get_connection(actor=actor, owner=owner, account_id=reconnects)
    if account.toolkit_id != auth_config.toolkit_id:
        raise NotFoundError("There is no such connection of this toolkit here.")


def _make_room(actor: Actor, link: UUID | None, now: datetime) -> None:
    """The oldest open flows of the user, or of an end user's link, give way: nobody can fill the table (check O33)."""
    rows = ConnectionRequest.objects.unscoped("the cap counts every owner's, by user")
    theirs = rows.filter(user_id=actor.user_id) if actor.user_id else rows.filter(user_id=None, link_id=link)
    open_ones = theirs.filter(status=RequestStatus.OPEN, expires_at__gt=now)
    surplus = open_ones.order_by("-created_at", "-id").values_list("id", flat=True)
    ids = list(surplus[settings.CONNECTION_REQUEST_LIMIT - 1 :])
    rows.filter(id__in=ids).update(status=RequestStatus.EXPIRED, code_verifier=None)


def _request_for(plan: ConnectionPlan, auth_config: AuthConfig, actor: Actor, now: datetime) -> ConnectionRequest:
    """What the plan says, with neither owner nor secrets yet."""
    return ConnectionRequest(
        id=new_id(),
        auth_config=auth_config,
        user_id=actor.user_id,
        reconnects_id=plan.reconnects,
        link_id=plan.link,
        return_path=plan.return_path,
        alias=as_name(plan.alias),
        consent_request_id=plan.consent_request,
        preset=plan.preset,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.CONNECTION_REQUEST_LIFETIME),
    )


@transaction.atomic
def _store(request: ConnectionRequest, actor: Actor, owner: OwnerRef, now: datetime) -> None:
    request.owner = owner_row(actor=actor, owner=owner)
    request.save(force_insert=True)
    if request.consent_request_id:
        note_begun(actor=actor, consent_id=request.consent_request_id, now=now)
    action = AuditAction.CONNECTION_START
    record_request(request, action, actor=actor, owner=owner, now=now, scopes=request.scopes)


def _begin(request: ConnectionRequest, state: str) -> oauth.Authorization:
    auth_config = request.auth_config
    try:
        return oauth.begin(
            provider_of(auth_config),
            oauth.Client(auth_config.client_id),
            redirect_uri=request.redirect_uri,
            scopes=request.scopes,
            state=state,
        )
    except (oauth.OAuthError, ValueError) as error:
        raise _unusable(auth_config, error) from error


def _unusable(auth_config: AuthConfig, error: Exception) -> DomainError:
    return DomainError(f"The auth config {auth_config.name} cannot be used: {error}", code="auth_config_unusable")


def _consume(actor: Actor, auth_config_id: UUID, state: str, now: datetime) -> ConnectionRequest:
    """Find the flow by its state and take it, once. Every mismatch reads the same and ends before the token request."""
    rows = ConnectionRequest.objects.unscoped("found by an unguessable state")
    mine = rows.filter(
        state_hash=_hash(state),
        auth_config_id=auth_config_id,  # the redirect URI that was used must be this flow's own
        user_id=actor.user_id,
        status=RequestStatus.OPEN,
        expires_at__gt=now,
        consumed_at__isnull=True,
    )
    request: ConnectionRequest | None = mine.select_related(*FLOW_NAMES).first()
    if request is None or not mine.update(consumed_at=now):
        log.warning("connection.callback_refused", user=str(actor.user_id), auth_config=str(auth_config_id))
        _record_refusal(actor, auth_config_id, rows.filter(state_hash=_hash(state)), now)
        refusal = ForbiddenError(NOT_YOURS, code="callback_refused")
        refusal.is_recorded = True
        raise refusal
    return request


@transaction.atomic
def _record_refusal(actor: Actor, auth_config_id: UUID, begun: Any, now: datetime) -> None:
    """Twice: for the user who came back, and, when there is such a flow of somebody else's, for the owner it was for.

    Neither log names the other user.
    """
    refused: dict[str, Any] = {"action": AuditAction.CALLBACK_ACCEPT, "result": denied("callback_refused"), "now": now}
    target = Target("auth_config", f"ac_{auth_config_id.hex}")
    record(actor=actor, owner=log_of(actor=actor, owner=None), target=target, **refused)
    found = begun.exclude(user_id=actor.user_id).select_related(*OWNER_NAMES).first()
    if found is not None:
        record(actor=ANONYMOUS, owner=found.owner.ref, target=Target("connection_request", found.text_id), **refused)


def _check_still_wanted(actor: Actor, request: ConnectionRequest) -> None:
    """What was true at the start must still be: the role and the link; toolkit and auth config are still on."""
    require(actor, Permission.CONNECTED_ACCOUNTS_MANAGE, request.owner.ref)
    if request.link is not None and request.link.status == RequestStatus.DENIED:
        raise ConflictError(request.link.reason, code="link_over")
    if request.consent_request_id:
        check_approval(actor=actor, owner=request.owner.ref, consent_id=request.consent_request_id)
    config = request.auth_config
    if not (config.is_enabled and config.toolkit.is_enabled):
        raise DomainError(f"{config.toolkit.name} was switched off meanwhile.", code="toolkit_disabled")


def _as_of_now(request: ConnectionRequest) -> Actor:
    if request.user_id is not None:
        return actor_for_user(User.objects.get(id=request.user_id))
    return actor_of_link(request.link, owner=request.owner.ref, now=timezone.now())


def _exchange(request: ConnectionRequest, params: Mapping[str, str]) -> oauth.Tokens:
    try:
        spec = provider_of(request.auth_config)
    except ValueError as error:
        raise _unusable(request.auth_config, error) from error
    code = oauth.callback_code(spec, params)
    try:
        client = client_of(request.auth_config)
        verifier = open_pending(request.id, request.code_verifier, field_name="code_verifier")
    except SecretUnreadableError as error:
        raise DomainError(str(error), code="secrets_unreadable") from error
    return oauth.exchange(
        spec,
        client,
        code=code,
        code_verifier=verifier,
        redirect_uri=request.redirect_uri,
        transport=outbound().transport,
        deadline=settings.TOKEN_CALL_DEADLINE,
        scopes=request.scopes,
    )


def _failed(
    actor: Actor, request: ConnectionRequest, error: oauth.OAuthError | DomainError, now: datetime
) -> DomainError:
    status = RequestStatus.DENIED if error.code == "access_denied" else RequestStatus.FAILED
    refused = isinstance(error, DomainError) and error.is_denial
    result = denied(error.code) if refused or status is RequestStatus.DENIED else failed(error.code)
    action = AuditAction.CONNECTION_CONNECT
    with transaction.atomic():
        fail_link(request.link_id, error.message, actor=actor, owner=request.owner.ref)
        close_request(request, status, actor=actor, error_code=error.code[:60], error_message=error.message[:300])
        record_request(request, action, actor=actor, owner=request.owner.ref, result=result, now=now)
    return DomainError(error.message, code=error.code, details=request)


def _needs_confirmation(request: ConnectionRequest, owner: OwnerRef, verified: Verified, tokens: oauth.Tokens) -> bool:
    """An organization's account is confirmed by the admin, an end user's by them; a reconnect by anybody, when it came
    back as somebody else, or with so much less access that tools would stop.
    """
    identity: Identity | None = verified.identity
    if request.reconnects is not None:
        loses = tools_lost(actor=ANONYMOUS, account=request.reconnects, scopes=tokens.scopes)
        return bool(loses) or not same_identity(request.reconnects, identity)
    return owner.kind is not OwnerKind.USER


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
