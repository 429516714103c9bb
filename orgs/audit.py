"""The words of the audit log, and the arithmetic of its hash chain. Values only: no queries, no models, no clock."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db.models import TextChoices

Detail = str | int | bool | list[str] | None
NO_HASH: Final = "0" * 64  # what stands before the first record
LABEL_LENGTH: Final = 160


class AuditAction(StrEnum):
    """`noun.verb`: everything that leaves a record. The list is closed."""

    SESSION_SIGN_IN = "session.sign_in"
    SESSION_SIGN_OUT = "session.sign_out"
    PASSWORD_CHANGE = "password.change"  # noqa: S105  # a name, not a password
    EMAIL_CHANGE = "email.change"
    MFA_ADD = "mfa.add"
    MFA_REMOVE = "mfa.remove"
    MFA_RESET = "mfa.reset"
    ORGANIZATION_CREATE = "organization.create"
    ORGANIZATION_CHANGE = "organization.change"
    ORGANIZATION_FACTOR = "organization.factor"
    ORGANIZATION_TRANSFER = "organization.transfer"
    ORGANIZATION_EXPORT = "organization.export"
    DELETION_ANNOUNCE = "deletion.announce"
    DELETION_STOP = "deletion.stop"
    DELETION_START = "deletion.start"
    DELETION_FINISH = "deletion.finish"
    DOMAIN_ADD = "domain.add"
    DOMAIN_REMOVE = "domain.remove"
    MEMBER_ADD = "member.add"
    MEMBER_INVITE = "member.invite"
    MEMBER_JOIN = "member.join"
    MEMBER_ROLE = "member.role"
    MEMBER_SUSPEND = "member.suspend"
    MEMBER_LIFT = "member.lift"
    MEMBER_REMOVE = "member.remove"
    MEMBER_LEAVE = "member.leave"
    INVITATION_RESEND = "invitation.resend"
    INVITATION_REVOKE = "invitation.revoke"
    APPLICATION_CREATE = "application.create"
    APPLICATION_CHANGE = "application.change"
    APPLICATION_END = "application.end"
    APPLICATION_DELETE = "application.delete"
    END_USER_CREATE = "end_user.create"
    END_USER_DELETE = "end_user.delete"
    API_KEY_CREATE = "api_key.create"
    CONNECTION_LINK = "connection.link"
    CONNECTION_LINK_WITHDRAW = "connection.link_withdraw"
    API_KEY_ROTATE = "api_key.rotate"
    API_KEY_REVOKE = "api_key.revoke"
    API_KEY_KEEP = "api_key.keep"
    MCP_CLIENT_AUTHORIZE = "mcp_client.authorize"
    MCP_CLIENT_REVOKE = "mcp_client.revoke"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_CHANGE = "webhook.change"
    WEBHOOK_ROTATE = "webhook.rotate"
    WEBHOOK_PAUSE = "webhook.pause"
    WEBHOOK_RESUME = "webhook.resume"
    WEBHOOK_TEST = "webhook.test"
    WEBHOOK_REPLAY = "webhook.replay"
    WEBHOOK_OFF = "webhook.off"
    WEBHOOK_DELETE = "webhook.delete"
    CONNECTION_START = "connection.start"
    CONNECTION_CONNECT = "connection.connect"
    CONNECTION_RENEW = "connection.renew"
    CONNECTION_CONFIRM = "connection.confirm"
    CONNECTION_DISCARD = "connection.discard"
    CONNECTION_RENAME = "connection.rename"
    CONNECTION_DEFAULT = "connection.default"
    CONNECTION_PAUSE = "connection.pause"
    CONNECTION_RESUME = "connection.resume"
    CONNECTION_DISCONNECT = "connection.disconnect"
    CONNECTION_HAND_OVER = "connection.hand_over"
    CONNECTION_REVOKE = "connection.revoke"
    CALLBACK_ACCEPT = "callback.accept"
    POLICY_CHANGE = "policy.change"
    POLICY_GRANT = "policy.grant"
    POLICY_END = "policy.end"
    REQUEST_MAKE = "request.make"
    REQUEST_JOIN = "request.join"
    REQUEST_WITHDRAW = "request.withdraw"
    REQUEST_APPROVE = "request.approve"
    REQUEST_DENY = "request.deny"
    REQUEST_BLOCK = "request.block"
    REQUEST_LIFT = "request.lift"
    REQUEST_REOPEN = "request.reopen"
    REQUEST_REMIND = "request.remind"
    REQUEST_EXPIRE = "request.expire"
    EXECUTION_SUBMIT = "execution.submit"
    EXECUTION_START = "execution.start"
    EXECUTION_REPEAT = "execution.repeat"
    EXECUTION_CANCEL = "execution.cancel"
    EXECUTION_APPROVE = "execution.approve"
    EXECUTION_DENY = "execution.deny"
    EXECUTION_EXPIRE = "execution.expire"
    EXECUTION_REQUEUE = "execution.requeue"
    TOOL_SESSION_CREATE = "tool_session.create"
    TOOL_SESSION_CHANGE = "tool_session.change"
    TOOL_SESSION_END = "tool_session.end"
    ACCESS_CHECK = "access.check"
    ALERT_RAISE = "alert.raise"
    AUDIT_EXPORT = "audit.export"
    USER_CHANGE = "user.change"
    USER_UNLOCK = "user.unlock"
    SUPPORT_GRANT = "support.grant"
    SUPPORT_EXTEND = "support.extend"
    SUPPORT_END = "support.end"
    SUPPORT_LOOK = "support.look"
    AUTH_CONFIG_CREATE = "auth_config.create"
    AUTH_CONFIG_CHANGE = "auth_config.change"
    AUTH_CONFIG_DELETE = "auth_config.delete"
    TOOLKIT_SWITCH = "toolkit.switch"
    SECRETS_ROTATE = "secrets.rotate"
    INSTALLATION_BOOTSTRAP = "installation.bootstrap"


ACTION_LABELS: Final[dict[AuditAction, str]] = {
    AuditAction.SESSION_SIGN_IN: "Sign in",
    AuditAction.SESSION_SIGN_OUT: "Sign out",
    AuditAction.PASSWORD_CHANGE: "Change the password",
    AuditAction.EMAIL_CHANGE: "Change an e-mail address",
    AuditAction.MFA_ADD: "Add a second factor",
    AuditAction.MFA_REMOVE: "Remove a second factor",
    AuditAction.MFA_RESET: "Make new recovery codes",
    AuditAction.ORGANIZATION_CREATE: "Make the organization",
    AuditAction.ORGANIZATION_CHANGE: "Change the settings of the organization",
    AuditAction.ORGANIZATION_FACTOR: "Require two-factor sign-in, or no longer",
    AuditAction.ORGANIZATION_TRANSFER: "Hand the organization over",
    AuditAction.ORGANIZATION_EXPORT: "Export all data",
    AuditAction.DELETION_ANNOUNCE: "Announce a deletion",
    AuditAction.DELETION_STOP: "Stop a deletion",
    AuditAction.DELETION_START: "Close the doors before deleting",
    AuditAction.DELETION_FINISH: "Delete for good",
    AuditAction.DOMAIN_ADD: "Let people of an e-mail domain join",
    AuditAction.DOMAIN_REMOVE: "No longer let people of an e-mail domain join",
    AuditAction.MEMBER_ADD: "Add a member",
    AuditAction.MEMBER_INVITE: "Invite somebody",
    AuditAction.MEMBER_JOIN: "Accept an invitation",
    AuditAction.MEMBER_ROLE: "Change the role of a member",
    AuditAction.MEMBER_SUSPEND: "Suspend a member",
    AuditAction.MEMBER_LIFT: "Lift the suspension of a member",
    AuditAction.MEMBER_REMOVE: "Remove a member",
    AuditAction.MEMBER_LEAVE: "Leave the organization",
    AuditAction.INVITATION_RESEND: "Send an invitation again",
    AuditAction.INVITATION_REVOKE: "Withdraw an invitation",
    AuditAction.APPLICATION_CREATE: "Register an application",
    AuditAction.APPLICATION_CHANGE: "Change an application",
    AuditAction.APPLICATION_END: "End an application",
    AuditAction.APPLICATION_DELETE: "Delete all end users of an application",
    AuditAction.END_USER_CREATE: "Act for an end user for the first time",
    AuditAction.END_USER_DELETE: "Delete an end user with everything",
    AuditAction.API_KEY_CREATE: "Make an API key",
    AuditAction.CONNECTION_LINK: "Make a link to connect an account",
    AuditAction.CONNECTION_LINK_WITHDRAW: "Take back a link to connect an account",
    AuditAction.API_KEY_ROTATE: "Make a second API key in place of one",
    AuditAction.API_KEY_REVOKE: "Revoke an API key",
    AuditAction.API_KEY_KEEP: "Keep an API key whose maker is gone",
    AuditAction.MCP_CLIENT_AUTHORIZE: "Let an MCP client act",
    AuditAction.MCP_CLIENT_REVOKE: "End what an MCP client may do",
    AuditAction.WEBHOOK_CREATE: "Set up a webhook",
    AuditAction.WEBHOOK_CHANGE: "Change a webhook",
    AuditAction.WEBHOOK_ROTATE: "Make a new secret for a webhook",
    AuditAction.WEBHOOK_PAUSE: "Pause a webhook",
    AuditAction.WEBHOOK_RESUME: "Resume a webhook",
    AuditAction.WEBHOOK_TEST: "Send a test event to a webhook",
    AuditAction.WEBHOOK_REPLAY: "Send an event to a webhook again",
    AuditAction.WEBHOOK_OFF: "Switch off a webhook that failed for long",
    AuditAction.WEBHOOK_DELETE: "Delete a webhook",
    AuditAction.CONNECTION_START: "Begin connecting an account",
    AuditAction.CONNECTION_CONNECT: "Connect an account",
    AuditAction.CONNECTION_RENEW: "Reconnect an account",
    AuditAction.CONNECTION_CONFIRM: "Confirm an account and connect it",
    AuditAction.CONNECTION_DISCARD: "Discard an account before it was connected",
    AuditAction.CONNECTION_RENAME: "Rename an account",
    AuditAction.CONNECTION_DEFAULT: "Make an account the default",
    AuditAction.CONNECTION_PAUSE: "Pause an account",
    AuditAction.CONNECTION_RESUME: "Resume an account",
    AuditAction.CONNECTION_DISCONNECT: "Disconnect an account",
    AuditAction.CONNECTION_HAND_OVER: "Hand an account over to somebody else",
    AuditAction.CONNECTION_REVOKE: "Take the access back at the provider",
    AuditAction.CALLBACK_ACCEPT: "Come back from a provider",
    AuditAction.POLICY_CHANGE: "Change a policy",
    AuditAction.POLICY_GRANT: "Grant somebody an exception from the policies",
    AuditAction.POLICY_END: "End an exception from the policies",
    AuditAction.REQUEST_MAKE: "Ask the admins for something",
    AuditAction.REQUEST_JOIN: "Join what others asked for",
    AuditAction.REQUEST_WITHDRAW: "Withdraw a request",
    AuditAction.REQUEST_APPROVE: "Approve a request",
    AuditAction.REQUEST_DENY: "Deny a request",
    AuditAction.REQUEST_BLOCK: "Block a request",
    AuditAction.REQUEST_LIFT: "Lift the block of a request",
    AuditAction.REQUEST_REOPEN: "Open a request again",
    AuditAction.REQUEST_REMIND: "Remind the admins of a request",
    AuditAction.REQUEST_EXPIRE: "Let a request expire",
    AuditAction.EXECUTION_SUBMIT: "Run a tool",
    AuditAction.EXECUTION_START: "Start a run that was waiting",
    AuditAction.EXECUTION_REPEAT: "Run a tool again",
    AuditAction.EXECUTION_CANCEL: "Cancel a run",
    AuditAction.EXECUTION_APPROVE: "Approve a run",
    AuditAction.EXECUTION_DENY: "Deny a run that waited for approval",
    AuditAction.EXECUTION_EXPIRE: "Give up a run that nobody approved in time",
    AuditAction.EXECUTION_REQUEUE: "Put a run back into the queue",
    AuditAction.TOOL_SESSION_CREATE: "Make a session",
    AuditAction.TOOL_SESSION_CHANGE: "Change a session",
    AuditAction.TOOL_SESSION_END: "End a session",
    AuditAction.ACCESS_CHECK: "Open a page or use a control",
    AuditAction.ALERT_RAISE: "Alert: many refusals in a short time",
    AuditAction.AUDIT_EXPORT: "Export the audit log",
    AuditAction.USER_CHANGE: "Change a user in the admin site",
    AuditAction.USER_UNLOCK: "Unlock a user",
    AuditAction.SUPPORT_GRANT: "Let support look",
    AuditAction.SUPPORT_EXTEND: "Let support look for longer",
    AuditAction.SUPPORT_END: "End support's access",
    AuditAction.SUPPORT_LOOK: "Support looked at a page",
    AuditAction.AUTH_CONFIG_CREATE: "Make an auth config",
    AuditAction.AUTH_CONFIG_CHANGE: "Change an auth config",
    AuditAction.AUTH_CONFIG_DELETE: "Delete an auth config",
    AuditAction.TOOLKIT_SWITCH: "Switch a toolkit on or off",
    AuditAction.SECRETS_ROTATE: "Seal all secrets with a new key",
    AuditAction.INSTALLATION_BOOTSTRAP: "Set up from a file",
}


class AuditResult(TextChoices):
    """How it ended."""

    DONE = "done", "Done"
    DENIED = "denied", "Denied"
    FAILED = "failed", "Failed"


class AuditActor(StrEnum):
    """Who did it."""

    USER = "user"
    KEY = "key"
    SUPPORT = "support"
    SYSTEM = "system"  # the product itself, or whoever runs it at its command line
    NOBODY = "nobody"  # not signed in


@dataclass(frozen=True)
class Target:
    """What it was done to. `id` is the outside form, for example `ca_…`."""

    kind: str
    id: str = ""
    label: str = ""


@dataclass(frozen=True)
class Result:
    """`Result()` is done; a denial or failure has the machine code of its reason."""

    kind: AuditResult = AuditResult.DONE
    code: str = ""


DONE: Final = Result()


def denied(code: str) -> Result:
    return Result(AuditResult.DENIED, code)


def failed(code: str) -> Result:
    return Result(AuditResult.FAILED, code)


def event_text_id(event_id: UUID) -> str:
    return f"ev_{event_id.hex}"


def chained(previous: str, facts: Mapping[str, Any]) -> str:
    """The hash of a record: of the hash before it, and of its own facts as canonical JSON (RFC 8785 in spirit)."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
