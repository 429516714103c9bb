"""The sandbox's small API: who am I, a mailbox, a team's channels. It sees what the token's identity sees."""

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse

from integrations.sandbox import contents
from integrations.sandbox.doors import RequestError, api
from integrations.sandbox.identities import CHANNELS, IDENTITIES, Identity
from integrations.sandbox.models import ChannelMessage, Message

LARGEST_PAGE = 50
USUAL_PAGE = 20
SUBJECT_LENGTH = 200
BODY_LENGTH = 10_000
POST_LENGTH = 4_000
ADDRESS_LENGTH = 200


@api("profile")
def profile(_request: HttpRequest, identity: Identity) -> JsonResponse:
    return JsonResponse({"sub": identity.slug, "name": identity.name, "email": identity.email, "kind": identity.kind})


@api("mail.read")
def list_messages(request: HttpRequest, identity: Identity) -> JsonResponse:
    folder = request.GET.get("folder", Message.Folder.INBOX)
    if folder not in Message.Folder.values:
        raise RequestError(400, "invalid_folder", "folder must be inbox or sent.")
    messages = contents.messages_of(identity, folder)[: _limit(request)]
    return JsonResponse({"messages": [_summary(message) for message in messages]})


@api("mail.read")
def get_message(_request: HttpRequest, identity: Identity, message_id: str) -> JsonResponse:
    message = contents.message_of(identity, _uuid(message_id))
    if message is None:
        raise _no_message()
    return JsonResponse({**_summary(message), "body": message.body})


@api("mail.send")
def send_message(request: HttpRequest, identity: Identity) -> JsonResponse:
    fields = _fields(request, to=ADDRESS_LENGTH, subject=SUBJECT_LENGTH, body=BODY_LENGTH)
    try:
        message = contents.send_message(
            identity, recipient=fields["to"], subject=fields["subject"], body=fields["body"]
        )
    except contents.UnknownRecipientError:
        known = ", ".join(item.email for item in IDENTITIES.values())
        raise RequestError(422, "unknown_recipient", f"Mail stays in the sandbox. Write to one of: {known}.") from None
    return JsonResponse({**_summary(message), "body": message.body}, status=201)


@api("mail.delete")
def delete_message(_request: HttpRequest, identity: Identity, message_id: str) -> JsonResponse:
    if not contents.delete_message(identity, _uuid(message_id)):
        raise _no_message()
    return JsonResponse({"id": message_id, "deleted": True})


@api("channel.read")
def list_channels(_request: HttpRequest, identity: Identity) -> JsonResponse:
    channels = [{"name": name, "topic": CHANNELS[name].topic} for name in identity.channels]
    return JsonResponse({"channels": channels})


@api("channel.read")
def list_channel_messages(request: HttpRequest, identity: Identity, channel: str) -> JsonResponse:
    posts = contents.posts_in(_channel(identity, channel))[: _limit(request)]
    return JsonResponse({"messages": [_post(item) for item in posts]})


@api("channel.write")
def post_to_channel(request: HttpRequest, identity: Identity, channel: str) -> JsonResponse:
    text = _fields(request, text=POST_LENGTH)["text"]
    return JsonResponse(_post(contents.post(identity, channel=_channel(identity, channel), text=text)), status=201)


def _summary(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.id),
        "folder": message.folder,
        "from": message.sender,
        "to": message.recipient,
        "subject": message.subject,
        "sent_at": message.sent_at,
    }


def _post(item: ChannelMessage) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "channel": item.channel,
        "author": IDENTITIES[item.author].name,
        "text": item.text,
        "posted_at": item.posted_at,
    }


def _channel(identity: Identity, name: str) -> str:
    name = name.removeprefix("#")
    if name not in identity.channels:
        raise RequestError(404, "channel_not_found", f"{identity.name} is in no channel of that name.")
    return name


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _no_message() from None


def _no_message() -> RequestError:
    return RequestError(404, "message_not_found", "There is no message with that ID in this mailbox.")


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("limit", str(USUAL_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < len("1000") and 1 <= int(text) <= LARGEST_PAGE):
        raise RequestError(400, "invalid_limit", f"limit must be a number from 1 to {LARGEST_PAGE}.")
    return int(text)


def _fields(request: HttpRequest, **longest: int) -> dict[str, str]:
    """The JSON body's texts; each must be there, hold something and not be too long."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RequestError(400, "invalid_json", "The body must be a JSON object.")
    for name, length in longest.items():
        value = body.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > length or not _is_storable(value):
            raise RequestError(422, "invalid_field", f"{name} must be a text of 1 to {length} characters.")
    return {name: body[name] for name in longest}


def _is_storable(text: str) -> bool:
    """PostgreSQL takes no NUL, and a lone surrogate has no UTF-8 form."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
