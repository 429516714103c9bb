"""What the answers and questions about auth configs hold."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from integrations.api.base import In, Out, PageOut, StrictIn
from integrations.api.catalogue_shapes import ListIn, ToolToolkitOut
from orgs.errors import DomainError

Scopes = list[str] | str | None
SPLIT: Final = str.maketrans(",", " ")


class AuthConfigOut(Out):
    """How accounts of a toolkit authenticate. Client secrets never leave."""

    id: str
    uuid: str
    name: str
    type: str
    toolkit: ToolToolkitOut
    auth_scheme: str
    is_composio_managed: bool
    status: str
    no_of_connections: int
    user_id: str | None
    scopes: list[str]
    credentials: dict[str, str]
    callback_url: str | None
    created_at: str | None
    last_updated_at: str | None


class AuthConfigPageOut(PageOut):
    items: list[AuthConfigOut]


class AuthConfigListIn(ListIn):
    toolkit_slug: str = Field("", max_length=2000, description="Toolkits, separated by commas, in any case.")
    search: str = Field("", max_length=80)
    show_disabled: bool = Field(False, description="Also those that are disabled.")
    is_composio_managed: bool | None = Field(None, description="true: the installation's; false: organizations' own.")


class ToolkitRefIn(In):
    slug: str = Field(max_length=120)


class CredentialsIn(StrictIn):
    """The OAuth app. Nothing that is sent here is ever shown again but the client ID and the scopes."""

    client_id: str | None = Field(None, max_length=255)
    client_secret: str | None = Field(None, max_length=4000)
    scopes: Scopes = Field(None, description="A list, or a text with spaces or commas. None: what the tools need.")


NOTHING_SENT: Final = CredentialsIn.model_validate({})


class ToolAccessIn(In):
    tools_for_connected_account_creation: list[str] | None = Field(None, description="Not supported.")
    tools_available_for_execution: list[str] | None = Field(None, description="Not supported.")


class UnsupportedIn(In):
    """What would narrow an auth config down. To ignore it would let more happen than was asked for."""

    tool_access_config: ToolAccessIn | None = Field(None, description="Not supported.")
    restrict_to_following_tools: list[str] | None = Field(None, description="Not supported.")
    proxy_config: dict[str, Any] | None = Field(None, description="Not supported.")
    shared_credentials: dict[str, Any] | None = Field(None, description="Not supported.")
    is_enabled_for_tool_router: bool | None = Field(None, description="Always true.")

    def check_supported(self) -> None:
        """DomainError for what somebody relies on and nobody would do."""
        given = [name for name in UnsupportedIn.model_fields if _says_something(getattr(self, name))]
        if self.is_enabled_for_tool_router is False:
            given.append("is_enabled_for_tool_router")
        if given:
            message = f"{given[0]} is not supported. Which tools run, policies and tool sessions decide."
            raise DomainError(message, code="not_supported", field=given[0])


def _says_something(value: Any) -> bool:
    if isinstance(value, ToolAccessIn):
        return bool(value.tools_for_connected_account_creation or value.tools_available_for_execution)
    return bool(value) and isinstance(value, list | Mapping)


class AuthConfigBodyIn(UnsupportedIn):
    type: Literal["use_composio_managed_auth", "use_custom_auth"] = Field(
        "use_composio_managed_auth", description="The installation's, or use_custom_auth: one of your organization's."
    )
    name: str | None = Field(None, max_length=80)
    authScheme: str | None = Field(None, max_length=40, description="OAUTH2, API_KEY …")  # noqa: N815  # the protocol's
    credentials: CredentialsIn | None = None


class NewAuthConfigIn(In):
    """Which toolkit, and for an organization's own: its OAuth app."""

    toolkit: ToolkitRefIn
    auth_config: AuthConfigBodyIn = AuthConfigBodyIn.model_validate({})
    user_id: str = Field("", max_length=200, description="org_…; needed where the key may do it for several.")


class ChangedAuthConfigIn(UnsupportedIn):
    """What becomes different; the rest stays."""

    type: Literal["custom", "default"] = "custom"
    name: str | None = Field(None, max_length=80)
    credentials: CredentialsIn | None = None
    scopes: Scopes = Field(None, description="The same as in credentials.")


class CreatedRefOut(Out):
    id: str
    auth_scheme: str
    is_composio_managed: bool
    callback_url: str | None


class CreatedAuthConfigOut(Out):
    toolkit: ToolToolkitOut
    auth_config: CreatedRefOut


class ToldOut(Out):
    """Done, in a sentence."""

    success: bool
    message: str


def scopes_of(sent: Scopes) -> list[str] | None:
    """Clients send a list, or a text as it stands in an authorization URL."""
    return sent.translate(SPLIT).split() if isinstance(sent, str) else sent
