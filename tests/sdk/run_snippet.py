"""Runs one of the documented Python snippets as it stands; prints what it left behind as JSON.

Arguments: its name, and what to put in place of the placeholders in it, as a JSON object.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from composio import Composio

NAME, REPLACED = sys.argv[1], json.loads(sys.argv[2])
LEFT = (
    *("result", "tools", "user_tools", "user_personal_tools", "org_shared_tools", "session", "session2"),
    *("listed", "url", "headers"),
)


def plain(value: Any) -> Any:
    """A session by its ID; tools, which are long, by their names."""
    if isinstance(value, list):
        return [one["function"]["name"] if isinstance(one, dict) else one for one in value]
    return getattr(value, "session_id", value)


text = (Path(__file__).parent / "documented" / f"{NAME}.py").read_text()
for placeholder, value in REPLACED.items():
    text = text.replace(placeholder, value)
composio: Any = Composio()
around: dict[str, Any] = {
    "composio": composio,
    "user": SimpleNamespace(id=os.environ["SDK_USER"]),
    "organization": SimpleNamespace(id=os.environ["SDK_ORGANIZATION"]),
}
if "session" in text and "composio.create" not in text:
    around["session"] = composio.create(user_id="user_123")
exec(compile(text, f"{NAME}.py", "exec"), around)  # noqa: S102  # that is what it is for
print("LEFT " + json.dumps({name: plain(around[name]) for name in LEFT if name in around}))  # noqa: T201
