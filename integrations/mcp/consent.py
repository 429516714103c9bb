"""The consent page: which client asks, as whom it would act, what it could run there, and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from integrations.mcp.listing import tools_of
from integrations.mcp.oauth_server import Agreed, audience_in, scopes_of, server
from integrations.mcp.place import Place, mcp_url, place_of
from orgs.decorators import SignedInRequest, freshly_signed_in, signed_in
from orgs.errors import NotFoundError
from orgs.permissions import OwnerRef, Permission, Scope, require
from orgs.redirect_uris import origin_of, stays_here

DAYS: Final = ((1, "Until tomorrow"), (7, "For 7 days"), (30, "For 30 days"), (90, "For 90 days"))
USUAL_DAYS: Final = 30
NO_PLACE: Final = (
    "The client asks for an MCP address that is not within your reach, or does not exist. Copy the address from the "
    "page of one of your sessions into the client, or sign in as somebody else."
)
SAID: Final = {
    "invalid_client": "The client is not known here, or was forgotten because nobody let it in within a day.",
    "unsupported_response_type": "The client asks for something other than an authorization code.",
    "invalid_scope": "The client asks for nothing that an MCP client can be granted here.",
    "insecure_transport": "This installation is reached over plain http, over which nothing can be granted.",
}
WORDS: Final = {
    Scope.TOOLS_READ: "See which tools there are",
    Scope.EXECUTIONS_READ: "See its runs and their results",
    Scope.EXECUTIONS_WRITE: "Run tools",
    Scope.CONNECTIONS_READ: "See which accounts are connected under this ID",
}
MALFORMED: Final = "The request of the client cannot be read."


@dataclass(frozen=True)
class Asked:
    """A request that the protocol has nothing against: Authlib's grant, and the place that it is for."""

    grant: Any
    place: Place
    audience: str

    @property
    def redirect_uri(self) -> str:
        return str(self.grant.request.payload.redirect_uri)


class UntilForm(forms.Form):
    """How long the client may go on without asking again."""

    days = forms.TypedChoiceField(label="Until", coerce=int, help_text="You can end it at any time.")

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        longest = settings.API_KEY_MAX_DAYS
        possible = [one for one in DAYS if not longest or one[0] <= longest] or [(longest, f"For {longest} days")]
        usual = USUAL_DAYS if USUAL_DAYS in dict(possible) else possible[-1][0]
        super().__init__(data, initial={"days": usual})
        self.fields["days"].choices = possible  # type: ignore[attr-defined]  # a ChoiceField, as declared above


@signed_in
@freshly_signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: SignedInRequest) -> HttpResponse:
    """GET says what would happen; POST agrees to it or not. Nothing is stored before that."""
    try:
        asked = _read(request)
    except OAuth2Error as error:
        return _refused(request, error)
    form = UntilForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and request.POST.get("action") != "allow":
        return _answer(asked, None)
    if request.method == "POST" and form.is_valid():
        return _answer(asked, Agreed(request.actor, asked.place.owner, form.cleaned_data["days"]))
    return _page(request, asked, form)


def _read(request: SignedInRequest) -> Asked:
    """OAuth2Error for what the protocol refuses, NotFoundError for an address that is not this person's."""
    try:
        grant = server.get_consent_grant(request, end_user=request.user)
    except ValueError:  # Authlib quotes what was sent in its error, which refuses what is not ASCII
        raise InvalidRequestError(MALFORMED) from None
    try:
        audience = audience_in(grant.request)
    except OAuth2Error as error:
        error.redirect_uri, error.state = grant.redirect_uri, grant.request.payload.state
        raise
    try:
        place = place_of(audience, request.actor)
    except NotFoundError:
        raise NotFoundError(NO_PLACE) from None
    require(request.actor, Permission.TOOLS_READ, place.owner)
    return Asked(grant, place, audience)


def _answer(asked: Asked, agreed: Agreed | None) -> HttpResponse:
    response: HttpResponse = server.create_authorization_response(asked.grant.request, agreed, asked.grant)
    return response


def _refused(request: SignedInRequest, error: OAuth2Error) -> HttpResponse:
    """Back to a program on this computer at once; to another site only when the person goes there themself.

    Anybody can register a client, so a request that is wrong on purpose must not make this an open redirect
    (RFC 9700 section 4.11.2). Where the address is not the client's own there is no way back at all.
    """
    context = {"said": SAID.get(error.error) or error.description or error.error}
    if error.redirect_uri:
        response: HttpResponse = server.handle_error_response(None, error)
        if stays_here(error.redirect_uri):
            return response
        context |= {"back": response["Location"], "host": urlsplit(error.redirect_uri).netloc}
    return render(request, "integrations/mcp/refused.html", context, status=HTTPStatus.BAD_REQUEST)


def _page(request: SignedInRequest, asked: Asked, form: UntilForm) -> HttpResponse:
    owner = asked.place.owner
    context = {
        "form": form,
        "client": asked.grant.request.client.row,
        "place": asked.place,
        "address": f"{settings.BASE_URL}{asked.audience}/",
        "acting_as": owner,
        "role": request.actor.role_in(owner),
        "host": urlsplit(asked.redirect_uri).netloc,
        "stays_here": stays_here(asked.redirect_uri),
        "scopes": [WORDS[one] for one in scopes_of(asked.grant.request.payload.scope)],
        "toolkits": _toolkits(asked.place),
        "others": _others(request, owner),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    response = render(request, "integrations/mcp/consent.html", context, status=status)
    # Chromium holds a form's redirects to form-action: this page alone may send its form on to this client.
    response._csp_update = {"form-action": [origin_of(asked.redirect_uri)]}  # type: ignore[attr-defined]  # noqa: SLF001  # django-csp's way
    return response


def _toolkits(place: Place) -> Sequence[tuple[Any, int, int]]:
    """Each toolkit with how many of its tools would run there now, and how many it has."""
    found: dict[str, tuple[Any, int, int]] = {}
    for tool, decision in tools_of(place):
        kit, running, tools = found.get(tool.toolkit.slug, (tool.toolkit, 0, 0))
        found[tool.toolkit.slug] = (kit, running + decision.allowed, tools + 1)
    return sorted(found.values(), key=lambda one: (-one[1], one[0].name))


def _others(request: SignedInRequest, owner: OwnerRef) -> list[tuple[OwnerRef, str]]:
    """The other IDs that this person may act under, with the address to give to the client in place of this one."""
    return [(one, mcp_url(one)) for one in request.actor.reach() if one != owner]
