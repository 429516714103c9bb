"""What the documents of the product that we implement show, run by the official SDK. Prints what came of it as JSON."""

import json
import os
import sys
from typing import Any

from composio import Composio

USER, ORGANIZATION = os.environ["SDK_USER"], os.environ["SDK_ORGANIZATION"]
composio: Any = Composio(api_key=os.environ["SDK_KEY"], base_url=os.environ["SDK_URL"], allow_tracking=False)
found: dict[str, Any] = {}


def tried(work: Any) -> str:
    """The name of the error, and what it says."""
    try:
        return f"no error: {work()}"
    except Exception as error:  # noqa: BLE001  # whatever the SDK makes of our answer
        return f"{type(error).__name__}: {error}"


def before() -> None:
    """As far as it goes without a connection."""
    found["tools"] = [one["function"]["name"] for one in composio.tools.get(user_id=USER, toolkits=["GITHUB"])]
    if hasattr(composio.client.toolkits, "retrieve_changelog"):  # not in the older one
        changes = composio.client.toolkits.retrieve_changelog().items
        found["changes"] = {one.slug: [version.version for version in one.versions] for one in changes}
    found["searched"] = len(composio.tools.get(user_id=USER, search="user", limit=10))
    found["one"] = [one["function"]["name"] for one in composio.tools.get(user_id=USER, slug="HACKERNEWS_GET_USER")]
    found["no_version"] = tried(lambda: composio.tools.execute("GITHUB_GET_REPO", user_id=USER, arguments={}))
    run = {"arguments": {"owner": "example", "repo": "repo"}, "version": "20250909_00"}
    found["not_connected"] = tried(lambda: composio.tools.execute("GITHUB_GET_REPO", user_id=USER, **run))
    found["default"] = tried(lambda: composio.create(user_id="default"))
    session = composio.create(user_id=USER)
    found["session"] = session.session_id
    found["mcp_headers"] = list(session.mcp.headers)
    found["toolkits"] = [one.name for one in session.toolkits().items]
    found["session_tools"] = [one["function"]["name"] for one in session.tools()]
    authorized = session.authorize("sandbox")
    found["account"], found["redirect_url"] = authorized.id, authorized.redirect_url


def after() -> None:
    """With the connection that the person has approved meanwhile."""
    account = os.environ["SDK_ACCOUNT"]
    connected = composio.connected_accounts.wait_for_connection(id=account, timeout=120)
    found["status"] = connected.status
    found["listed"] = [one.id for one in composio.connected_accounts.list(user_ids=[USER], statuses=["ACTIVE"]).items]
    run = {"arguments": {}, "version": "20250909_00"}
    found["run"] = composio.tools.execute("SANDBOX_GET_PROFILE", user_id=USER, **run)
    found["wrong_id"] = tried(lambda: composio.tools.execute("SANDBOX_GET_PROFILE", user_id=ORGANIZATION, **run))
    session = composio.create(user_id=USER, connected_accounts={"sandbox": [account]})
    kits = [one for one in session.toolkits().items if one.connection and one.connection.connected_account]
    found["active"] = {one.slug: one.connection.connected_account.id for one in kits}
    composio.connected_accounts.disable(account)
    found["paused"] = composio.connected_accounts.get(account).status
    composio.connected_accounts.enable(account)
    composio.connected_accounts.delete(account)
    found["deleted"] = tried(lambda: composio.connected_accounts.get(account))


def webhooks() -> None:
    """Subscriptions, with the organization's key; and a message of ours, verified."""
    client = composio.client.webhook_subscriptions
    events = ["composio.connected_account.expired"]
    made = client.create(webhook_url="https://hooks.example.com/in", enabled_events=events, version="V3")
    found["made"], found["secret"] = made.id, made.secret
    found["listed"] = [[one.id, one.webhook_url, one.enabled_events] for one in client.list().items]
    found["got"] = client.retrieve(made.id).id
    found["changed"] = client.update(made.id, enabled_events=["composio.execution.ended"]).enabled_events
    found["rotated"] = client.rotate_secret(made.id).secret
    found["types"] = [one.event_type for one in client.list_event_types().items]
    message = {
        name: os.environ[f"SDK_{name.upper()}"] for name in ("id", "payload", "secret", "signature", "timestamp")
    }
    verified = composio.triggers.verify_webhook(**message)
    found["verified"] = [str(verified["version"]).rpartition(".")[2], verified["raw_payload"]["type"]]
    found["forged"] = tried(lambda: composio.triggers.verify_webhook(**{**message, "secret": "another"}))
    client.delete(made.id)
    found["left"] = len(client.list().items)


def auth_configs() -> None:
    """An organization's own OAuth app, with an admin's key: made, changed, switched off and on, deleted."""
    client = composio.auth_configs
    custom = {"type": "use_custom_auth", "auth_scheme": "OAUTH2", "name": "Ours"}
    fields = composio.toolkits.get_auth_config_creation_fields("github", "OAUTH2", required_only=True)
    found["needed"] = [one.name for one in fields]
    credentials = {"client_id": "Iv1.ours", "client_secret": "the secret", "scopes": ["repo"]}
    made = client.create("github", options={**custom, "credentials": credentials})
    found["made"] = [made.id, made.auth_scheme, made.is_composio_managed]
    found["again"] = tried(lambda: client.create("github", options={**custom, "credentials": credentials}))
    managed = client.create("sandbox", options={"type": "use_composio_managed_auth"})
    found["managed"] = managed.is_composio_managed
    changed = {"type": "custom", "credentials": {"client_secret": "the next", "scopes": "repo,read:user"}}
    client.update(made.id, options=changed)
    found["scopes"] = client.get(made.id).model_dump()["scopes"]
    client.disable(made.id)
    found["disabled"] = client.get(made.id).status
    found["link"] = tried(lambda: composio.connected_accounts.link(ORGANIZATION, made.id))
    client.enable(made.id)
    found["enabled"] = [[one.id, one.status] for one in client.list(is_composio_managed=False).items]
    found["linked"] = composio.connected_accounts.link(ORGANIZATION, made.id).redirect_url
    found["not_ours"] = tried(lambda: client.delete(managed.id))
    client.delete(made.id)
    found["deleted"] = tried(lambda: client.get(made.id))
    found["left"] = len(client.list(is_composio_managed=False, show_disabled=True).items)


{"before": before, "after": after, "webhooks": webhooks, "auth_configs": auth_configs}[sys.argv[1]]()
sys.stdout.write(json.dumps(found, default=str))
