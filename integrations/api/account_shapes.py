"""What the answers and questions about connected accounts hold."""

from typing import Any, Final, Literal

from pydantic import Field, JsonValue, StrictBool

from integrations.api.base import In, Out, PageOut
from integrations.api.catalogue_shapes import ListIn, ToolToolkitOut

IDS_MAX: Final = 8000  # characters: two hundred IDs; an address as a whole may have 64 KiB


class AuthConfigRefOut(Out):
    id: str
    auth_scheme: str
    is_composio_managed: bool
    is_disabled: bool


class ProviderIdentityOut(Out):
    """Who the provider says it is."""

    label: str
    email: str


class AccountKindOut(Out):
    account_type: str


class AccountOut(Out):
    """A connected account, or (INITIATED) one that a person still has to connect."""

    id: str
    status: str
    status_reason: str | None
    toolkit: ToolToolkitOut
    auth_config: AuthConfigRefOut
    user_id: str
    is_disabled: bool
    is_default: bool
    alias: str | None
    word_id: str | None
    identity: ProviderIdentityOut | None
    scopes: list[str] | None
    data: dict[str, Any]
    experimental: AccountKindOut
    created_at: str | None
    updated_at: str | None


class AccountPageOut(PageOut):
    items: list[AccountOut]


class AccountListIn(ListIn):
    """Whose accounts, and which of them."""

    user_ids: str = Field("", max_length=IDS_MAX, description="IDs, separated by commas; all within reach when empty.")
    toolkit_slugs: str = Field("", max_length=2000)
    statuses: str = Field("", max_length=400, description="INITIATED, ACTIVE, INACTIVE, EXPIRED or FAILED.")
    auth_config_ids: str = Field("", max_length=IDS_MAX)
    connected_account_ids: str = Field("", max_length=IDS_MAX)
    order_by: Literal["", "created_at", "updated_at"] = Field("", description="By when it was connected, whichever.")
    order_direction: Literal["", "asc", "desc", "ASC", "DESC"] = ""
    account_type: Literal["", "PRIVATE", "SHARED"] = Field(
        "", description="SHARED: an organization's; PRIVATE: a person's or an end user's."
    )


class AuthConfigRefIn(In):
    id: str = Field(max_length=80, description="ac_…")


class ConnectionIn(In):
    user_id: str = Field("", max_length=200, description="The ID that the account is going to belong to, for good.")
    callback_url: str | None = Field(None, max_length=500, description="Where the person goes on afterwards.")
    alias: str | None = Field(None, max_length=80)
    state: dict[str, Any] | None = Field(None, description="For keys and tokens: authScheme and val.")


class ConnectIn(In):
    """What is to be connected, for whom."""

    auth_config: AuthConfigRefIn
    connection: ConnectionIn


class StateOut(Out):
    status: str
    redirectUrl: str | None = None  # noqa: N815  # the protocol's name


class ConnectionDataOut(Out):
    authScheme: str  # noqa: N815  # the protocol's name
    val: StateOut


class ReplacedOut(Out):
    uuid: str
    authConfigUuid: str  # noqa: N815  # the protocol's name


class BegunOut(Out):
    """A begun connection: send the person to `redirect_url`, then ask for the account until it is ACTIVE."""

    id: str
    status: str
    redirect_url: str | None
    redirect_uri: str | None
    connectionData: ConnectionDataOut  # noqa: N815  # the protocol's name
    deprecated: ReplacedOut


class LinkIn(In):
    """The same in another shape."""

    auth_config_id: str = Field(max_length=80)
    user_id: str = Field("", max_length=200)
    callback_url: str | None = Field(None, max_length=500)
    alias: str | None = Field(None, max_length=80)


class LinkOut(Out):
    link_token: str
    redirect_url: str
    expires_at: str | None
    connected_account_id: str


class StatusIn(In):
    enabled: StrictBool


class ChangeIn(In):
    """A new name, or the mark of the default."""

    alias: str | None = Field(None, max_length=80, description="Empty: the name that the provider reports.")
    is_default: StrictBool | None = Field(None, description="true: runs that name no account use this one.")
    connection: JsonValue = Field(None, description="Not supported: connect again.")
    experimental: JsonValue = Field(None, description="Not supported: policies say who may use an account.")


class RefreshIn(In):
    redirect_url: str | None = Field(None, max_length=500)


class DoneOut(Out):
    success: bool


class ChangedOut(Out):
    success: bool
    id: str
    status: str


class RefreshedOut(Out):
    id: str
    status: str
    redirect_url: str | None
