"""A real authorization server on loopback that checks PKCE, counts what it is asked, and lies when a test says so."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SCOPES = {"notes:read": "Read your notes", "notes:write": "Change your notes"}
CLIENT_SECRET = "client-secret"  # what tests.factories.make_auth_config seals


@dataclass
class AuthorizationServer:
    """`press` is the person at the provider's page; everything else is asked over HTTP."""

    server: HTTPServer
    token_requests: list[dict[str, str]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    token_answer: Response | Callable[[], Response] | None = None
    meanwhile: Callable[[], None] = lambda: None  # what happens while the verification call is on its way
    revoke_status: int = 200
    life: int | None = 3600
    granted: str | None = None
    _codes: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    _people: dict[str, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server.expect_request("/token").respond_with_handler(self._token)
        self.server.expect_request("/user").respond_with_handler(self._user)
        self.server.expect_request("/revoke").respond_with_handler(self._revoke)

    @property
    def pair(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def url(self, path: str = "") -> str:
        return f"http://{self.pair}{path}"

    def definition(self, slug: str = "notes") -> dict[str, Any]:
        """A toolkit of this provider: by signing in, or by a token."""
        return {
            "slug": slug,
            "base_url": self.url(),
            "auth_schemes": [
                {
                    "scheme": "oauth2",
                    "authorize_url": self.url("/authorize"),
                    "token_url": self.url("/token"),
                    "revoke": {"style": "rfc7009", "url": self.url("/revoke")},
                    "scope_separator": " ",
                    "pkce": True,
                    "token_auth": "post",
                    "base_scopes": ["notes:read"],
                },
                {
                    "scheme": "bearer_token",
                    "name": "Personal token",
                    "help": "A token of your own.",
                    "fields": [{"name": "token", "label": "Token", "secret": True, "pattern": "^tok-.*$"}],
                },
            ],
            "identity": {"method": "GET", "path": "/user", "id": "id", "label": "login", "email": "email"},
            "scopes": SCOPES,
            "headers": {},
            "errors": {},
            "connection_variables": [],
        }

    def press(self, authorize_url: str, login: str = "ada") -> dict[str, str]:
        """Give consent as that person: what the browser is sent back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()}
        code = f"code-{next(self._numbers)}-canary"
        self._codes[code] = (asked.get("code_challenge", ""), asked["redirect_uri"], login)
        return {"code": code, "state": asked["state"]}

    def issue(self, login: str) -> str:
        """An access token of that person, without any flow."""
        token = f"tok-{login}-{next(self._numbers)}"
        self._people[token] = login
        return token

    def _token(self, request: Request) -> Response:
        form = dict(parse_qsl(request.get_data(as_text=True)))
        with self._lock:
            self.token_requests.append(form)
            if self.token_answer is not None:
                return self.token_answer if isinstance(self.token_answer, Response) else self.token_answer()
            return self._tokens(form)

    def _tokens(self, form: dict[str, str]) -> Response:
        challenge, redirect_uri, login = self._codes.pop(form.get("code", ""), ("", "", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
        if not (right and form.get("redirect_uri") == redirect_uri and form.get("client_secret") == CLIENT_SECRET):
            return _json({"error": "invalid_grant"}, status=400)
        answer: dict[str, Any] = {"access_token": self.issue(login), "refresh_token": f"ref-{login}"}
        extra = {"expires_in": self.life, "scope": self.granted}
        return _json(
            {"token_type": "Bearer", **answer, **{name: value for name, value in extra.items() if value is not None}}
        )

    def _user(self, request: Request) -> Response:
        self.meanwhile()
        login = self._people.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if login is None:
            return _json({"message": "Bad credentials"}, status=401)
        return _json({"id": f"id-of-{login}", "login": login, "email": f"{login}@notes.test"})

    def _revoke(self, request: Request) -> Response:
        self.revoked.append(dict(parse_qsl(request.get_data(as_text=True)))["token"])
        return Response(status=self.revoke_status)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")
