"""The bootstrap files of docs/connecting.md can be read."""

import re
from collections import defaultdict
from dataclasses import fields
from typing import get_args, get_type_hints

import pytest
import yaml

from integrations.catalog import TOOLKITS_DIR, auth_entry, read_definitions
from integrations.services.bootstrap.document import Document, read_document
from tests.docs.pages import page, rows

FILES = re.findall(r"^```yaml\n(.*?)^```$", page("connecting"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", FILES)
def test_file_is_one_that_bootstrap_takes(text: str) -> None:
    toolkits = {one.slug: one for one in read_definitions([TOOLKITS_DIR], base_url="https://switchboard.example.com")}

    document = read_document(text, defaultdict(str, dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "x")))

    assert len(document.auth_configs) == len(yaml.safe_load(text)["auth_configs"])
    for entry in document.auth_configs:
        definition = toolkits[entry.toolkit].definition
        assert auth_entry(definition, entry.scheme)
        assert set(entry.scopes) <= set(definition["scopes"])


def test_parts_and_fields_of_a_file_are_listed() -> None:
    listed = {
        row[0].strip("`"): re.findall(r"`([a-z_]+)`", row[1].partition(" (")[0])
        for row in rows(page("configuration"), "## People, organizations and OAuth apps from a file")
    }
    parts = {name: get_args(kind)[0] for name, kind in get_type_hints(Document).items() if name != "path"}

    assert set(listed) == set(parts)
    for name in ("users", "api_keys"):
        assert listed[name] == [one.name for one in fields(parts[name]) if one.name != "path"]
