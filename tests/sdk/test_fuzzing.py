"""The API as OpenAPI describes it, fuzzed by schemathesis: no 500, and nothing that the description does not say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.sdk.conftest import Asking, tool_beside_the_product

CONFIG = Path(__file__).parent / "schemathesis.toml"
# Not `positive_data_acceptance`: whether an ID exists, and is within reach, stands in no description.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)

pytestmark = pytest.mark.faults  # starts servers of its own


def test_fuzzing_finds_nothing(asking: Asking, tmp_path: Path) -> None:
    program = str(tool_beside_the_product("schemathesis", "bin", "st"))
    what = ["run", f"{asking.url}/api/v3.1/openapi.json", "--phases", "coverage,fuzzing", "--max-examples", "10"]
    same = ["--seed", "20250909", "--generation-deterministic"]  # a finding must be there again on the next run
    how = ["--checks", ",".join(CHECKS), "--continue-on-failure", "--no-color"]
    key = ["--header", f"x-api-key: {asking.environ['SDK_KEY']}"]
    done = subprocess.run(
        [program, "--config-file", str(CONFIG), *what, *same, *how, *key],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        timeout=850,
    )

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Tested:" in said
