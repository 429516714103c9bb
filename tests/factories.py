"""Rows for tests: plain functions, each with defaults that make sense together.

They go around the services on purpose: a test that needs an organization is not a test of making one.
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.utils import timezone

from accounts.models import User
from integrations.models import (
    Approval,
    AuthConfig,
    ConnectedAccount,
    ConnectionRequest,
    ConsentRequest,
    Execution,
    Policy,
    Tool,
    Toolkit,
    ToolSession,
    Webhook,
    WebhookDelivery,
)
from integrations.models.encrypted import seal
from integrations.models.webhook_words import WebhookEvent
from orgs.audit import AuditAction, Target
from orgs.invitation_tokens import digest_of, make_token
from orgs.models import (
    ApiKey,
    Application,
    AuditEvent,
    Deletion,
    EndUser,
    Invitation,
    JoinDomain,
    Logo,
    Membership,
    Notice,
    Organization,
    Owner,
    SupportGrant,
)
from orgs.notices import NoticeKind
from orgs.permissions import Actor, OwnerKind, OwnerRef, Role, Scope
from orgs.queries.actors import actor_for_user
from orgs.services.api_keys import create_api_key
from orgs.services.audit import record
from orgs.services.oauth import Consent, authorize_client, register_client

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"
TINY_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
_numbers = count(1)
Holder = User | Organization | EndUser


def make_user(username: str = "", **values: Any) -> User:
    """A person with a verified e-mail address, their ID container and `PASSWORD`."""
    username = username or f"person{next(_numbers)}"
    email = values.pop("email", f"{username}@example.com")
    user = User.objects.create_user(username, email, values.pop("password", PASSWORD), **values)
    Owner.objects.create(kind=OwnerKind.USER.value, user=user)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_second_factor(user: User, kind: str = "totp") -> Authenticator:
    """An authenticator app unless another kind is named."""
    return Authenticator.objects.create(user=user, type=kind, data={})


def make_organization(slug: str = "", *, owner: User | None = None, **values: Any) -> Organization:
    """An organization with its ID container; `owner` becomes its first member."""
    slug = slug or f"organization-{next(_numbers)}"
    organization = Organization.objects.create(slug=slug, name=values.pop("name", slug.title()), **values)
    Owner.objects.create(kind=OwnerKind.ORGANIZATION.value, organization=organization)
    if owner is not None:
        make_membership(organization, owner, Role.OWNER)
    return organization


def make_membership(organization: Organization, user: User, role: Role = Role.MEMBER, **values: Any) -> Membership:
    values.setdefault("joined_at", NOW)
    return Membership.objects.create(organization=organization, user=user, role=role.value, **values)


def make_join_domain(organization: Organization, domain: str = "", **values: Any) -> JoinDomain:
    """One that nobody has an address at, unless it is named."""
    domain = domain or f"company{next(_numbers)}.example.org"
    defaults = {"role": Role.MEMBER.value, "added_at": NOW}
    return JoinDomain.objects.create(organization=organization, domain=domain, **{**defaults, **values})


def make_logo(organization: Organization) -> Logo:
    values = {"content": TINY_PNG, "content_type": "image/png", "digest": "0" * 64, "updated_at": NOW}
    return Logo.objects.update_or_create(organization=organization, defaults=values)[0]


def make_deletion_report(reader: User, **values: Any) -> Deletion:
    """Of an organization that is gone, for somebody who was its owner."""
    defaults = {"kind": "organization", "owner_uuid": uuid4(), "label": "Initech", "status": "done"}
    times = {"asked_at": NOW, "due_at": NOW, "started_at": NOW, "finished_at": NOW}
    row = Deletion.objects.create(**{**defaults, **times, "asked_by_label": reader.display_name, **values})
    row.readers.add(reader)
    return row


def make_invitation(organization: Organization, *, by: User, **values: Any) -> tuple[Invitation, str]:
    """A usable invitation that was sent, and its token."""
    token = make_token()
    now = timezone.now()
    times = {"created_at": now, "sent_at": now, "expires_at": now + timedelta(days=7)}
    defaults = {"email": f"guest{next(_numbers)}@example.com", "role": Role.MEMBER.value, "digest": digest_of(token)}
    row = Invitation.objects.create(organization=organization, invited_by=by, **{**times, **defaults, **values})
    return row, token


def make_notice(user: User, **values: Any) -> Notice:
    """An unread one, without an e-mail."""
    defaults = {"kind": NoticeKind.CONNECTION.value, "title": "GitHub must be reconnected", "path": "/me/connections/"}
    return Notice.objects.create(user=user, **{"created_at": NOW, **defaults, **values})


def make_support_grant(organization: Organization, *, by: User, **values: Any) -> SupportGrant:
    """The support team was let in for an hour, an hour ago, so that it is over; `until` says otherwise."""
    now = timezone.now()
    times = {"given_at": now - timedelta(hours=1), "until": now - timedelta(minutes=1)}
    return SupportGrant.objects.create(
        organization=organization, given_by=by, **{**times, "reason": "A run hangs", **values}
    )


def owner_ref(holder: Holder) -> OwnerRef:
    """The user, organization or end user as the owner of things."""
    if isinstance(holder, Organization | EndUser):
        return holder.ref
    return OwnerRef(OwnerKind.USER, holder.id, holder.display_name)


def owner_row(holder: Holder) -> Owner:
    """The row that everything owned points to."""
    return holder.owner


def actor_of(user: User, organization: Organization | None = None) -> Actor:
    return actor_for_user(user, organization_id=organization.id if organization else None)


def make_api_key(holder: User | Organization, *scopes: Scope, **values: Any) -> tuple[ApiKey, str]:
    """A live key with all scopes unless some are named."""
    usual = NOW + timedelta(days=30) if values.get("actor") else None
    wanted = {"actor": None, "name": "Test key", "expires_at": usual, "now": NOW, **values}
    return create_api_key(owner=owner_ref(holder), scopes=scopes or tuple(Scope), **wanted)


def make_application(organization: Organization, name: str = "", **values: Any) -> Application:
    name = name or f"Application {next(_numbers)}"
    return Application.objects.create(organization=organization, **{"name": name, "created_at": NOW, **values})


def make_application_key(holder: Application | Organization, *scopes: Scope, **values: Any) -> tuple[ApiKey, str]:
    """A key of an application, of a new one when only the organization is given. It manages nothing."""
    application = holder if isinstance(holder, Application) else make_application(holder)
    wanted = scopes or tuple(one for one in Scope if one is not Scope.ADMIN)
    return make_api_key(application.organization, *wanted, application=application, **values)


def make_end_user(application: Application, external: str = "") -> EndUser:
    """An end user with their ID container."""
    external = external or f"customer-{next(_numbers)}"
    row = EndUser.objects.create(application=application, external=external, created_at=NOW)
    Owner.objects.create(kind=OwnerKind.END_USER.value, end_user=row)
    return row


def make_granted_key(user: User, holder: User | Organization, audience: str = "", **values: Any) -> ApiKey:
    """What the user granted an MCP client for that ID, or for the address `audience` of it."""
    now = timezone.now()
    redirect = "http://127.0.0.1:4711/callback"
    client = register_client(actor=None, name=values.pop("name", "Test agent"), redirect_uris=[redirect], now=now)
    consent = Consent(
        client=client,
        owner=owner_ref(holder),
        audience=audience or f"/mcp/{owner_ref(holder).text_id}",
        scopes=[Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.EXECUTIONS_WRITE],
        expires_at=values.pop("expires_at", now + timedelta(days=30)),
        redirect_uri=redirect,
        challenge="c" * 43,
    )
    authorize_client(actor=actor_of(user), consent=consent, now=now)
    ApiKey.objects.filter(oauth_client=client).update(**{"name": client.name, **values})
    return ApiKey.objects.get(oauth_client=client)


def make_toolkit(slug: str = "github", **values: Any) -> Toolkit:
    """A toolkit whose accounts connect by OAuth or bearer token; `needs_account=False` for one without accounts."""
    schemes = ["oauth2", "bearer_token"] if values.pop("needs_account", True) else ["none"]
    definition = {
        "slug": slug,
        "base_url": f"https://api.{slug}.test",
        "auth_schemes": [_scheme(scheme, slug) for scheme in schemes],
        "identity": {"method": "GET", "path": "/user", "id": "id", "label": "login"},
        "scopes": {},
        "headers": {},
        "errors": {},
        "connection_variables": [],
    }
    values = {"name": slug.title(), "version": "20250909_00", "logo": LOGO, "definition": definition, **values}
    return Toolkit.objects.create(slug=slug, **values)


def _scheme(scheme: str, slug: str) -> dict[str, Any]:
    if scheme == "none":
        return {"scheme": scheme}
    if scheme != "oauth2":
        return {"scheme": scheme, "name": "Token", "fields": [{"name": "token", "label": "Token", "secret": True}]}
    return {
        "scheme": "oauth2",
        "authorize_url": f"https://{slug}.test/authorize",
        "token_url": f"https://{slug}.test/token",
        "revoke": {"style": "none"},
        "scope_separator": " ",
        "pkce": True,
        "token_auth": "post",
    }


def make_tool(toolkit: Toolkit, slug: str = "", **values: Any) -> Tool:
    slug = slug or f"{toolkit.slug.upper()}_GET_THING"
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    definition = {
        "slug": slug,
        "effect": values.get("effect", "read"),
        "method": "GET",
        "path": "/things/{name}",
        "parameters": schema,
        "in": {},
        "fixed": {},
        "argument_aliases": {},
        "argument_order": ["name"],
        "body": "none",
        "response": {},
        "hook": "",
    }
    values = {"name": "Get a thing", "effect": "read", "input_schema": schema, "definition": definition, **values}
    return Tool.objects.create(toolkit=toolkit, slug=slug, **values)


def make_auth_config(toolkit: Toolkit, *, owner: User | Organization | None = None, **values: Any) -> AuthConfig:
    """The installation's own unless an owner is named."""
    values = {"scheme": "oauth2", "name": f"{toolkit.name} app", "client_id": "client-1", **values}
    row = AuthConfig(owner=owner_row(owner) if owner else None, toolkit=toolkit, **values)
    row.client_secret = seal("client-secret", table="auth_config", row=row.id, field="client_secret")
    row.save()
    return row


