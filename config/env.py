"""Reads settings from the environment; a value of the wrong kind is named in a sentence."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

import environ
from django.core.exceptions import ImproperlyConfigured

YES_OR_NO: Final = frozenset({"1", "0", "true", "false", "yes", "no", "on", "off"})


class Environment(environ.Env):  # type: ignore[misc]  # the library has no types
    """A variable that is set but empty counts as not set, as in a copied `.env.example`."""

    def __init__(self) -> None:
        super().__init__()
        self.ENVIRON = {name: value for name, value in os.environ.items() if value}

    def get_value(self, var: str, cast: Any = None, **kwargs: Any) -> Any:
        if cast is bool and self.ENVIRON.get(var, "0").lower() not in YES_OR_NO:
            raise ImproperlyConfigured(f"{var} is {self.ENVIRON[var]!r}; it must be 1 or 0.")
        try:
            return super().get_value(var, cast=cast, **kwargs)
        except ValueError:
            raise ImproperlyConfigured(f"{var} is {self.ENVIRON.get(var)!r}; it must be a number.") from None

    def networks(self, var: str) -> list[IPv4Network | IPv6Network]:
        """Addresses and networks such as `10.0.0.0/8`, separated by commas; none by default."""
        try:
            return [ip_network(text.strip()) for text in self.list(var, default=[])]
        except ValueError as error:
            raise ImproperlyConfigured(f"{var}: {error}. Give addresses or networks such as 192.0.2.0/24.") from None
