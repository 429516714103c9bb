"""A receiver as its maker would write it: it takes requests apart and verifies signatures by the reference alone.

Nothing of the product's own signing is imported here: two implementations must agree.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from tests.integrations.engine.servers import Provider


@dataclass(frozen=True)
class Received:
    """One request as it came off the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """Protocol, 7: `v1,` + base64(HMAC-SHA256(secret, id.timestamp.body)), several separated by spaces."""
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


def received(provider: Provider) -> list[Received]:
    return [_read(raw) for raw in provider.requests]


def _read(raw: bytes) -> Received:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *lines = head.decode("ascii").split("\r\n")
    pairs = (one.partition(": ")[::2] for one in lines)
    return Received(line, {name.lower(): value for name, value in pairs}, body)
