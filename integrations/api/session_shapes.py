"""What the answers and questions about tool sessions hold."""

from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue, StrictBool, StrictInt

from integrations.api.account_shapes import AuthConfigRefOut
from integrations.api.base import In, Out, PageOut

Hint = Literal["readOnlyHint", "createHint", "updateHint", "destructiveHint", "idempotentHint", "openWorldHint"]


class ConnectionsIn(In):
    enable: StrictBool = True
    callback_url: str | None = Field(None, max_length=500)
    enable_wait_for_connections: StrictBool = False
    enable_connection_removal: StrictBool = False


class ToolkitsIn(In):
    """Either the toolkits that are in it, or those that are not."""

    enable: list[str] | None = Field(None, max_length=200)
    disable: list[str] | None = Field(None, max_length=200)
    require_approval: list[str] | None = Field(None, max_length=200, description="Not supported: policies say it.")


class TagsIn(BaseModel):
    """Tools with one of the enabled hints, and with none of the disabled ones."""

    enable: list[Hint] | None = None
    disable: list[Hint] | None = None
    require_approval: list[str] | None = Field(None, max_length=20, description="Not supported: policies say it.")


class ToolLimitsIn(BaseModel):
    """Which tools of one toolkit are in: those that are named, all but those that are named, or by their hints."""

    enable: list[str] | None = Field(None, max_length=200)
    disable: list[str] | None = Field(None, max_length=200)
    tags: list[Hint] | TagsIn | None = None
    require_approval: list[str] | None = Field(None, max_length=200, description="Not supported: policies say it.")


class SessionIn(In):
    """What the agent works with. Without `toolkits` it is every toolkit of the catalogue."""

    user_id: str = Field("", max_length=200, description="The ID that everything in the session runs under.")
    toolkits: ToolkitsIn | None = None
    connected_accounts: dict[str, str | list[str]] | None = Field(
        None, description="One account per toolkit; a toolkit without one follows the newest."
    )
    manage_connections: ConnectionsIn | None = None
    auth_configs: dict[str, str] | None = None
    tools: dict[str, list[str] | ToolLimitsIn] | None = Field(
        None, description="By toolkit: which of its tools are in. A list names those that are."
    )
    tags: list[Hint] | TagsIn | None = Field(None, description="Hints that a tool must have, or must not have.")
    multi_account: JsonValue = None
    workbench: JsonValue = None
    preload: JsonValue = None
    search: JsonValue = None
    execute: JsonValue = None
    proxy_execute: JsonValue = None
    instant: JsonValue = None
    hooks: JsonValue = None
    experimental: JsonValue = None


class SessionChangeIn(SessionIn):
    """What is left out stays as it is; null takes it away."""

    expected_config_version: StrictInt | None = Field(None, ge=0, le=1_000_000_000)


class McpOut(Out):
    type: str
    url: str


class SessionOut(Out):
    """A tool session. `config` says how it is set up now."""

    session_id: str
    mcp: McpOut
    config: dict[str, Any]
    config_version: int
    tool_router_tools: list[str]
    warnings: list[str]
    experimental: dict[str, Any]
    created_at: str | None
    updated_at: str | None


class EndedOut(Out):
    session_id: str
    deleted: bool


class SessionLinkIn(In):
    toolkit: str = Field(max_length=120)
    callback_url: str | None = Field(None, max_length=500)
    alias: str | None = Field(None, max_length=80)


class SessionLinkOut(Out):
    link_token: str
    redirect_url: str
    expires_at: str | None
    connected_account_id: str


class SessionToolkitsIn(In):
    toolkits: str = Field("", max_length=2000, description="Toolkits, separated by commas; all of the session's else.")
    is_connected: bool | None = None
    search: str = Field("", max_length=200)
    limit: int = Field(20, ge=1, le=1_000_000, description="At most 50 come at once.")
    cursor: str = Field("", max_length=600)


class SessionAccountOut(Out):
    id: str
    status: str
    alias: str | None
    user_id: str
    created_at: str | None
    auth_config: AuthConfigRefOut


class SessionMetaOut(Out):
    logo: str
    description: str


class SessionToolkitOut(Out):
    """A toolkit of the session with the account that runs use now."""

    slug: str
    name: str
    enabled: bool
    is_no_auth: bool
    is_pinned: bool
    composio_managed_auth_schemes: list[str]
    meta: SessionMetaOut
    connected_account: SessionAccountOut | None


class SessionToolkitPageOut(PageOut):
    items: list[SessionToolkitOut]
