"""A small, faultless toolkit, and ways to spoil it."""

import copy
from pathlib import Path
from typing import Any

import yaml

TOOL: dict[str, Any] = {
    "slug": "ACME_UPDATE_NOTE",
    "aliases": ["ACME_EDIT_NOTE"],
    "name": "Change a note",
    "description": "Changes a note.",
    "method": "PATCH",
    "path": "/notes/{note_id}/files/{+file}",
    "effect": "write",
    "parameters": {
        "properties": {
            "text": {"type": "string", "title": "Text", "description": "The text.", "default": "Hello"},
            "note_id": {"type": "integer", "title": "Note", "description": "Its number.", "examples": [1]},
            "file": {"type": "string", "title": "File", "description": "Its path."},
            "tags": {"type": "array", "title": "Tags", "description": "Its tags.", "items": {"type": "string"}},
        },
        "required": ["note_id", "file"],
    },
    "in": {"tags": {"where": "query", "name": "tag", "style": "comma"}},
    "fixed": {"query": {"notify": False}},
    "argument_aliases": {"id": "note_id"},
    "response": {"pick": "note"},
    "scopes": [["notes:write"], ["notes:read", "notes:admin"]],
}
TOOLKIT: dict[str, Any] = {
    "slug": "acme",
    "name": "Acme",
    "description": "Notes.",
    "categories": ["Notes"],
    "version": "20250909_00",
    "base_url": "https://{region}.api.acme.example/v1",
    "headers": {"Accept": "application/json"},
    "connection_variables": [{"name": "region", "label": "Region", "from_identity": "home.region"}],
    "auth_schemes": [
        {
            "scheme": "oauth2",
            "authorize_url": "https://acme.example/authorize",
            "token_url": "https://acme.example/token",
            "revoke": {"style": "none"},
            "scope_separator": " ",
            "pkce": True,
            "token_auth": "post",
            "base_scopes": ["notes:read"],
        },
        {
            "scheme": "api_key",
            "name": "API key",
            "fields": [{"name": "api_key", "label": "API key", "secret": True}],
            "placement": {"where": "header", "name": "X-Api-Key", "template": "{api_key}"},
        },
        {
            "scheme": "basic",
            "name": "Password",
            "base_url": "https://{site}/api",
            "identity": {"method": "GET", "path": "/self", "id": "login", "label": "login"},
            "fields": [
                {"name": "site", "label": "Site", "secret": False, "pattern": r"[a-z]+\.acme\.example"},
                {"name": "username", "label": "Name", "secret": False},
                {"name": "password", "label": "Password", "secret": True},
            ],
        },
    ],
    "identity": {"method": "GET", "path": "/me", "id": "id", "label": "{name} at {home.region}"},
    "scopes": {
        "notes:read": "Read your notes",
        "notes:write": "Change your notes",
        "notes:admin": "Manage all notes",
    },
    "errors": {"code_pointers": ["error.code"], "message_pointers": ["error.message"]},
    "tools": [TOOL],
}
GONE = object()


def toolkit(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The toolkit with values set (or taken away) at paths such as tools/0/slug."""
    document = copy.deepcopy(TOOLKIT)
    for path, value in changes:
        _set(document, path.split("/"), value)
    return document


def write_toolkit(directory: Path, document: dict[str, Any], *, folder: str = "", logo: str = "") -> Path:
    path = directory / (folder or document["slug"])
    path.mkdir(parents=True, exist_ok=True)
    (path / "toolkit.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (path / "logo.svg").write_text(logo, encoding="utf-8")
    return directory


def _set(value: Any, steps: list[str], new: Any) -> None:
    *parents, last = [int(step) if step.isdigit() else step for step in steps]
    for step in parents:
        value = value[step]
    if new is GONE:
        del value[last]
    else:
        value[last] = new
