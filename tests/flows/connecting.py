"""A person in front of the consent page and the provider's page, as far as a browser without scripts sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from integrations.models import AuthConfig, ConnectedAccount, ConnectionRequest, Toolkit
from orgs.models import Organization
from tests.factories import make_auth_config, make_tool, make_toolkit
from tests.flows.authorization_server import AuthorizationServer


@dataclass
class ConnectDesk:
    """A toolkit whose provider listens, and an auth config of the installation's own."""

    server: AuthorizationServer
    toolkit: Toolkit
    auth_config: AuthConfig

    def page(self, holder: User | Organization | None = None) -> str:
        return f"{pages_of(holder)}/connections/new/{self.toolkit.slug}/"

    def agree(self, browser: Client, holder: User | Organization | None = None, **fields: Any) -> HttpResponse:
        """Press the button on our consent page."""
        return browser.post(self.page(holder), {"way": self.auth_config.text_id, **fields})

    def begin(self, browser: Client, holder: User | Organization | None = None, **fields: Any) -> str:
        """As far as the provider's page: its address."""
        answer = self.agree(browser, holder, **fields)
        assert answer.status_code == 302, answer.content.decode()
        return str(answer["Location"])

    @property
    def callback(self) -> str:
        return f"/oauth/callback/{self.auth_config.id}/"

    def come_back(self, browser: Client, params: dict[str, str], **extra: Any) -> HttpResponse:
        return browser.get(f"{self.callback}?{urlencode(params)}", **extra)

    def connect(
        self, browser: Client, login: str = "ada", holder: User | Organization | None = None, **fields: Any
    ) -> HttpResponse:
        """The whole way; the answer of the callback."""
        return self.come_back(browser, self.server.press(self.begin(browser, holder, **fields), login))

    @property
    def accounts(self) -> list[ConnectedAccount]:
        rows = ConnectedAccount.objects.unscoped("a test looks at what it made").filter(toolkit=self.toolkit)
        return list(rows.select_related("toolkit", "owner__user", "owner__organization").order_by("id"))

    @property
    def requests(self) -> list[ConnectionRequest]:
        return list(ConnectionRequest.objects.unscoped("a test looks at what it made").order_by("id"))


def pages_of(holder: User | Organization | None) -> str:
    return f"/orgs/{holder.slug}" if isinstance(holder, Organization) else "/me"


def path_of(response: HttpResponse) -> str:
    """Where a redirect leads on this site, without the query."""
    return urlsplit(str(response["Location"])).path


def make_connect_desk(server: AuthorizationServer, slug: str = "notes") -> ConnectDesk:
    toolkit = make_toolkit(slug, name=slug.title(), definition=server.definition(slug))
    make_tool(toolkit, f"{slug.upper()}_READ", name="Read a note", scopes=[["notes:read"]])
    make_tool(toolkit, f"{slug.upper()}_WRITE", name="Write a note", effect="write", scopes=[["notes:write"]])
    return ConnectDesk(server, toolkit, make_auth_config(toolkit))
