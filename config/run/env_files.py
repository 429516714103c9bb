"""Files of NAME=VALUE lines: `.env`, written by people, and the private ones in DATA_DIR, written by us."""

import os
from collections.abc import Mapping
from pathlib import Path

OWNER_ONLY = 0o600


def read(path: Path) -> dict[str, str]:
    """Return the names and values; empty when there is no such file."""
    if not path.is_file():
        return {}
    lines = (line.strip().removeprefix("export ") for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


def write_private(path: Path, values: Mapping[str, str]) -> None:
    """Write so that nobody else may read it, not even for a moment, and never half."""
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
