"""What support does, each on a page of its own: what happens, a reason, one record (check A1)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin_base import ShownAdmin
from accounts.models import User
from orgs.errors import DomainError
from orgs.models import Owner
from orgs.permissions import Actor, Power, has_power, require_power
from orgs.queries.actors import actor_for_support

REASON_LENGTH = 200


@dataclass(frozen=True)
class Act:
    """One thing that support may do to a row."""

    name: str  # in its address
    power: Power
    label: str  # on its button
    effects: Callable[[Any], Sequence[tuple[str, str]]]  # what happens, to whom
    blocked: Callable[[Actor, Any, datetime], str]  # why it cannot be done now; empty: it can
    do: Callable[["Order"], str]  # returns what was done, in a sentence


@dataclass(frozen=True)
class Order:
    """What somebody of the support team confirmed."""

    request: HttpRequest
    actor: Actor
    row: Any
    reason: str
    now: datetime


class ReasonForm(forms.Form):
    """Why. It stands in the log of whom it concerns."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        min_length=5,
        strip=True,
        widget=forms.TextInput(attrs={"size": 60, "autocomplete": "off"}),
        help_text="It stands in the audit log of whoever this concerns, with your name. Nothing secret, please.",
    )


def support_actor(request: HttpRequest) -> Actor:
    """Whoever works in the admin site does so as support, whatever they are elsewhere. Once per request."""
    known: Actor | None = getattr(request, "support_actor", None)
    if known is None:
        known = actor_for_support(cast("User", request.user))
        cast("Any", request).support_actor = known
    return known


class ActingAdmin(ShownAdmin):
    """A page of the admin site with buttons for what support may do to the row."""

    acts: ClassVar[Sequence[Act]] = ()

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{act.name}/",
                self.admin_site.admin_view(partial(self.act_view, act)),
                name=self._url_name(act),
            )
            for act in self.acts
        ]
        return [*own, *super().get_urls()]

    def _url_name(self, act: Act) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{act.name}"

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if row := context.get("original"):
            context["acts"] = list(self._buttons(request, row))
        return super().render_change_form(request, context, *args, **kwargs)

    def _buttons(self, request: HttpRequest, row: Any) -> Iterator[dict[str, str]]:
        actor = support_actor(request)
        for act in self.acts:
            may = has_power(actor, act.power)
            reason = act.blocked(actor, row, timezone.now()) if may else "You do not have the permission for this."
            url = reverse(f"admin:{self._url_name(act)}", args=[quote(row.pk)])
            yield {"label": act.label, "url": "" if reason else url, "reason": reason}

    def act_view(self, act: Act, request: HttpRequest, object_id: str) -> HttpResponse:
        """First what happens, then the deed. The service checks again, under its lock."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        require_power(support_actor(request), act.power)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        form = ReasonForm(request.POST if request.method == "POST" else None)
        blocked = act.blocked(support_actor(request), row, timezone.now())
        if request.method == "POST" and form.is_valid() and not blocked:
            return self._do(request, act, row, form.cleaned_data["reason"])
        status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
        return render(request, "admin/act.html", self._context(request, act, row, form, blocked), status=status)

    def _do(self, request: HttpRequest, act: Act, row: Any, reason: str) -> HttpResponse:
        try:
            done = act.do(Order(request, support_actor(request), row, reason, timezone.now()))
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, done)
        return redirect(self._page_of(row))

    def _page_of(self, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(row.pk)])

    def _context(self, request: HttpRequest, act: Act, row: Any, form: forms.Form, blocked: str) -> dict[str, Any]:
        shown = self.shown_id(row)
        return {
            **self.admin_site.each_context(request),
            "title": f"{act.label}: {shown}",
            "opts": self.opts,
            "act": act,
            "effects": act.effects(row),
            "blocked": blocked,
            "form": form,
            "shown": shown,
            "back": self._page_of(row),
        }


def owner_link(row: Owner | None) -> str:
    """The owner of a row by name, leading to its page in the admin site."""
    if row is None:
        return "the installation"
    kind = "orgs_organization" if row.ref.is_organization else "accounts_user"
    url = reverse(f"admin:{kind}_change", args=[quote(row.ref.id)])
    return format_html('<a href="{}" title="{}">{}</a>', url, row.ref.text_id, row.ref.label)


def owner_facts(row: Owner | None) -> str:
    """The owner with its ID, for the page of the row; a list has no room for it."""
    return format_html("{} {}", owner_link(row), row.ref.text_id) if row else owner_link(row)
