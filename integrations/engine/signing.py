"""How an event is signed: the scheme of Standard Webhooks, with the whole text of the secret as the key.

`v1,` + base64(HMAC-SHA256(secret, id.timestamp.body)); one for each secret that is good just now, with spaces between.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "sb_hook_"  # noqa: S105  # says what a leaked text is; not `whsec_`, which means base64
VERSION_HEADER: Final = "x-composio-webhook-version"
VERSION: Final = "V3"


def make_secret() -> str:
    """256 random bits as text."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def signature_of(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_headers(signing: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt; `signing` holds the newest secret first."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Switchboard-Webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature_of(one, message_id, timestamp, body) for one in signing),
        VERSION_HEADER: VERSION,
    }
