"""What a username may look like.

A username is accepted as an alias of one's own user ID, so it must never be readable as another
kind of ID (check H3): no e-mail address, no UUID, no ID of ours, not `default`.
"""

import re
import unicodedata
from uuid import UUID

from django.core.exceptions import ValidationError

from accounts.ids import PREFIXES

SHAPE = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38})[a-z0-9]\Z", re.IGNORECASE)
RESERVED = frozenset(
    {"default", "me", "admin", "root", "system", "support", "switchboard", "anonymous", "none", "null"}
)


def validate_username(value: str) -> None:
    """Raise ValidationError when the name could be taken for something else."""
    name = unicodedata.normalize("NFKC", value).casefold().strip()
    if "@" in name:
        raise ValidationError("A username cannot look like an e-mail address. Leave out the @.", code="email")
    if _is_uuid(name) or _is_own_id(name):
        raise ValidationError("A username cannot look like an ID. Choose a name that people can read.", code="id")
    if name in RESERVED:
        raise ValidationError("This username is reserved. Choose another one.", code="reserved")
    if not SHAPE.match(value):
        raise ValidationError(
            "Use 3 to 40 letters, digits, dots, hyphens or underscores, and begin and end with a letter or digit.",
            code="shape",
        )


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _is_own_id(name: str) -> bool:
    prefix, separator, rest = name.partition("_")
    return bool(separator) and prefix in PREFIXES and bool(re.fullmatch(r"[0-9a-f]{4,}", rest))


USERNAME_VALIDATORS = [validate_username]
