"""An MCP client that signs in by OAuth, step by step, so that each step can be done wrongly."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from tests.integrations.mcp.agent import Agent, listing

REDIRECT = "http://127.0.0.1:4711/callback"
VERIFIER = "v" * 50
SCOPES = "tools:read executions:read executions:write connections:read"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def register(**values: Any) -> HttpResponse:
    body = {"client_name": "Test agent", "redirect_uris": [REDIRECT], **values}
    answer: Any = Client().post("/oauth/register", json.dumps(body), content_type="application/json")
    return answer


@dataclass
class SigningIn:
    """One registered client on its way in to one MCP address, in the browser of one person."""

    browser: Client
    path: str
    client_id: str = ""
    redirect: str = REDIRECT
    tokens: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.client_id:
            self.client_id = json.loads(register().content)["client_id"]

    @property
    def resource(self) -> str:
        return f"{settings.BASE_URL}{self.path}"

    def asks(self, **changes: Any) -> dict[str, Any]:
        """The query of the authorization request; None leaves a part out."""
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "scope": SCOPES,
            "state": "st&te",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "resource": self.resource,
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def consent_page(self, **changes: Any) -> Any:
        return self.browser.get("/oauth/authorize", self.asks(**changes))

    def decides(self, action: str = "allow", *, days: int = 30, **changes: Any) -> Any:
        return self.browser.post(
            "/oauth/authorize", {"action": action, "days": days}, query_params=self.asks(**changes)
        )

    def code(self, **changes: Any) -> str:
        answer = self.decides(**changes)
        assert answer.status_code == 302, answer.content
        return str(sent_back(answer)["code"])

    def exchange(self, code: str, /, **changes: Any) -> Any:
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "code_verifier": VERIFIER,
            "resource": self.resource,
        }
        return self._post("/oauth/token", {**usual, **changes})

    def renew(self, **changes: Any) -> Any:
        usual = {"grant_type": "refresh_token", "client_id": self.client_id}
        return self._post("/oauth/token", {**usual, "refresh_token": self.tokens["refresh_token"], **changes})

    def revoke(self, **changes: Any) -> Any:
        usual = {"token": self.tokens["refresh_token"], "client_id": self.client_id}
        return self._post("/oauth/revoke", {**usual, **changes})

    def sign_in(self, **changes: Any) -> "SigningIn":
        """All the steps, as they should be."""
        answer = self.exchange(self.code(**changes))
        assert answer.status_code == 200, answer.content
        self.tokens = answer.json()
        return self

    def ask(self, path: str = "", body: Any = None, token: str = "") -> Any:
        """A request at an MCP address with the access token."""
        access = token or self.tokens["access_token"]
        return Agent(path or self.path).post(body or listing(), authorization=f"Bearer {access}")

    def tools(self) -> set[str]:
        return {one["name"] for one in self.ask().json()["result"]["tools"]}

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return Client().post(path, {name: value for name, value in body.items() if value is not None})


def sent_back(answer: Any) -> dict[str, str]:
    """What stands in the address that the browser is sent back to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
