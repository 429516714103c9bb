"""Who may do what: permissions as labelled data, and the one table of roles."""

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """`noun:verb`. Misspelling one is an error at import, not an open door."""

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_MANAGE = "organization:manage"
    MEMBERS_READ = "members:read"
    MEMBERS_INVITE = "members:invite"
    MEMBERS_MANAGE = "members:manage"
    CONNECTED_ACCOUNTS_READ = "connected_accounts:read"
    CONNECTED_ACCOUNTS_MANAGE = "connected_accounts:manage"
    AUTH_CONFIGS_MANAGE = "auth_configs:manage"
    TOOLS_READ = "tools:read"
    TOOLS_EXECUTE = "tools:execute"
    EXECUTIONS_READ = "executions:read"  # that it happened: tool, state, timing, by whom
    EXECUTIONS_READ_RESULTS = "executions:read_results"  # everybody's arguments and results; one's own need none
    SESSIONS_READ = "sessions:read"
    SESSIONS_MANAGE = "sessions:manage"  # everybody's; making them and one's own come with tools:execute
    API_KEYS_MANAGE = "api_keys:manage"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_MANAGE = "applications:manage"
    WEBHOOKS_MANAGE = "webhooks:manage"
    AUDIT_READ = "audit:read"
    SUPPORT_GRANTS_MANAGE = "support_grants:manage"
    POLICIES_MANAGE = "policies:manage"
    APPROVALS_DECIDE = "approvals:decide"
    REQUESTS_MAKE = "requests:make"
    REQUESTS_WITHDRAW = "requests:withdraw"
    REQUESTS_DECIDE = "requests:decide"


PERMISSION_LABELS: Final[dict[Permission, str]] = {
    Permission.ORGANIZATION_READ: "See the organization",
    Permission.ORGANIZATION_MANAGE: "Change the organization's settings, hand it over or delete it",
    Permission.MEMBERS_READ: "See who is a member",
    Permission.MEMBERS_INVITE: "Invite people",
    Permission.MEMBERS_MANAGE: "Change and remove members",
    Permission.CONNECTED_ACCOUNTS_READ: "See which accounts are connected and how they are doing",
    Permission.CONNECTED_ACCOUNTS_MANAGE: "Connect, change and disconnect the organization's accounts",
    Permission.AUTH_CONFIGS_MANAGE: "Set up the organization's own OAuth apps",
    Permission.TOOLS_READ: "Browse tools",
    Permission.TOOLS_EXECUTE: "Run tools as the organization",
    Permission.EXECUTIONS_READ: "See that runs happened, by whom and how they ended",
    Permission.EXECUTIONS_READ_RESULTS: "Read the arguments and results of everybody's runs",
    Permission.SESSIONS_READ: "See the sessions of agents and the accounts in them",
    Permission.SESSIONS_MANAGE: "Change and end everybody's sessions",
    Permission.API_KEYS_MANAGE: "Make and revoke the organization's API keys",
    Permission.APPLICATIONS_READ: "See which applications there are",
    Permission.APPLICATIONS_MANAGE: "Register and end applications, see that end users have runs, delete end users",
    Permission.WEBHOOKS_MANAGE: "Set up webhooks and see what was sent to them",
    Permission.AUDIT_READ: "Read and export the audit log",
    Permission.SUPPORT_GRANTS_MANAGE: "Let support look for some hours",
    Permission.POLICIES_MANAGE: "Set the policies: what runs, what needs approval, what does not run",
    Permission.APPROVALS_DECIDE: "Approve or deny runs that wait for it",
    Permission.REQUESTS_MAKE: "Ask for a connection, or for access to one",
    Permission.REQUESTS_WITHDRAW: "Take back what one asked for",
    Permission.REQUESTS_DECIDE: "Decide what members ask for",
}


