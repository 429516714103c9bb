"""What a person was told: the list behind the bell."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.ids import from_text
from orgs.decorators import SignedInRequest, signed_in
from orgs.errors import NotFoundError
from orgs.queries.notices import count_unread, has_notices, list_notices
from orgs.services.notices import mark_all_read, open_notice

UNREAD = "unread"


@signed_in
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    only_unread = request.GET.get("show") == UNREAD
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    page = list_notices(actor=request.actor, only_unread=only_unread, before=before, after=after)
    unread = count_unread(actor=request.actor)
    context = {
        "page": page,
        "only_unread": only_unread,
        "unread_notices": unread,  # the bell needs no count of its own
        "newest": page.rows[0].text_id if page.rows else "",
        "has_any": bool(page.rows) or has_notices(actor=request.actor),
        "shut_out_of": [one for one in request.actor.reach() if one.id in request.actor.lacks_factor],
        "show": f"show={UNREAD}&" if only_unread else "",
    }
    return render(request, "orgs/notices/list.html", context)


@signed_in
@require_POST
def open_one(request: SignedInRequest, notice_id: str) -> HttpResponse:
    """A POST, because it changes something: the notice is read from now on."""
    wanted = from_text("nt", notice_id)
    if wanted is None:
        raise NotFoundError("This notice is not there any more.")
    return redirect(open_notice(actor=request.actor, notice_id=wanted, now=timezone.now()))


@signed_in
@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    until = from_text("nt", request.POST.get("until", ""))
    count = mark_all_read(actor=request.actor, until=until, now=timezone.now())
    if count:
        messages.success(request, f"{count} {'notice is' if count == 1 else 'notices are'} marked as read.")
    return redirect("notices")
