"""The addresses of the API: both versions lead to the same handlers, and everything else to an error in its shape."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.http import require_safe

from integrations.api.document import openapi_json
from integrations.api.errors import error_response
from integrations.api.root import api
from orgs.decorators import public

VERSIONS = ("v3.1", "v3")
Pattern = URLPattern | URLResolver


@public
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    del request, rest
    return error_response(status=404)


def _open(patterns: Iterable[Pattern]) -> Iterator[Pattern]:
    """No session opens these: the key does, in the API itself."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name != "api-root":
            cast("Any", pattern.callback).login_required = False
            yield pattern


_patterns: list[Pattern] = [path("openapi.json", require_safe(openapi_json), name="openapi"), *_open(api.urls[0])]
nowhere.csrf_exempt = True  # type: ignore[attr-defined]  # Django's own mark
api_patterns: list[Pattern] = [
    *(path(f"{version}/", include((_patterns, "api"), namespace=f"api-{version}")) for version in VERSIONS),
    re_path(r"^(?P<rest>.*)$", nowhere, name="api_nowhere"),
]
