"""The secret part of an invitation's link."""

import hashlib
import secrets
from typing import Final

TOKEN_BYTES: Final = 32


def make_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """What is stored. The token is random and long, so that a plain hash suffices (OWASP ASVS 11.4.2)."""
    return hashlib.sha256(token.encode()).hexdigest()
