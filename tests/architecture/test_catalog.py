"""The catalogue that ships is whole: every file keeps every rule, and all that the product promises is there."""

from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from integrations.catalog import TOOLKITS_DIR, ToolDefinition, ToolkitDefinition, read_definitions, tool_spec
from integrations.catalog.validation import SCHEMA_FILE, _validator
from integrations.engine.inputs import check_arguments
from integrations.engine.requests import build_request
from integrations.engine.types import Effect

DEFINITIONS = read_definitions([TOOLKITS_DIR], base_url="https://switchboard.example")
TOOLKITS = {definition.slug: definition for definition in DEFINITIONS}
TOOLS = {tool.slug: tool for definition in DEFINITIONS for tool in definition.tools}
CURATED = {"github": 13, "slack": 9, "gmail": 11, "jira": 10, "hackernews": 6}
PROMISED_CALLS = [
    ("GITHUB_GET_REPO", {"owner": "example", "repo": "repo"}),
    ("GITHUB_LIST_REPOS", {"per_page": 10}),
    ("GITHUB_GET_REPOS", {"owner": "example"}),
    ("GITHUB_GET_ISSUES", {"owner": "example", "repo": "sdk"}),
    ("GITHUB_CREATE_ISSUE", {"owner": "example", "repo": "repo", "title": "Hello"}),
    ("SLACK_SEND_MESSAGE", {"channel": "#general", "text": "Hello from the team!"}),
    ("HACKERNEWS_GET_USER", {"username": "pg"}),
    ("GMAIL_SEND_EMAIL", {"recipient_email": "ada@example.com", "subject": "Hello", "body": "Hello"}),
]
PROMISED_ALIASES = [
    ("GITHUB_GET_A_REPOSITORY", "GITHUB_GET_REPO"),
    ("GITHUB_LIST_REPOSITORIES_FOR_THE_AUTHENTICATED_USER", "GITHUB_LIST_REPOS"),
    ("GITHUB_LIST_REPOSITORIES_FOR_A_USER", "GITHUB_GET_REPOS"),
    ("GITHUB_LIST_REPOSITORY_ISSUES", "GITHUB_GET_ISSUES"),
    ("GITHUB_CREATE_AN_ISSUE", "GITHUB_CREATE_ISSUE"),
    ("SLACK_CHAT_POST_MESSAGE", "SLACK_SEND_MESSAGE"),
    ("SLACK_SENDS_A_MESSAGE_TO_A_SLACK_CHANNEL", "SLACK_SEND_MESSAGE"),
]

each_toolkit = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.slug)
each_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.slug)


def test_meta_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(_validator().schema)
    assert SCHEMA_FILE.is_file()


def test_every_folder_is_read() -> None:
    assert set(TOOLKITS) == {path.parent.name for path in TOOLKITS_DIR.glob("*/*")}


@pytest.mark.parametrize(("slug", "count"), CURATED.items())
def test_curated_toolkit_has_all_its_tools(slug: str, count: int) -> None:
    assert len(TOOLKITS[slug].tools) == count


@pytest.mark.parametrize(("slug", "arguments"), PROMISED_CALLS)
def test_promised_call_fits_the_tool(slug: str, arguments: dict) -> None:
    Draft202012Validator(dict(TOOLS[slug].input_schema)).validate(arguments)


@pytest.mark.parametrize(("alias", "slug"), PROMISED_ALIASES)
def test_promised_alias_leads_to_the_tool(alias: str, slug: str) -> None:
    assert alias in TOOLS[slug].aliases


@pytest.mark.parametrize(
    ("slug", "alias", "argument"),
    [("HACKERNEWS_GET_USER", "userId", "username"), ("GITHUB_GET_REPOS", "username", "owner")],
)
def test_promised_argument_alias_leads_to_the_argument(slug: str, alias: str, argument: str) -> None:
    assert TOOLS[slug].definition["argument_aliases"][alias] == argument


def test_github_has_the_promised_version() -> None:
    assert TOOLKITS["github"].version == "20250909_00"


@each_toolkit
def test_toolkit_has_a_logo(definition: ToolkitDefinition) -> None:
    assert definition.logo.startswith("<svg")


@each_toolkit
def test_toolkit_has_something_to_show_first(definition: ToolkitDefinition) -> None:
    assert any(tool.important for tool in definition.tools)


@each_toolkit
def test_toolkit_makes_specs_of_all_its_tools(definition: ToolkitDefinition) -> None:
    specs = [tool_spec(definition.definition, tool.definition) for tool in definition.tools]

    assert all(set(spec.places) == set(spec.parameters["properties"]) for spec in specs)


@each_toolkit
def test_words_for_scopes_are_words(definition: ToolkitDefinition) -> None:
    assert all(" " in words and words[0].isupper() for words in definition.definition["scopes"].values())


@each_tool
def test_required_arguments_come_first(tool: ToolDefinition) -> None:
    required = tool.input_schema["required"]

    assert list(tool.input_schema["properties"])[: len(required)] == required


@each_tool
def test_deleting_is_called_destructive(tool: ToolDefinition) -> None:
    assert (tool.effect is Effect.DESTRUCTIVE) == ("DELETE" in tool.slug)


@each_toolkit
def test_calls_with_examples_become_requests(definition: ToolkitDefinition) -> None:
    specs = [
        tool_spec(definition.definition, tool.definition, base_url="https://api.example") for tool in definition.tools
    ]

    requests = [build_request(spec, check_arguments(spec, sample_arguments(spec.parameters))) for spec in specs]

    assert [request.method for request in requests] == [spec.method for spec in specs]


def sample_arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument's first example; a required one without an example gets a word."""
    properties = schema["properties"]
    examples = {name: each["examples"][0] for name, each in properties.items() if "examples" in each}
    return {**dict.fromkeys(schema["required"], "word"), **examples}
