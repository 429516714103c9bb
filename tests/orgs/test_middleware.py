"""Errors that may be shown become pages, and fragments for htmx; nobody's page is kept by a cache."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, TooManyError, UnauthenticatedError
from orgs.middleware import DomainErrorMiddleware, NoStoreMiddleware
from tests.world import World


def answer(error: Exception, **headers: str) -> HttpResponse | None:
    request = RequestFactory().get("/me/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    request.htmx = HtmxDetails(request)
    return DomainErrorMiddleware(lambda _: HttpResponse()).process_exception(request, error)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DomainError("Say what is wrong."), 400),
        (UnauthenticatedError("Say what is wrong."), 401),
        (ForbiddenError("Say what is wrong."), 403),
        (NotFoundError("Say what is wrong."), 404),
        (ConflictError("Say what is wrong."), 409),
        (TooManyError("Say what is wrong."), 429),
    ],
)
def test_domain_error_becomes_a_page_with_its_sentence_and_status(error: DomainError, status: int) -> None:
    response = answer(error)

    assert response is not None
    assert response.status_code == status
    assert "Say what is wrong." in response.content.decode()
    assert "<html" in response.content.decode()


@pytest.mark.parametrize(
    ("error", "heading"),
    [
        (DomainError("No."), "This request could not be understood"),
        (UnauthenticatedError("No."), "You may not do this"),
        (ForbiddenError("No."), "You may not do this"),
        (NotFoundError("No."), "Nothing here"),
        (ConflictError("No."), "This cannot be done as things stand"),
        (TooManyError("No."), "Too many tries"),
    ],
)
def test_heading_says_what_kind_of_obstacle_it_is(error: DomainError, heading: str) -> None:
    response = answer(error)

    assert response is not None
    assert f">{heading}</h1>" in response.content.decode()
    assert f">{int(error.status)}</p>" in response.content.decode()


@pytest.mark.parametrize("error", [DomainError("No."), ConflictError("No."), TooManyError("No.")])
def test_way_back_leads_to_the_page_of_ours_that_one_came_from(error: DomainError) -> None:
    ours = answer(error, Referer="http://testserver/orgs/acme/members/?status=active")
    foreign = [answer(error, Referer=there) for there in ("https://evil.example/", "javascript:alert(1)", "//evil/")]

    assert ours is not None
    assert 'href="http://testserver/orgs/acme/members/?status=active">Go back<' in ours.content.decode()
    for response in (*foreign, answer(error)):
        assert response is not None
        assert "Go back<" not in response.content.decode()
        assert 'href="/">Go to the home page' in response.content.decode()


def test_htmx_gets_the_sentence_for_the_list_of_messages() -> None:
    response = answer(ConflictError("It is paused."), HX_Request="true")

    assert response is not None
    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#messages"
    assert "It is paused." in response.content.decode()
    assert "<html" not in response.content.decode()


def test_boosted_link_gets_the_page() -> None:
    response = answer(NotFoundError(), HX_Request="true", HX_Boosted="true")

    assert response is not None
    assert "<html" in response.content.decode()


def test_other_errors_are_left_alone() -> None:
    assert answer(ValueError("a secret")) is None


def test_message_of_an_error_is_escaped() -> None:
    response = answer(DomainError("<script>"), HX_Request="true")

    assert response is not None
    assert "<script>" not in response.content.decode()


def test_pages_are_kept_by_no_cache(world: World) -> None:
    for path in ("/me/", "/orgs/acme/members/", "/profile/"):
        assert world.client("member").get(path).headers["Cache-Control"] == "no-store, private"


def test_answer_that_names_its_own_caching_keeps_it() -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "public, max-age=60"})

    assert NoStoreMiddleware(view)(RequestFactory().get("/")).headers["Cache-Control"] == "public, max-age=60"
