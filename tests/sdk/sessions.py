"""All that a tool session of the SDK can do, and lists to their ends. Prints what came of it as JSON.

`sessions.mjs` does the same with the SDK for TypeScript, and leaves the same behind.
"""

import json
import os
import sys
from typing import Any

from composio import Composio

USER = os.environ["SDK_USER"]
composio: Any = Composio(api_key=os.environ["SDK_KEY"], base_url=os.environ["SDK_URL"], allow_tracking=False)
raw: Any = composio.client.tool_router.session
found: dict[str, Any] = {}


def plain(answer: Any) -> Any:
    return answer.model_dump(mode="json") if hasattr(answer, "model_dump") else answer


def tried(work: Any) -> str:
    """The name of the error, and what it says."""
    try:
        return f"no error: {work()}"
    except Exception as error:  # noqa: BLE001  # whatever the SDK makes of our answer
        return f"{type(error).__name__}: {error}"


def meta(session: str, slug: str, **arguments: Any) -> Any:
    return plain(raw.execute_meta(session, slug=slug, arguments=arguments))["data"]


def begin() -> None:
    """Links for two accounts: one that the program asks for, one that the agent does."""
    session = composio.create(user_id=USER, toolkits=["sandbox", "hackernews"])
    found["session"], found["config"] = session.session_id, plain(session.config)["toolkits"]
    work = session.authorize("sandbox", alias="Work")
    found["work"] = [work.id, work.redirect_url]
    found["connections"] = meta(
        session.session_id, "COMPOSIO_MANAGE_CONNECTIONS", toolkits=["sandbox", "hackernews", "nothing"]
    )


def use() -> None:
    """With both accounts connected: search, run, run several, and look at the schemas."""
    session = composio.use(os.environ["SDK_SESSION"])
    found["searched"] = plain(session.search(query="read the messages of my mailbox"))
    found["newest"] = plain(session.execute("SANDBOX_GET_PROFILE"))
    found["by_name"] = plain(session.execute("SANDBOX_GET_PROFILE", arguments={}, account="Work"))
    found["by_id"] = plain(session.execute("SANDBOX_GET_PROFILE", arguments={}, account=os.environ["SDK_WORK"]))
    found["unknown_name"] = tried(lambda: session.execute("SANDBOX_GET_PROFILE", account="Nobody's"))
    nowhere = {"message_id": "3f0c9a52-6c1e-5d7e-9a55-2b8f1c0d4e6a"}
    found["failed"] = plain(session.execute("SANDBOX_GET_MESSAGE", arguments=nowhere))
    found["through_execute"] = plain(
        session.execute("COMPOSIO_SEARCH_TOOLS", arguments={"queries": [{"use_case": "post to a channel"}]})
    )
    tools = [
        {"tool_slug": "SANDBOX_GET_PROFILE", "arguments": {}, "account": "Work"},
        {"tool_slug": "NO_SUCH_TOOL", "arguments": {}},
        {"tool_slug": "SANDBOX_GET_PROFILE", "arguments": {}},
    ]
    found["several"] = meta(session.session_id, "COMPOSIO_MULTI_EXECUTE_TOOL", tools=tools)
    found["schemas"] = meta(session.session_id, "COMPOSIO_GET_TOOL_SCHEMAS", tool_slugs=["SANDBOX_SEND_MESSAGE"])
    found["connections"] = meta(session.session_id, "COMPOSIO_MANAGE_CONNECTIONS", toolkits=["sandbox"])
    lists()
    changes(session)


def lists() -> None:
    """Page by page, as `next_cursor` leads."""
    found["tools"] = pages(lambda **more: composio.client.tools.list(toolkit_slug="sandbox", limit=3, **more))
    more_accounts = {"user_ids": [USER], "toolkit_slugs": ["sandbox"], "statuses": ["ACTIVE"], "limit": 1}
    found["accounts"] = pages(lambda **more: composio.connected_accounts.list(**more_accounts, **more))


def pages(ask: Any) -> list[list[str]]:
    got, cursor = [], ""
    while cursor is not None and len(got) < 10:
        page = ask(**({"cursor": cursor} if cursor else {}))
        got.append([getattr(one, "slug", None) or one.id for one in page.items])
        cursor = page.next_cursor
    return got


def changes(session: Any) -> None:
    """Pinned, then without the toolkit, then over."""
    session.update(connected_accounts={"sandbox": [os.environ["SDK_WORK"]]})
    found["pinned"] = plain(session.config)["connected_accounts"]
    found["as_pinned"] = plain(session.execute("SANDBOX_GET_PROFILE"))
    session.update(connected_accounts=None, toolkits={"enable": ["hackernews"]})
    found["narrowed"] = plain(session.config)["toolkits"]
    found["left_out"] = tried(lambda: session.execute("SANDBOX_GET_PROFILE"))
    found["read_again"] = plain(composio.use(session.session_id).config)["toolkits"]
    found["deleted"] = plain(session.delete())
    found["gone"] = tried(lambda: session.execute("SANDBOX_GET_PROFILE"))


{"begin": begin, "use": use}[sys.argv[1]]()
sys.stdout.write(json.dumps(found, default=str))