def make_connected_account(toolkit: Toolkit, *, owner: Holder, **values: Any) -> ConnectedAccount:
    """An active account with sealed credentials."""
    auth_config = values.pop("auth_config", None) or _auth_config_of(toolkit)
    token = values.pop("access_token", f"token-{uuid4().hex}")
    defaults = {
        "scheme": auth_config.scheme,
        "identity_key": "1",
        "identity_label": f"{toolkit.slug}-identity",
        "base_url": toolkit.definition["base_url"],
        "connected_at": NOW + timedelta(seconds=next(_numbers)),
    }
    row = ConnectedAccount(owner=owner_row(owner), toolkit=toolkit, auth_config=auth_config, **{**defaults, **values})
    if row.status != "revoked":
        content = {"access_token": token, "refresh_token": ""}
        row.credentials = seal(content, table="connected_account", row=row.id, field="credentials")
    row.save()
    return row


def _auth_config_of(toolkit: Toolkit) -> AuthConfig:
    found = AuthConfig.objects.unscoped("a factory").filter(owner=None, toolkit=toolkit).first()
    return found or make_auth_config(toolkit)


def make_connection_request(
    auth_config: AuthConfig, *, owner: User | Organization, user: User, **values: Any
) -> ConnectionRequest:
    """An open one, begun by `user`."""
    defaults = {
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=3650),
        "redirect_uri": "https://our.test/callback",
    }
    hashes = {"state_hash": uuid4().hex * 2, "browser_session_hash": "0" * 64}
    return ConnectionRequest.objects.get_queryset().create(
        owner=owner_row(owner), auth_config=auth_config, user=user, **{**defaults, **hashes, **values}
    )


