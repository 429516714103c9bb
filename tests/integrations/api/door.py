"""A program with an API key, asking over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from orgs.models import Organization
from orgs.permissions import Scope
from tests.factories import make_api_key, owner_ref

ROOT = "/api/v3.1"


@dataclass(frozen=True)
class Door:
    """One key. An answer is its status and its JSON."""

    key: str = field(default="", repr=False)
    root: str = ROOT

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`body` is sent as JSON unless it is bytes already."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if self.key:
            headers.setdefault("x-api-key", self.key)
        client = Client(raise_request_exception=False)
        return client.generic(method, f"{self.root}{path}", sent, "application/json", headers=headers)

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return read(self.ask("GET", path, **headers))

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return read(self.ask("POST", path, body, **headers))

    def patch(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return read(self.ask("PATCH", path, body, **headers))

    def delete(self, path: str, **headers: str) -> tuple[int, Any]:
        return read(self.ask("DELETE", path, **headers))


def read(response: HttpResponse) -> tuple[int, Any]:
    assert response.headers["Content-Type"].startswith("application/json"), response.content
    return response.status_code, json.loads(response.content)


def door_of(holder: User | Organization, *scopes: Scope) -> Door:
    return Door(make_api_key(holder, *scopes)[1])


def id_of(holder: User | Organization) -> str:
    return owner_ref(holder).text_id
