"""The mailbox and the channels, by the tokens of different identities."""

from __future__ import annotations

import uuid

import httpx2
import pytest
from django.test import Client as Browser

from integrations.oauth import Tokens
from integrations.sandbox.doors import public
from integrations.sandbox.identities import IDENTITIES, SCOPES
from integrations.sandbox.models import ChannelMessage
from integrations.sandbox.urls import urlpatterns
from tests.integrations.sandbox.connecting import call, connect, read_toolkit

pytestmark = pytest.mark.django_db

HELLO = {"to": "sam.rivera@sandbox.example", "subject": "Hello", "body": "Is the meeting still at two?"}


def test_mailboxes_differ_by_identity(ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport) -> None:
    subjects = [
        {message["subject"] for message in call(transport, tokens, "GET", "/messages").json()["messages"]}
        for tokens in (ada, sam)
    ]

    assert "Your trip to Lisbon" in subjects[0]
    assert "Invoice 1042" in subjects[1]
    assert not subjects[0] & subjects[1]


def test_a_message_that_was_sent_appears_at_both_ends(
    ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport
) -> None:
    sent = call(transport, ada, "POST", "/messages", json=HELLO)

    inbox = call(transport, sam, "GET", "/messages").json()["messages"]
    folder = call(transport, ada, "GET", "/messages?folder=sent").json()["messages"]
    assert sent.status_code == 201
    assert (inbox[0]["subject"], inbox[0]["from"]) == ("Hello", "Ada Park <ada.park@sandbox.example>")
    assert [message["subject"] for message in folder] == ["Hello"]
    assert call(transport, sam, "GET", f"/messages/{inbox[0]['id']}").json()["body"] == HELLO["body"]


def test_a_message_of_somebody_else_is_not_there(ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport) -> None:
    own = call(transport, sam, "GET", "/messages").json()["messages"][0]["id"]

    stranger = call(transport, ada, "GET", f"/messages/{own}")
    invented = call(transport, ada, "GET", f"/messages/{uuid.uuid4()}")
    stranger_deletes = call(transport, ada, "DELETE", f"/messages/{own}")

    assert (stranger.status_code, stranger_deletes.status_code) == (404, 404)
    assert stranger.json() == invented.json()
    assert call(transport, sam, "GET", f"/messages/{own}").status_code == 200


def test_deleting_removes_the_own_copy_only(ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport) -> None:
    sent = call(transport, ada, "POST", "/messages", json=HELLO).json()["id"]

    assert call(transport, ada, "DELETE", f"/messages/{sent}").json() == {"id": sent, "deleted": True}

    assert call(transport, ada, "DELETE", f"/messages/{sent}").status_code == 404
    assert call(transport, sam, "GET", "/messages").json()["messages"][0]["subject"] == "Hello"


def test_mail_to_an_address_outside_is_refused_with_the_addresses_that_exist(
    ada: Tokens, transport: httpx2.BaseTransport
) -> None:
    answer = call(transport, ada, "POST", "/messages", json={**HELLO, "to": "real.person@example.com"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_recipient")
    assert "sam.rivera@sandbox.example" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b'{"to": "a"}', 422),
        (b'{"to": "a", "subject": 5, "body": "b"}', 422),
        (b'{"to": "a", "subject": "  ", "body": "b"}', 422),
        (b'{"to": "a", "subject": "\\u0000", "body": "b"}', 422),
        (b'{"to": "a", "subject": "\\ud800", "body": "b"}', 422),
        (b'{"to": "a", "subject": "' + b"x" * 201 + b'", "body": "b"}', 422),
    ],
)
def test_bad_bodies_are_answered_not_crashed_on(
    ada: Tokens, transport: httpx2.BaseTransport, content: bytes, status: int
) -> None:
    assert call(transport, ada, "POST", "/messages", content=content).status_code == status


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "9" * 5000, "²"])
def test_a_limit_out_of_range_is_refused(ada: Tokens, transport: httpx2.BaseTransport, limit: str) -> None:
    answer = call(transport, ada, "GET", "/messages", params={"limit": limit})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_limit")


def test_a_limit_in_range_is_kept(ada: Tokens, transport: httpx2.BaseTransport) -> None:
    assert len(call(transport, ada, "GET", "/messages?limit=1").json()["messages"]) == 1