def make_consent_request(
    toolkit: Toolkit, *, owner: Organization, users: Iterable[User], **values: Any
) -> ConsentRequest:
    """An open one that `users` ask, each with a reason."""
    defaults = {"created_at": NOW, "expires_at": NOW + timedelta(days=3650)}
    row = ConsentRequest(owner=owner_row(owner), toolkit=toolkit, **{**defaults, **values})
    row.save()
    for user in users:
        row.requesters.create(user=user, reason=f"{user.username} needs it", asked_at=NOW)
        row.events.create(user=user, step="asked", at=NOW)
    return row


def make_session(
    *toolkits: Toolkit,
    owner: Holder,
    user: User | None = None,
    pins: Iterable[ConnectedAccount] = (),
    **values: Any,
) -> ToolSession:
    """A live session with these toolkits; those of `pins` use that account, the others follow."""
    maker = user or (owner if isinstance(owner, User) else None)
    defaults = {"name": "Test session", "origin": "dashboard", "created_at": NOW, "changed_at": NOW}
    row = ToolSession(owner=owner_row(owner), created_by=maker, **{**defaults, **values})
    row.save()
    for toolkit in toolkits:
        row.choices.create(toolkit=toolkit)
    for account in pins:
        row.choices.update_or_create(toolkit=account.toolkit, defaults={"connected_account": account})
    return row