class Role(StrEnum):
    """A user's place in an organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


ROLE_LABELS: Final[dict[Role, str]] = {
    Role.OWNER: "Owner",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
    Role.VIEWER: "Viewer",
}

_VIEWER = frozenset(
    {
        Permission.ORGANIZATION_READ,
        Permission.MEMBERS_READ,
        Permission.CONNECTED_ACCOUNTS_READ,
        Permission.TOOLS_READ,
        Permission.EXECUTIONS_READ,
        Permission.SESSIONS_READ,
        Permission.APPLICATIONS_READ,
        Permission.REQUESTS_WITHDRAW,
    }
)
_MEMBER = _VIEWER | {Permission.TOOLS_EXECUTE, Permission.REQUESTS_MAKE}
_ADMIN = _MEMBER | {
    Permission.MEMBERS_INVITE,
    Permission.MEMBERS_MANAGE,
    Permission.CONNECTED_ACCOUNTS_MANAGE,
    Permission.AUTH_CONFIGS_MANAGE,
    Permission.EXECUTIONS_READ_RESULTS,
    Permission.SESSIONS_MANAGE,
    Permission.API_KEYS_MANAGE,
    Permission.APPLICATIONS_MANAGE,
    Permission.WEBHOOKS_MANAGE,
    Permission.AUDIT_READ,
    Permission.POLICIES_MANAGE,
    Permission.APPROVALS_DECIDE,
    Permission.REQUESTS_DECIDE,
}

GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: frozenset(Permission),
}


class Scope(StrEnum):
    """What an API key may be used for. A browser session has all of it (check K4)."""

    TOOLS_READ = "tools:read"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_WRITE = "executions:write"
    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    ADMIN = "admin"


SCOPE_LABELS: Final[dict[Scope, str]] = {
    Scope.TOOLS_READ: "Browse tools and toolkits, and see sessions",
    Scope.EXECUTIONS_READ: "See runs and their results",
    Scope.EXECUTIONS_WRITE: "Run tools, and make and end sessions",
    Scope.CONNECTIONS_READ: "See connected accounts and how they are doing",
    Scope.CONNECTIONS_WRITE: "Connect, change and disconnect accounts",
    Scope.ADMIN: "Manage members, settings, API keys and webhooks, and read the audit log",
}

SCOPE_NEEDED: Final[dict[Permission, Scope]] = {
    Permission.ORGANIZATION_READ: Scope.TOOLS_READ,
    Permission.ORGANIZATION_MANAGE: Scope.ADMIN,
    Permission.MEMBERS_READ: Scope.ADMIN,
    Permission.MEMBERS_INVITE: Scope.ADMIN,
    Permission.MEMBERS_MANAGE: Scope.ADMIN,
    Permission.CONNECTED_ACCOUNTS_READ: Scope.CONNECTIONS_READ,
    Permission.CONNECTED_ACCOUNTS_MANAGE: Scope.CONNECTIONS_WRITE,
    Permission.AUTH_CONFIGS_MANAGE: Scope.ADMIN,
    Permission.TOOLS_READ: Scope.TOOLS_READ,
    Permission.TOOLS_EXECUTE: Scope.EXECUTIONS_WRITE,
    Permission.EXECUTIONS_READ: Scope.EXECUTIONS_READ,
    Permission.EXECUTIONS_READ_RESULTS: Scope.EXECUTIONS_READ,
    Permission.SESSIONS_READ: Scope.TOOLS_READ,
    Permission.SESSIONS_MANAGE: Scope.EXECUTIONS_WRITE,
    Permission.API_KEYS_MANAGE: Scope.ADMIN,
    Permission.APPLICATIONS_READ: Scope.ADMIN,
    Permission.APPLICATIONS_MANAGE: Scope.ADMIN,
    Permission.WEBHOOKS_MANAGE: Scope.ADMIN,
    Permission.AUDIT_READ: Scope.ADMIN,
    Permission.SUPPORT_GRANTS_MANAGE: Scope.ADMIN,
    Permission.POLICIES_MANAGE: Scope.ADMIN,
    Permission.APPROVALS_DECIDE: Scope.ADMIN,
    Permission.REQUESTS_MAKE: Scope.CONNECTIONS_WRITE,
    Permission.REQUESTS_WITHDRAW: Scope.CONNECTIONS_WRITE,
    Permission.REQUESTS_DECIDE: Scope.ADMIN,
}
