"""Every component with sample data, for whoever works on the pages. Not mounted in production."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.decorators import public
from orgs.styleguide import sample_context


@public
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", sample_context())
