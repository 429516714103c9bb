"""What the answers and questions of an agent in a tool session hold."""

from typing import Any

from pydantic import Field

from integrations.api.base import In, Out


class SessionRunIn(In):
    tool_slug: str = Field(max_length=120)
    arguments: dict[str, Any] = Field(default_factory=dict)
    account: str | None = Field(None, max_length=80, description="The ID or name of another account of the same ID.")


class MetaRunIn(In):
    slug: str = Field(max_length=120)
    arguments: dict[str, Any] = Field(default_factory=dict)


class SessionRunOut(Out):
    data: dict[str, Any]
    error: str | None
    log_id: str
    result_type: str


class UseCaseIn(In):
    use_case: str = Field(max_length=2000)
    known_fields: str | None = Field(None, max_length=2000)


class SearchIn(In):
    queries: list[UseCaseIn] = Field(min_length=1, max_length=20)
    toolkits: list[str] | None = Field(None, max_length=100)


class SearchOut(Out):
    success: bool
    error: str | None
    results: list[dict[str, Any]]
    tool_schemas: dict[str, dict[str, Any]]
    toolkit_connection_statuses: list[dict[str, Any]]
    next_steps_guidance: list[str]
    session: dict[str, Any]
    time_info: dict[str, Any]
