"""The text of an API key: `sb_<kind>_<public id>_<secret><checksum>` (checks K1, K2).

The public ID finds the row, the secret proves it, the checksum tells a typing error or a scanner's
false alarm from a key without asking the database.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from zlib import crc32

PUBLIC_BYTES = 8
SECRET_BYTES = 24  # 192 bits
OAUTH_BYTES = 32
OAUTH_PREFIX = "sb_mcp_"
SHAPE = re.compile(r"sb_(?:user|org|app)_([0-9a-f]{16})_[0-9a-f]{48}([0-9a-f]{8})\Z")


@dataclass(frozen=True)
class KeyText:
    """A fresh key. `text` is shown once and never stored."""

    text: str = field(repr=False)
    public_id: str
    digest: str = field(repr=False)
    last_four: str


def make_key_text(kind: str) -> KeyText:
    """`kind` is `user`, `org` or `app`: whose key it is can be seen, by people and by scanners."""
    public_id = secrets.token_hex(PUBLIC_BYTES)
    body = f"sb_{kind}_{public_id}_{secrets.token_hex(SECRET_BYTES)}"
    text = body + _checksum(body)
    return KeyText(text, public_id, digest_of(text), text[-4:])


def make_oauth_secret() -> str:
    """A code or token of an MCP client: nothing in it says whose it is. Scanners know it by how it begins."""
    return OAUTH_PREFIX + secrets.token_hex(OAUTH_BYTES)


def is_oauth_secret(text: str) -> bool:
    return text.startswith(OAUTH_PREFIX)


def public_id_of(text: str) -> str | None:
    """The public ID of a well-formed key; None for anything else."""
    match = SHAPE.match(text)
    if match is None or _checksum(text[: -len(match[2])]) != match[2]:
        return None
    return match[1]


def digest_of(text: str) -> str:
    """SHA-256 suffices: the secret is random and long, so there is nothing to guess (OWASP ASVS 11.4.2)."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{crc32(body.encode()):08x}"
