"""The Python of docs/api.md, taken out of it and run: with the keys, IDs and the address of a running installation."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any, Final

from tests.ops.installation import ROOT

BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT: Final = "\nimport json\nprint('LEFT ' + json.dumps({name: globals()[name] for name in %r}, default=plain))\n"
PLAIN: Final = "\ndef plain(one):\n    return one.model_dump(mode='json') if hasattr(one, 'model_dump') else str(one)\n"
HEAD: Final = (
    "from composio import Composio\n\n"
    'composio = Composio(base_url="https://switchboard.example.com", api_key="sb_user_…")\n'
)


def code_of(*sections: str) -> str:
    """The blocks of these sections, one after the other, as a reader would type them."""
    text = (ROOT / "docs" / "api.md").read_text()
    parts = {part.partition("\n")[0]: part for part in re.split(r"^## ", text, flags=re.MULTILINE)}
    blocks = [block for name in sections for block in BLOCK.findall(parts[name])]
    assert blocks
    return "\n".join(blocks)


def sections_with_code() -> set[str]:
    text = (ROOT / "docs" / "api.md").read_text()
    return {
        part.partition("\n")[0] for part in re.split(r"^## ", text, flags=re.MULTILINE) if BLOCK.search(f"\n{part}")
    }


def run_code(
    python: str,
    code: str,
    replaced: dict[str, str],
    names: list[str],
    environ: dict[str, str],
    on_link: Callable[[str], None],
) -> dict[str, Any]:
    """What the code left under these names. `on_link` is told of each address that it prints."""
    for placeholder, value in replaced.items():
        code = code.replace(f'"{placeholder}', f'"{value}')
    assert '_…"' not in code, code
    command = [python, "-c", PLAIN + code + LEFT % (names,)]
    said = ""
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if line.startswith("http"):
                on_link(line.strip())
    _, mark, left = said.partition("LEFT ")
    assert mark, said[-4000:]
    found: dict[str, Any] = json.loads(left)
    return found
