"""Code to copy holds exactly what would be sent, whatever stands in the arguments."""

import json
import shlex
from typing import Any

import pytest

from integrations.samples import samples, tool_samples

ARGUMENTS = {"text": "It's \"two\" \\ o'clock\nat $HOME", "count": 2, "is_new": True, "none": None}


def sent_by(curl: str) -> Any:
    words = shlex.split(curl)
    return json.loads(words[words.index("-d") + 1])


def test_curl_sends_the_arguments_as_they_are(settings: Any) -> None:
    settings.BASE_URL = "https://switchboard.example.com"
    code = dict(tool_samples("user_1", "GITHUB_GET_REPO", "20250909_00", ARGUMENTS))

    assert sent_by(code["curl"]) == {"user_id": "user_1", "version": "20250909_00", "arguments": ARGUMENTS}
    called = sent_by(code["MCP: tools/call"])
    assert called["params"] == {"name": "GITHUB_GET_REPO", "arguments": ARGUMENTS}
    assert "'https://switchboard.example.com/mcp/user_1/'" in code["MCP: tools/call"]


def test_python_is_python_and_without_a_body_nothing_is_sent() -> None:
    code = dict(tool_samples("user_1", "GITHUB_GET_REPO", "20250909_00", ARGUMENTS))

    compile(code["Python"], "sample", "exec")
    assert repr(ARGUMENTS) in code["Python"]
    assert "body" not in dict(samples("GET", "/identities"))["TypeScript"]


@pytest.mark.parametrize("language", ["curl", "Python", "TypeScript", "MCP: tools/call"])
def test_the_key_comes_from_the_environment(language: str) -> None:
    assert "SWITCHBOARD_API_KEY" in dict(tool_samples("user_1", "GITHUB_GET_REPO", "latest", {}))[language]
