"""The tools about tools: what an agent in a session is told of them."""

from typing import Any, Final

from integrations.api.catalogue_shapes import ToolOut, ToolToolkitOut
from integrations.doors.session_answers import CONNECTIONS, MOST_AT_ONCE, RUN_EACH, SCHEMAS, SEARCH, WAIT

STRINGS: Final = {"type": "array", "items": {"type": "string"}}
META: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    SEARCH: (
        "Search tools",
        "Finds the tools that fit what is to be done, says which accounts are connected, and gives the schemas.",
        {
            "type": "object",
            "properties": {
                "queries": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"use_case": {"type": "string"}},
                        "required": ["use_case"],
                    },
                }
            },
            "required": ["queries"],
        },
    ),
    SCHEMAS: (
        "Get tool schemas",
        "Gives the schema of the arguments of each named tool.",
        {"type": "object", "properties": {"tool_slugs": STRINGS}, "required": ["tool_slugs"]},
    ),
    RUN_EACH: (
        "Run tools",
        "Runs up to 50 tools with their arguments and gives the result of each.",
        {
            "type": "object",
            "properties": {
                "tools": {
                    "type": "array",
                    "maxItems": MOST_AT_ONCE,
                    "items": {
                        "type": "object",
                        "properties": {
                            "tool_slug": {"type": "string"},
                            "arguments": {"type": "object"},
                            "account": {"type": "string"},
                        },
                        "required": ["tool_slug", "arguments"],
                    },
                }
            },
            "required": ["tools"],
        },
    ),
    CONNECTIONS: (
        "Manage connections",
        "Says which toolkits are connected, and gives a link for the person to connect one that is not.",
        {
            "type": "object",
            "properties": {"toolkits": STRINGS, "reinitiate_all": {"type": "boolean"}},
            "required": ["toolkits"],
        },
    ),
    WAIT: (
        "Wait for connections",
        "Waits until the person has connected each of the toolkits, or for some time; then it says which are missing.",
        {"type": "object", "properties": {"toolkits": STRINGS}, "required": ["toolkits"]},
    ),
}


def meta_tool_out(slug: str) -> ToolOut:
    name, description, schema = META[slug]
    return ToolOut(
        slug=slug,
        name=name,
        description=description,
        input_parameters=schema,
        output_parameters={"type": "object", "properties": {}},
        toolkit=ToolToolkitOut(slug="composio", name="Sessions", logo=""),
        version="20250909_00",
        available_versions=["20250909_00"],
        tags=[],
        scopes=[],
        no_auth=True,
        is_deprecated=False,
        deprecated={},
    )
