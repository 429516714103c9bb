"""The command palette: tools, connections, runs, members and pages of the current owner."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.htmx import wants_fragment
from integrations.queries.search import search
from orgs.decorators import SignedInRequest, signed_in
from orgs.identities import Identity, NavItem, identities_of, nav_of
from orgs.permissions import OwnerRef

MAX_LENGTH = 100


@signed_in
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """The fragment of the palette for htmx; a page of its own for everybody else."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_LENGTH]
    owner = _owner(request)
    request.owner = owner  # type: ignore[attr-defined]  # the frame of the page asks for it
    context = {
        "q": text,
        "found": search(actor=request.actor, owner=owner, text=text),
        "pages": _pages(request, text),
        "switches": [one for one in identities_of(request, request.actor) if _fits(text, one)],
    }
    return render(request, f"integrations/search/{'_results' if wants_fragment(request) else 'search'}.html", context)


def _owner(request: SignedInRequest) -> OwnerRef:
    """Whose things: the page's owner if it is one of the actor's own, else the actor."""
    asked = request.GET.get("owner", "")
    reach = request.actor.admitted()
    return next((owner for owner in reach if owner.text_id == asked), reach[0])


def _pages(request: SignedInRequest, text: str) -> list[NavItem]:
    pages = [
        *nav_of(request, request.actor),
        NavItem("Profile", reverse("profile"), "user-circle", is_current=False),
        NavItem("New organization", reverse("organization_create"), "plus", is_current=False),
    ]
    return [page for page in pages if text.casefold() in page.label.casefold()]


def _fits(text: str, identity: Identity) -> bool:
    words = f"switch to {'me' if identity.kind == 'user' else ''} {identity.label}"
    return not identity.is_current and text.casefold() in words.casefold()
