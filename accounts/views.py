"""Pages about oneself. Sign-in, e-mail addresses, password and MFA are allauth's pages in our design."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.decorators import PersonalRequest, for_self
from accounts.forms import ProfileForm, ThemeForm
from accounts.own_paths import own_path
from accounts.services import UsernameTakenError, choose_theme, show_first_steps, update_profile
from accounts.themes import remember_theme


@for_self
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PersonalRequest) -> HttpResponse:
    user = request.user
    initial = {"name": user.name, "username": user.username, "theme": user.theme}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            update_profile(actor=user, **form.cleaned_data)
        except UsernameTakenError as error:
            form.add_error("username", error.message)
        else:
            return _saved(request, user.theme)
    return _page(request, form)


def _saved(request: HttpRequest, theme: str) -> HttpResponse:
    messages.success(request, "Your profile is saved.")
    response = redirect("profile")
    remember_theme(response, theme)
    return response


def _page(request: HttpRequest, form: ProfileForm) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "accounts/profile.html", {"form": form}, status=status)


@for_self
@require_POST
def first_steps(request: PersonalRequest) -> HttpResponse:
    """Hide the newcomer's steps, or with `show` bring them back. Then the home page that it was asked from."""
    shown = "show" in request.POST
    show_first_steps(actor=request.user, shown=shown)
    if not shown:
        messages.success(request, "The first steps are hidden. Your profile brings them back.")
    return redirect(own_path(request.POST.get("next", "")) or "home")


@for_self
@require_POST
def theme(request: PersonalRequest) -> HttpResponse:
    """The switch in the frame saves its choice for the next device. Answers nothing: the page has changed already."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return HttpResponse("Choose system, light or dark.", status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    choose_theme(actor=request.user, theme=form.cleaned_data["theme"])
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    remember_theme(response, form.cleaned_data["theme"])
    return response
