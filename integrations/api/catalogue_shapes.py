"""What the answers and questions about toolkits and tools hold."""

from typing import Any

from pydantic import Field, StrictInt

from integrations.api.base import In, Out, PageOut


class CategoryOut(Out):
    id: str
    slug: str
    name: str


class ToolkitMetaOut(Out):
    logo: str
    description: str
    categories: list[CategoryOut]
    tools_count: int
    triggers_count: int
    version: str
    available_versions: list[str]
    created_at: str | None
    updated_at: str | None
    app_url: str = ""


class ToolkitItemOut(Out):
    """A toolkit in a list."""

    slug: str
    name: str
    type: str
    is_local_toolkit: bool
    enabled: bool
    no_auth: bool
    auth_schemes: list[str]
    composio_managed_auth_schemes: list[str]
    meta: ToolkitMetaOut
    deprecated: dict[str, str]


class FieldOut(Out):
    name: str
    displayName: str  # noqa: N815  # the protocol's name
    type: str
    description: str
    required: bool
    is_secret: bool


class FieldsOut(Out):
    required: list[FieldOut]
    optional: list[FieldOut]


class SchemeFieldsOut(Out):
    auth_config_creation: FieldsOut
    connected_account_initiation: FieldsOut


class SchemeOut(Out):
    """One way to connect."""

    name: str
    mode: str
    fields: SchemeFieldsOut


class ToolkitOut(Out):
    """A toolkit with the ways to connect it."""

    slug: str
    name: str
    type: str
    is_local_toolkit: bool
    enabled: bool
    no_auth: bool
    composio_managed_auth_schemes: list[str]
    auth_config_details: list[SchemeOut]
    meta: ToolkitMetaOut
    deprecated: dict[str, str]


class ToolkitPageOut(PageOut):
    items: list[ToolkitItemOut]


class CategoryPageOut(PageOut):
    items: list[CategoryOut]


class VersionChangesOut(Out):
    version: str
    changelog: str


class ToolkitChangesOut(Out):
    """What the versions of a toolkit changed. An installation has one version of each."""

    slug: str
    name: str
    display_name: str
    versions: list[VersionChangesOut]


class ChangelogOut(Out):
    items: list[ToolkitChangesOut]


class ToolToolkitOut(Out):
    slug: str
    name: str
    logo: str


class ToolOut(Out):
    """A tool with the schema of its arguments."""

    slug: str
    name: str
    description: str
    input_parameters: dict[str, Any]
    output_parameters: dict[str, Any]
    toolkit: ToolToolkitOut
    version: str
    available_versions: list[str]
    tags: list[str]
    scopes: list[str]
    no_auth: bool
    is_deprecated: bool
    deprecated: dict[str, Any]


class ToolPageOut(PageOut):
    items: list[ToolOut]


class ListIn(In):
    limit: int = Field(20, ge=1, le=1_000_000, description="At most 200 come at once.")
    cursor: str = Field("", max_length=600, description="`next_cursor` of the page before.")


class ToolListIn(ListIn):
    """How to narrow the tools down."""

    toolkit_slug: str = Field("", max_length=2000, description="Toolkits, separated by commas, in any case.")
    tool_slugs: str = Field("", max_length=20000, description="Tools, separated by commas.")
    query: str = Field("", max_length=200, description="Words that name, slug or description hold.")
    search: str = Field("", max_length=200, description="The same; older clients call it so.")
    tags: str = Field("", max_length=400, description="read, write, destructive or important.")
    important: bool = Field(False, description="Only what a toolkit marks as important, where it marks any.")
    toolkit_versions: str = Field("", max_length=40, description="`latest`, or `toolkit_versions[github]=20250909_00`.")


class ToolkitListIn(ListIn):
    """How to narrow the toolkits down."""

    search: str = Field("", max_length=200)
    category: str = Field("", max_length=80)
    toolkits: str = Field("", max_length=2000, description="Toolkits, separated by commas.")


class ManyToolkitsIn(In):
    toolkits: list[str] = Field(default_factory=list, max_length=200)
    limit: StrictInt = Field(20, ge=1, le=1_000_000)
    cursor: str = Field("", max_length=600)


class VersionIn(In):
    version: str = Field("", max_length=40, description="A version of the toolkit, or `latest`.")
    toolkit_versions: str = Field("", max_length=40, description="The same, as another client sends it.")