def make_execution(tool: Tool, *, owner: Holder, user: User | None = None, **values: Any) -> Execution:
    """A queued execution; a status that is over gets its end."""
    status = values.pop("status", "queued")
    row = Execution(
        owner=owner_row(owner),
        submitted_by=user or (owner if isinstance(owner, User) else None),
        in_organization=owner if isinstance(owner, Organization) else None,
        tool=tool,
        tool_slug=tool.slug,
        effect=tool.effect,
        status=status,
        **{**_execution_times(status, values.get("created_at", NOW)), "origin": "dashboard", **values},
    )
    row.arguments = seal({"name": "thing"}, table="execution", row=row.id, field="arguments")
    row.save()
    if status == "waiting_for_approval":
        make_approval(row)
    return row


def make_approval(execution: Execution, **values: Any) -> Approval:
    """That the execution waits, because members have to ask."""
    policy = {"id": None, "verdict": "ask", "words": "Members need approval for tools of all toolkits."}
    defaults = {"policy": policy, "asked_at": execution.created_at}
    return Approval.objects.get_queryset().create(owner=execution.owner, execution=execution, **{**defaults, **values})


def make_policy(organization: Organization, verdict: str = "deny", **values: Any) -> Policy:
    """A rule of the organization; what is not given means all of them."""
    defaults = {"owner": owner_row(organization), "verdict": verdict, "created_at": NOW}
    return Policy.objects.get_queryset().create(**{**defaults, **values})


def make_webhook(organization: Organization, **values: Any) -> Webhook:
    """An active one that is told of everything; `secret` is its open secret."""
    secret, old = values.pop("secret", "sb_hook_test"), values.pop("old_secret", None)
    defaults = {"url": "https://hooks.example.com/in", "events": list(WebhookEvent.values), "created_at": NOW}
    row = Webhook(owner=owner_row(organization), **{**defaults, "runs_from": NOW, **values})
    row.secret = seal(secret, table="webhook", row=row.id, field="secret")
    if old is not None:
        row.old_secret = seal(old, table="webhook", row=row.id, field="old_secret")
    row.save()
    return row


def make_delivery(webhook: Webhook, **values: Any) -> WebhookDelivery:
    """A test event that is due; a status that is over gets its end."""
    status = values.get("status", "waiting")
    due = {"due_at": NOW} if status in {"waiting", "retrying"} else {"due_at": None, "finished_at": NOW}
    defaults = {"event": "webhook.test", "subject": webhook.text_id, "data": {"message": "A test."}, "created_at": NOW}
    row = WebhookDelivery(owner=webhook.owner, webhook=webhook, **{**defaults, **due, **values})
    row.save()
    return row


def make_finished_execution(tool: Tool, *, owner: Holder, **values: Any) -> Execution:
    """One that succeeded, with a sealed result."""
    row = make_execution(tool, owner=owner, status="succeeded", **values)
    row.result = seal({"result": {"login": "octocat"}}, table="execution", row=row.id, field="result")
    row.save()
    return row


def _execution_times(status: str, made: datetime) -> dict[str, Any]:
    times: dict[str, Any] = {"created_at": NOW, "available_at": NOW, "expires_at": NOW + timedelta(hours=1)}
    if status == "running":
        return {**times, "lease_token": uuid4(), "lease_until": NOW + timedelta(minutes=1), "started_at": NOW}
    if status not in {"queued", "waiting_for_approval"}:
        return {**times, "finished_at": max(NOW, made)}
    return times


def make_audit_event(owner: User | Organization, user: User, **values: Any) -> AuditEvent:
    """That the user paused an account of the owner."""
    wanted = {
        "action": AuditAction.CONNECTION_PAUSE,
        "target": Target("connected_account", "ca_1", "GitHub"),
        "now": NOW,
    }
    return record(**{"actor": actor_of(user), "owner": owner_ref(owner), **wanted, **values})
