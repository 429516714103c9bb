"""Who gets which answer from which operation of the API: written by hand, not computed from the rule.

Every operation is asked about Acme's things, or under Acme's ID. `lacking` is the owner's key with every scope but
those that the row names; where it names none, no scope is needed. `app_key` is a key of an application of Acme's: on
the organization's own ID it is a member, and no more.
"""

from dataclasses import dataclass
from typing import Any

PERSONAS = ("anonymous", "member", "viewer", "admin", "owner", "ex_member", "outsider", "org_key", "app_key", "lacking")


@dataclass(frozen=True)
class Operation:
    """One operation. In `path` and `body`, {acme}, {account}, {run}, {config}, {webhook} … stand for Acme's things."""

    method: str
    path: str
    scope: str
    codes: str
    body: Any = None


UNDER_ACME = {"tool": "{tool}", "user_id": "{acme}", "arguments": {"name": "x"}}
CONNECT = {"auth_config": {"id": "{config}"}, "connection": {"user_id": "{acme}"}}
SUBSCRIPTION = {
    "webhook_url": "https://hooks.example.com/in",
    "enabled_events": ["composio.execution.ended"],
    "user_id": "{acme}",
}
LINK = {"auth_config_id": "{config}", "user_id": "{acme}"}
EVERYBODY = "     401  200 200 200 200 200 200 200 200 403"  # the catalogue is everybody's
OWN_LIST = "      401  200 200 200 200 200 200 200 200 403"  # lists what is within reach, which differs
#                 anon mem vie adm own ex  out org app lacking
ACMES = "         401  200 200 200 200 404 404 200 200 403"  # whoever may look into Acme
RUNNING = "       401  202 403 202 202 404 404 202 202 403"
ADMINS = "        401  403 403 200 200 404 404 200 403 403"  # and the organization's key, by its scope
THEIRS = "        401  200 403 200 200 404 404 403 403 403"
CONNECTING = "    401  403 403 201 201 404 404 403 403 403"  # consent needs a person
EVERY_KEY = "     401  200 200 200 200 200 200 200 200 200"  # says nothing about anybody
OWN_APP = "       401  403 403 200 200 404 404 403 403 403"
DECIDING = "      401  403 404 200 200 404 404 404 404 403"  # of what the member asked for
DECIDED = "       401  403 404 409 409 404 404 404 404 403"
SENDING = "       401  403 403 202 202 404 404 202 403 403"

