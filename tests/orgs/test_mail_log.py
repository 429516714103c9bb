"""A trial installation that sends no mail says where the letters are; no other does."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.world import World

SAID = "This installation sends no mail"
CONSOLE = "django.core.mail.backends.console.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
PAGES = [
    ("anonymous", "/accounts/confirm-email/"),
    ("anonymous", "/accounts/password/reset/done/"),
    ("owner", "/accounts/email/"),
    ("owner", "/orgs/acme/members/invite/"),
    ("owner", "/orgs/acme/members/invitations/"),
]


@pytest.mark.parametrize(("persona", "page"), PAGES)
def test_pages_that_speak_of_a_letter_say_where_it_is(
    world: World, settings: Settings, persona: str, page: str
) -> None:
    settings.EMAIL_BACKEND, settings.ENVIRONMENT, settings.DATA_DIR = CONSOLE, "test", Path("/somewhere/.data")

    text = world.client(persona).get(page).text

    assert SAID in text
    assert ">.data/logs/web.log<" in text
    assert "/somewhere" not in text


@pytest.mark.parametrize(("environment", "backend"), [("production", CONSOLE), ("test", SMTP)])
@pytest.mark.parametrize(("persona", "page"), PAGES)
def test_they_say_nothing_in_production_or_where_mail_is_sent(
    world: World, settings: Settings, persona: str, page: str, environment: str, backend: str
) -> None:
    settings.EMAIL_BACKEND, settings.ENVIRONMENT = backend, environment

    answer = world.client(persona).get(page)

    assert answer.status_code == 200
    assert SAID not in answer.text
