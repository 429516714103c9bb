"""One name for one site: the demo answers under `localhost` too, and sends the browser on to its own name.

A session cookie belongs to one host, so a connection that began at `localhost` could not be finished at
`127.0.0.1`, where the provider sends people back to.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

GetResponse = Callable[[HttpRequest], HttpResponse]
PROBES = ("/healthz", "/readyz")


class OneHostMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        if settings.ENVIRONMENT != "demo":
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.host = urlsplit(settings.BASE_URL).netloc

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_page = request.path not in PROBES and not request.path.startswith("/api/")
        if request.method == "GET" and is_page and request.get_host() != self.host:
            return HttpResponseRedirect(settings.BASE_URL + request.get_full_path())
        return self.get_response(request)
