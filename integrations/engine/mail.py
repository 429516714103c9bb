"""Write an e-mail as RFC 5322 text in the base64url form that mail APIs take."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from integrations.engine.errors import InputError

ATOM = r"[^\s@,;:<>()\[\]\"\\\x00-\x1f\x7f-\U0010ffff]"
ADDRESS = re.compile(rf"{ATOM}{{1,64}}@{ATOM}{{1,253}}")
LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")


def raw_message(arguments: Mapping[str, Any], text: str, headers: Mapping[str, str]) -> str:
    """`headers` come from us or the provider, everything else from the caller's arguments."""
    try:
        message = _written(arguments, text, headers)
    except (MessageError, ValueError, IndexError):  # what the standard library raises for odd text
        raise InputError([("", "The e-mail could not be written: its text or subject is not valid.")]) from None
    return base64.urlsafe_b64encode(message).decode()


def _written(arguments: Mapping[str, Any], text: str, headers: Mapping[str, str]) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["To"] = _addresses("recipient_email", _recipients(arguments))
    for name in ("cc", "bcc"):
        if arguments.get(name):
            message[name.capitalize()] = _addresses(name, arguments[name])
    for name, value in headers.items():
        message[name] = _one_line(value)
    message.set_content(text, subtype="html" if arguments.get("is_html") else "plain")
    return message.as_bytes()


def _recipients(arguments: Mapping[str, Any]) -> list[str]:
    return [arguments["recipient_email"], *(arguments.get("extra_recipients") or [])]


def _addresses(field: str, addresses: Iterable[str]) -> str:
    """One address per entry: a comma or a line break would smuggle in others."""
    found = list(addresses)
    if not all(ADDRESS.fullmatch(address) for address in found):
        raise InputError([(field, f"“{field}” must hold plain e-mail addresses, such as ada@example.com.")])
    return ", ".join(found)


def _one_line(value: str) -> str:
    return LINE_BREAKS.sub(" ", value).strip()
