"""The logos of toolkits. They come from files that others may write, so nothing in them may run or load."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from integrations.queries.tools import toolkit_logo
from orgs.decorators import public

# Opened on its own, an SVG is a document that may hold scripts: sandboxed, it has no origin and loads nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
YEAR, HOUR = 365 * 24 * 3600, 3600


@public
@require_safe
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    """With `?v=` and the toolkit's version the address changes when the picture does: then it may be kept for long."""
    response = HttpResponse(toolkit_logo(actor=None, slug=slug), content_type="image/svg+xml")
    lifetime = f"max-age={YEAR}, immutable" if request.GET.get("v") else f"max-age={HOUR}"
    response["Cache-Control"] = f"public, {lifetime}"
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response
