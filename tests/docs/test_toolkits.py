"""The toolkit of docs/toolkits.md is a real one."""

from pathlib import Path

import pytest

from integrations.catalog import ToolkitDefinition, read_definitions, tool_spec
from integrations.engine.inputs import check_arguments
from integrations.engine.requests import build_request
from integrations.engine.types import HttpRequest
from tests.docs.pages import block, page


@pytest.fixture
def notes(tmp_path: Path) -> ToolkitDefinition:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "toolkit.yaml").write_text(block(page("toolkits"), "yaml"), encoding="utf-8")
    [definition] = read_definitions([tmp_path], base_url="https://switchboard.example.com")
    return definition


def request_of(toolkit: ToolkitDefinition, slug: str, **arguments: object) -> HttpRequest:
    tool = next(one for one in toolkit.tools if one.slug == slug)
    spec = tool_spec(toolkit.definition, tool.definition)
    return build_request(spec, check_arguments(spec, arguments))


def test_reading_example_fills_path_and_query(notes: ToolkitDefinition) -> None:
    request = request_of(notes, "NOTES_LIST_NOTES", folder_id="in/box")

    assert request.method == "GET"
    assert request.url == "https://api.notes.example.com/v1/folders/in%2Fbox/notes?page_size=20"


def test_writing_example_sends_its_constant(notes: ToolkitDefinition) -> None:
    request = request_of(notes, "NOTES_CREATE_A_NOTE", folder_id="inbox", text="Buy milk")

    assert request.body == b'{"text":"Buy milk","source":"switchboard"}'