def test_channels_differ_by_identity(ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport) -> None:
    names = [
        [channel["name"] for channel in call(transport, tokens, "GET", "/channels").json()["channels"]]
        for tokens in (ada, sam)
    ]

    assert names == [["general", "design"], ["general", "operations"]]


@pytest.mark.parametrize("channel", ["general", "%23general"])
def test_a_post_is_seen_by_everybody_in_the_channel(
    ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport, channel: str
) -> None:
    posted = call(transport, ada, "POST", f"/channels/{channel}/messages", json={"text": "Hello from the team!"})

    newest = call(transport, sam, "GET", "/channels/general/messages").json()["messages"][0]
    assert posted.status_code == 201
    assert (newest["author"], newest["text"]) == ("Ada Park", "Hello from the team!")


def test_a_channel_one_is_not_in_is_not_there(ada: Tokens, sam: Tokens, transport: httpx2.BaseTransport) -> None:
    path = "/channels/operations/messages"

    assert call(transport, sam, "GET", path).status_code == 200
    assert call(transport, ada, "GET", path).json()["error"]["code"] == "channel_not_found"
    assert call(transport, ada, "POST", path, json={"text": "Hi"}).status_code == 404
    assert not ChannelMessage.objects.filter(text="Hi").exists()


def test_each_call_needs_its_scope_and_no_other(visitor: Browser, transport: httpx2.BaseTransport) -> None:
    """The scopes that toolkit.yaml promises are the ones that the API asks for."""
    tokens = {scope: connect(visitor, transport, "acme", scope) for scope in SCOPES if scope != "profile"}
    path = {"message_id": str(uuid.uuid4()), "channel": "general"}

    for tool in read_toolkit()["tools"]:
        ((needed,),) = tool["scopes"]
        for scope, token in tokens.items():
            answer = call(transport, token, tool["method"], tool["path"].format(**path), json={})
            is_refused = answer.status_code == 403
            assert is_refused is (needed not in {scope, "profile"}), (tool["slug"], scope)
            assert not is_refused or answer.json()["error"]["code"] == "insufficient_scope"


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic dTpw", "wrong"])
def test_without_a_good_token_there_is_nothing(visitor: Browser, header: str) -> None:
    answer = visitor.get("/sandbox/api/messages", headers={"authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"]


def test_a_method_that_an_address_lacks_is_405(ada: Tokens, transport: httpx2.BaseTransport) -> None:
    assert call(transport, ada, "PUT", "/messages").json()["error"]["code"] == "method_not_allowed"


def test_the_front_page_shows_what_a_tool_did(ada: Tokens, visitor: Browser, transport: httpx2.BaseTransport) -> None:
    call(transport, ada, "POST", "/messages", json={**HELLO, "subject": "<b>Seen</b>"})
    call(transport, ada, "POST", "/channels/general/messages", json={"text": "Posted by a tool"})

    page = visitor.get("/sandbox/").content.decode()

    assert "Sandbox: a pretend provider that ships with Switchboard" in page
    assert page.count("&lt;b&gt;Seen&lt;/b&gt;") == 2
    assert "Posted by a tool" in page
    assert all(identity.name in page for identity in IDENTITIES.values())


def test_the_first_contents_appear_once(visitor: Browser) -> None:
    visitor.get("/sandbox/")
    count = ChannelMessage.objects.count()
    visitor.get("/sandbox/")

    assert ChannelMessage.objects.count() == count > 0


def test_toolkit_and_api_agree_on_scopes_and_addresses() -> None:
    toolkit = read_toolkit()
    send = next(tool for tool in toolkit["tools"] if tool["slug"] == "SANDBOX_SEND_MESSAGE")

    assert toolkit["scopes"] == SCOPES
    assert send["parameters"]["properties"]["to"]["enum"] == [item.email for item in IDENTITIES.values()]


def test_every_address_declares_itself_public() -> None:
    def declares(view: object) -> bool:
        return getattr(view, "required_permission", "") == "public" and getattr(view, "login_required", True) is False

    assert all(declares(pattern.callback) for pattern in urlpatterns)
    assert declares(public(lambda request: request))
    assert not declares(lambda request: request)