OPERATIONS: dict[str, Operation] = {
    "list_toolkits": Operation("GET", "/toolkits", "tools:read", EVERYBODY),
    "list_named_toolkits": Operation("POST", "/toolkits/multi", "tools:read", EVERYBODY, {"toolkits": ["github"]}),
    "list_categories": Operation("GET", "/toolkits/categories", "tools:read", EVERYBODY),
    "get_changelog": Operation("GET", "/toolkits/changelog", "tools:read", EVERYBODY),
    "get_toolkit": Operation("GET", "/toolkits/github", "tools:read", EVERYBODY),
    "list_tools": Operation("GET", "/tools", "tools:read", EVERYBODY),
    "get_tool": Operation("GET", "/tools/{tool}", "tools:read", EVERYBODY),
    "execute_tool": Operation("POST", "/tools/execute/{tool}", "executions:write executions:read", RUNNING, UNDER_ACME),
    "submit_run": Operation("POST", "/executions", "executions:write", RUNNING, UNDER_ACME),
    "list_runs": Operation("GET", "/executions?user_id={acme}", "executions:read", ACMES),
    "get_run": Operation("GET", "/executions/{run}", "executions:read", ACMES),
    "wait_for_run": Operation("GET", "/executions/{run}/wait?seconds=0", "executions:read", ACMES),
    # the run is the member's; a key of the organization may read everybody's by its scope
    "cancel_run": Operation(
        "POST",
        "/executions/{run}/cancel",
        "executions:write executions:read",
        "401 200 403 200 200 404 404 200 403 403",
    ),
    "repeat_run": Operation(
        "POST",
        "/executions/{over}/again",
        "executions:write executions:read",
        "401 202 403 202 202 404 404 202 403 403",
        {},
    ),
    "list_accounts": Operation("GET", "/connected_accounts?user_ids={acme}", "connections:read", ACMES),
    "begin_account": Operation("POST", "/connected_accounts", "connections:write", CONNECTING, CONNECT),
    "link_account": Operation("POST", "/connected_accounts/link", "connections:write", CONNECTING, LINK),
    "get_account": Operation("GET", "/connected_accounts/{account}", "connections:read", ACMES),
    "switch_account": Operation(
        "PATCH", "/connected_accounts/{account}/status", "connections:write", ADMINS, {"enabled": False}
    ),
    "change_account": Operation("PATCH", "/connected_accounts/{account}", "connections:write", ADMINS, {"alias": "x"}),
    "refresh_account": Operation(
        "POST",
        "/connected_accounts/{account}/refresh",
        "connections:write",
        "401 403 403 200 200 404 404 403 403 403",
        {},
    ),
    "delete_account": Operation("DELETE", "/connected_accounts/{account}", "connections:write", ADMINS),
    "create_tool_session": Operation(
        "POST",
        "/tool_router/session",
        "executions:write",
        "401 201 403 201 201 404 404 201 201 403",
        {"user_id": "{acme}"},
    ),
    "get_tool_session": Operation("GET", "/tool_router/session/{session}", "tools:read", ACMES),
    # the session is the member's; admins and owners change everybody's
    "change_tool_session": Operation(
        "PATCH", "/tool_router/session/{session}", "executions:write", THEIRS, {"tags": []}
    ),
    "end_tool_session": Operation("DELETE", "/tool_router/session/{session}", "executions:write", THEIRS),
    "link_in_session": Operation(
        "POST", "/tool_router/session/{session}/link", "connections:write", CONNECTING, {"toolkit": "github"}
    ),
    "list_session_toolkits": Operation("GET", "/tool_router/session/{session}/toolkits", "tools:read", ACMES),
    "list_session_tools": Operation("GET", "/tool_router/session/{session}/tools", "tools:read", ACMES),
    "search_in_session": Operation(
        "POST", "/tool_router/session/{session}/search", "tools:read", ACMES, {"queries": [{"use_case": "a thing"}]}
    ),
    "execute_in_session": Operation(
        "POST",
        "/tool_router/session/{session}/execute",
        "executions:write executions:read",
        RUNNING,
        {"tool_slug": "{tool}", "arguments": {"name": "x"}},
    ),
    "execute_meta_in_session": Operation(
        "POST",
        "/tool_router/session/{session}/execute_meta",
        "tools:read",
        ACMES,
        {"slug": "COMPOSIO_GET_TOOL_SCHEMAS", "arguments": {"tool_slugs": ["{tool}"]}},
    ),
    "list_event_types": Operation("GET", "/webhook_subscriptions/event_types", "", EVERY_KEY),
    "list_subscriptions": Operation("GET", "/webhook_subscriptions?user_id={acme}", "admin", ADMINS),
    "create_subscription": Operation(
        "POST", "/webhook_subscriptions", "admin", "401 403 403 201 201 404 404 201 403 403", SUBSCRIPTION
    ),
    "get_subscription": Operation("GET", "/webhook_subscriptions/{webhook}", "admin", ADMINS),
    "change_subscription": Operation(
        "PATCH", "/webhook_subscriptions/{webhook}", "admin", ADMINS, {"status": "paused"}
    ),
    "delete_subscription": Operation("DELETE", "/webhook_subscriptions/{webhook}", "admin", ADMINS),
    "rotate_subscription_secret": Operation(
        "POST", "/webhook_subscriptions/{webhook}/rotate_secret", "admin", ADMINS, {}
    ),
    "try_subscription": Operation("POST", "/webhook_subscriptions/{webhook}/test", "admin", SENDING, {}),
    "list_subscription_deliveries": Operation("GET", "/webhook_subscriptions/{webhook}/deliveries", "admin", ADMINS),
    "replay_subscription_delivery": Operation(
        "POST", "/webhook_subscriptions/{webhook}/deliveries/{delivery}/replay", "admin", SENDING, {}
    ),
    "list_auth_configs": Operation("GET", "/auth_configs", "connections:read", OWN_LIST),
    # the installation's own; one of an organization's is made in tests/integrations/api/test_auth_configs.py
    "create_auth_config": Operation(
        "POST",
        "/auth_configs",
        "connections:read",
        "401 201 201 201 201 201 201 201 201 403",
        {"toolkit": {"slug": "github"}},
    ),
    "get_auth_config": Operation("GET", "/auth_configs/{config}", "connections:read", EVERYBODY),
    "change_auth_config": Operation("PATCH", "/auth_configs/{own_config}", "admin", OWN_APP, {"name": "Another"}),
    "switch_auth_config": Operation("PATCH", "/auth_configs/{own_config}/DISABLED", "admin", OWN_APP),
    "delete_auth_config": Operation("DELETE", "/auth_configs/{own_config}", "admin", OWN_APP),
    "list_consent_requests": Operation("GET", "/consent_requests?user_id={acme}", "connections:read", ACMES),
    # asked by the member; whoever asks for the same joins
    "make_consent_request": Operation(
        "POST",
        "/consent_requests",
        "connections:write",
        THEIRS,
        {"user_id": "{acme}", "toolkit": "github", "reason": "For work"},
    ),
    "get_consent_request": Operation(
        "GET", "/consent_requests/{consent}", "connections:read", "401 200 404 200 200 404 404 404 404 403"
    ),
    "withdraw_consent_request": Operation(
        "POST", "/consent_requests/{consent}/withdraw", "connections:write", "401 200 404 404 404 404 404 404 404 403"
    ),
    "approve_consent_request": Operation(
        "POST", "/consent_requests/{consent}/approve", "admin", DECIDING, {"connected_account_id": "{account}"}
    ),
    "deny_consent_request": Operation("POST", "/consent_requests/{consent}/deny", "admin", DECIDING, {"reason": "No"}),
    "block_consent_request": Operation(
        "POST", "/consent_requests/{consent}/block", "admin", DECIDING, {"reason": "No"}
    ),
    # it is open: there is no block to lift and nothing to reopen, which only who decides is told
    "lift_consent_request": Operation("POST", "/consent_requests/{consent}/lift", "admin", DECIDED),
    "reopen_consent_request": Operation("POST", "/consent_requests/{consent}/reopen", "admin", DECIDED),
    "list_identities": Operation("GET", "/identities", "", "401 200 200 200 200 200 200 200 200 200"),
    "list_organizations": Operation("GET", "/organizations", "tools:read", OWN_LIST),
    "get_organization": Operation("GET", "/organizations/{acme}", "tools:read", ACMES),
    "get_members": Operation(
        "GET", "/organizations/{acme}/members", "admin", "401 200 200 200 200 404 404 200 403 403"
    ),
    "get_usage": Operation("GET", "/usage?user_id={acme}", "executions:read", ACMES),
    "explain_tool": Operation("POST", "/explain", "tools:read", ACMES, {"tool": "{tool}", "user_id": "{acme}"}),
    "dry_run_tool": Operation("POST", "/dry_run", "tools:read", "401 200 200 200 200 404 404 200 200 403", UNDER_ACME),
}
