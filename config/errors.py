"""The pages for what went wrong before or around a view."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token was missing or stale: say how to go on. The reason is for logs, not for people."""
    del reason
    return render(request, "403_csrf.html", status=403)
