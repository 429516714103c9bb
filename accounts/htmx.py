"""What htmx asks for, and how it is led to another page."""

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.own_paths import own_path


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asked for a part of the page. A boosted link and the way back in the history ask for all of it."""
    htmx = _htmx(request)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def lead_to(request: HttpRequest, url: str) -> HttpResponse:
    """To another page. After a plain redirect htmx would put that page into this one."""
    return HttpResponseClientRedirect(url) if wants_fragment(request) else HttpResponseRedirect(url)


def page_around(request: HttpRequest) -> str:
    """The path of the page that htmx asked from; the home page if the header names none of ours."""
    return own_path(_htmx(request).current_url_abs_path or "") or "/"


def _htmx(request: HttpRequest) -> HtmxDetails:
    """As django_htmx.middleware left it; a request that ended before it came from there asks for a page."""
    return cast("HtmxDetails", getattr(request, "htmx", None) or HtmxDetails(request))
