"""A column of sealed JSON. How a value is sealed and opened: `accounts.sealing`."""

from typing import TYPE_CHECKING, Any

from django.db import models

from accounts.sealing import UNREADABLE, Sealed, SecretUnreadableError, rotate, seal, unseal

__all__ = ["UNREADABLE", "EncryptedJSONField", "Sealed", "SecretUnreadableError", "rotate", "seal", "unseal"]

if TYPE_CHECKING:

    class TextField(models.TextField[Any, Any]):
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any
else:
    TextField = models.TextField  # Django's fields are generic to the type checker only


class EncryptedJSONField(TextField):
    """A column of sealed JSON. Its Python value is a `Sealed`, or None."""

    def from_db_value(self, value: str | None, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Sealed | None:
        return value if value is None or isinstance(value, Sealed) else Sealed(str(value))

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError(f"{self.name} takes a Sealed value: call seal() first.")
        return value.text
