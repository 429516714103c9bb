"""The installation's own keys: taken from the environment, refused when missing, short or an example."""

import base64
import binascii
from secrets import token_bytes, token_urlsafe

from django.core.exceptions import ImproperlyConfigured

EXAMPLE_MARKS = ("change-me", "changeme", "example", "insecure", "secret-key", "your-")
MIN_LENGTH = 50  # Django's own deployment check (security.W009)
MIN_DIFFERENT = 10
FERNET_BYTES = 32
MAKE_ONE = "Make one with: python -m config.keys"


def secret_key(value: str, *, strict: bool) -> str:
    """Return the key that signs sessions and links; raise ImproperlyConfigured when it cannot be trusted."""
    if not value:
        raise ImproperlyConfigured(f"SECRET_KEY is not set. {MAKE_ONE}")
    if strict and _is_weak(value):
        raise ImproperlyConfigured(f"SECRET_KEY is too short or an example. {MAKE_ONE}")
    return value


def field_encryption_keys(values: list[str], *, secret_key: str, strict: bool) -> list[str]:
    """Return the Fernet keys, newest first, that seal credentials, client secrets, arguments and results."""
    if not values:
        raise ImproperlyConfigured(f"FIELD_ENCRYPTION_KEYS is not set. {MAKE_ONE}")
    for position, value in enumerate(values, start=1):
        _require_fernet_key(value, position, strict=strict)
        if value == secret_key:
            raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS and SECRET_KEY must differ: they are rotated apart.")
    return values


def _require_fernet_key(value: str, position: int, *, strict: bool) -> None:
    try:
        raw = base64.urlsafe_b64decode(value.encode())
    except (binascii.Error, ValueError) as error:
        raise ImproperlyConfigured(f"FIELD_ENCRYPTION_KEYS: key {position} is not base64. {MAKE_ONE}") from error
    if len(raw) != FERNET_BYTES:
        raise ImproperlyConfigured(f"FIELD_ENCRYPTION_KEYS: key {position} is not 32 bytes long. {MAKE_ONE}")
    if strict and len(set(raw)) < MIN_DIFFERENT:
        raise ImproperlyConfigured(f"FIELD_ENCRYPTION_KEYS: key {position} is an example. {MAKE_ONE}")


def _is_weak(value: str) -> bool:
    return (
        len(value) < MIN_LENGTH
        or len(set(value)) < MIN_DIFFERENT
        or any(mark in value.lower() for mark in EXAMPLE_MARKS)
    )


def generate() -> dict[str, str]:
    """Return a fresh key of each kind, by the name of its setting."""
    return {
        "SECRET_KEY": token_urlsafe(60),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(token_bytes(FERNET_BYTES)).decode(),
    }


if __name__ == "__main__":
    for name, value in generate().items():
        print(f"{name}={value}")  # noqa: T201  # the command's purpose
