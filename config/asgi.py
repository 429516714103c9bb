"""ASGI entry point: the one web service (pages, API, live updates, MCP)."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

from config.start import plain_refusal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

with plain_refusal():
    pages = get_asgi_application()

from integrations.mcp.app import is_for_mcp, mcp_app  # needs the apps, which are ready by now


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Agents' requests go to the MCP door, everything else to Django."""
    await (mcp_app if is_for_mcp(scope) else pages)(scope, receive, send)
