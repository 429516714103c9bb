from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.catalog import SyncReport, find_tool, find_toolkit, read_definitions, sync, tool_spec
from integrations.models.catalog import Tool, Toolkit
from tests.integrations.catalog.samples import TOOL, toolkit, write_toolkit

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SECOND_TOOL = {**TOOL, "slug": "ACME_ADD_NOTE", "aliases": ["ACME_NEW_NOTE"]}

pytestmark = pytest.mark.django_db


def run_sync(directory: Path, *documents: dict[str, Any]) -> SyncReport:
    for document in documents:
        write_toolkit(directory, document)
    return sync(read_definitions([directory], base_url="https://switchboard.example"), now=NOW)


def test_first_sync_creates_rows_that_make_a_spec(tmp_path: Path) -> None:
    report = run_sync(tmp_path, toolkit())

    tool = Tool.objects.select_related("toolkit").get()
    assert report == SyncReport(toolkits_created=["acme"], tools_created=["ACME_UPDATE_NOTE"])
    assert (tool.toolkit.slug, tool.effect, tool.aliases) == ("acme", "write", ["ACME_EDIT_NOTE"])
    assert tool.scopes == [["notes:write"], ["notes:read", "notes:admin"]]
    assert "change a note" in tool.search_text
    assert tool_spec(tool.toolkit.definition, tool.definition).path == TOOL["path"]


def test_second_sync_changes_nothing(tmp_path: Path) -> None:
    run_sync(tmp_path, toolkit())
    before = list(Toolkit.objects.values()), list(Tool.objects.values())

    report = run_sync(tmp_path, toolkit())

    assert not report.changed
    assert (list(Toolkit.objects.values()), list(Tool.objects.values())) == before


def test_changed_files_update_the_same_rows(tmp_path: Path) -> None:
    run_sync(tmp_path, toolkit())
    tool_id = Tool.objects.get().pk

    report = run_sync(tmp_path, toolkit(("version", "20260101_00"), ("tools/0/name", "Edit a note")))

    assert report == SyncReport(toolkits_updated=["acme"], tools_updated=["ACME_UPDATE_NOTE"])
    assert (Tool.objects.get().pk, Tool.objects.get().name) == (tool_id, "Edit a note")
    assert (Toolkit.objects.get().version, Toolkit.objects.get().updated_at) == ("20260101_00", NOW)


def test_vanished_tool_is_deprecated_and_comes_back(tmp_path: Path) -> None:
    run_sync(tmp_path, toolkit(("tools", [TOOL, SECOND_TOOL])))

    gone = run_sync(tmp_path, toolkit())
    still_gone = run_sync(tmp_path, toolkit())
    back = run_sync(tmp_path, toolkit(("tools", [TOOL, SECOND_TOOL])))

    assert gone == SyncReport(tools_deprecated=["ACME_ADD_NOTE"])
    assert not still_gone.changed
    assert back == SyncReport(tools_updated=["ACME_ADD_NOTE"])
    assert not Tool.objects.get(slug="ACME_ADD_NOTE").is_deprecated


def test_vanished_toolkit_is_switched_off_and_comes_back(tmp_path: Path) -> None:
    run_sync(tmp_path, toolkit())

    gone = sync([], now=NOW)
    is_enabled_then = Toolkit.objects.get().is_enabled
    back = run_sync(tmp_path, toolkit())

    assert gone == SyncReport(toolkits_withdrawn=["acme"], tools_deprecated=["ACME_UPDATE_NOTE"])
    assert not is_enabled_then
    assert (back.toolkits_updated, Toolkit.objects.get().is_enabled) == (["acme"], True)


def test_toolkit_that_an_operator_switched_off_stays_off(tmp_path: Path) -> None:
    run_sync(tmp_path, toolkit())
    Toolkit.objects.update(is_enabled=False)

    run_sync(tmp_path, toolkit(("name", "Acme Notes")))

    assert (Toolkit.objects.get().name, Toolkit.objects.get().is_enabled) == ("Acme Notes", False)


@pytest.mark.parametrize("name", ["ACME_UPDATE_NOTE", "acme_update_note", "ACME_EDIT_NOTE", "Acme_Edit_Note"])
def test_tool_is_found_by_slug_or_alias_in_any_case(tmp_path: Path, name: str) -> None:
    run_sync(tmp_path, toolkit(("tools", [SECOND_TOOL, TOOL])))

    tool = find_tool(name)

    assert tool is not None
    assert tool.slug == "ACME_UPDATE_NOTE"


@pytest.mark.parametrize("name", ["", "ACME", "ACME_EDIT", "ACME_EDIT_NOT_", "%", '"', "ACME_EDIT_NOTE\x00"])
def test_tool_is_not_found_by_part_of_a_name(tmp_path: Path, name: str) -> None:
    run_sync(tmp_path, toolkit())

    assert find_tool(name) is None


def test_toolkit_is_found_in_any_case(tmp_path: Path) -> None:
    run_sync(tmp_path, toolkit())

    found = find_toolkit("ACME")

    assert found is not None
    assert found.slug == "acme"
    assert [find_toolkit(name) for name in ("acm", "", "acme\x00")] == [None] * 3
