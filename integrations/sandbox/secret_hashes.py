"""Random codes and tokens, and the only form in which they are stored."""

import hashlib
import secrets


def new_secret(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def hash_secret(value: str) -> str:
    """A plain digest is enough: the values are random and long, so there is nothing to guess."""
    return hashlib.sha256(value.encode()).hexdigest()
