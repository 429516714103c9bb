import pytest
from django.conf import LazySettings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory

from config.hosts import OneHostMiddleware


@pytest.fixture
def middleware(settings: LazySettings) -> OneHostMiddleware:
    settings.ENVIRONMENT = "demo"
    settings.BASE_URL = "http://127.0.0.1:8000"
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    return OneHostMiddleware(lambda _request: HttpResponse("page"))


def test_other_name_is_sent_on_to_the_sites_own(middleware: OneHostMiddleware) -> None:
    answer = middleware(RequestFactory().get("/me/runs?page=2", headers={"host": "localhost:8000"}))

    assert answer.status_code == 302
    assert answer["Location"] == "http://127.0.0.1:8000/me/runs?page=2"


@pytest.mark.parametrize(("path", "host"), [("/me/runs", "127.0.0.1:8000"), ("/healthz", "localhost:8000")])
def test_own_name_and_probes_are_answered(middleware: OneHostMiddleware, path: str, host: str) -> None:
    assert middleware(RequestFactory().get(path, headers={"host": host})).content == b"page"


def test_only_the_demo_has_it(settings: LazySettings) -> None:
    settings.ENVIRONMENT = "production"

    with pytest.raises(MiddlewareNotUsed):
        OneHostMiddleware(lambda _request: HttpResponse())
