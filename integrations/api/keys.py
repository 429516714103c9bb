"""The two headers in which an API key may come."""

from typing import Any, Final

from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer

from integrations.doors.keys import HEADER, identify, refuse_misplaced


class HeaderKey(APIKeyHeader):
    """As the SDKs send it."""

    param_name = HEADER

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        refuse_misplaced(request)
        return identify(request, key) if key is not None else None


class BearerKey(HttpBearer):
    """The same key as `Authorization: Bearer`."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return identify(request, token)


KEY_AUTH: Final = [HeaderKey(), BearerKey()]
