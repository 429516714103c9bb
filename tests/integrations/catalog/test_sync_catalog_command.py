import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from integrations.models.catalog import Tool, Toolkit
from tests.integrations.catalog.samples import GONE, toolkit, write_toolkit

pytestmark = pytest.mark.django_db


def sync_catalog() -> str:
    out = io.StringIO()
    call_command("sync_catalog", stdout=out)
    return out.getvalue()


def test_command_fills_the_catalogue_and_may_be_repeated() -> None:
    first = sync_catalog()
    count = Tool.objects.count()
    second = sync_catalog()

    assert f"{count} tools" in first
    assert "Toolkits created:" in first
    assert "Nothing changed." in second
    assert Tool.objects.filter(slug="GITHUB_GET_REPO", toolkit__slug="github").exists()
    assert Tool.objects.count() == count


def test_command_takes_in_the_extra_directory(settings: Settings, tmp_path: Path) -> None:
    settings.EXTRA_TOOLKITS_DIR = str(write_toolkit(tmp_path, toolkit()))

    sync_catalog()

    assert Toolkit.objects.filter(slug="acme", is_enabled=True).exists()


def test_command_refuses_faulty_files_and_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.EXTRA_TOOLKITS_DIR = str(write_toolkit(tmp_path, toolkit(("name", GONE))))

    with pytest.raises(CommandError, match=r"not changed.*\n.*acme/toolkit\.yaml: name: is missing"):
        sync_catalog()

    assert not Toolkit.objects.exists()


def test_sandbox_is_offered_only_where_it_is_enabled(settings: Settings, tmp_path: Path) -> None:
    settings.EXTRA_TOOLKITS_DIR = str(write_toolkit(tmp_path, toolkit(("sandbox", True))))

    settings.SANDBOX_ENABLED = True
    sync_catalog()
    enabled = Toolkit.objects.get(slug="acme").is_enabled
    settings.SANDBOX_ENABLED = False
    sync_catalog()

    assert enabled
    assert not Toolkit.objects.get(slug="acme").is_enabled
