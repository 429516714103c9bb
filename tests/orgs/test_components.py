"""The page frame: theme, components, forms and error pages."""

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from orgs.context_processors import ui
from orgs.styleguide import SampleForm


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.django_db
def test_theme_of_the_cookie_is_rendered_by_the_server(client: Client, theme: str) -> None:
    client.cookies["theme"] = theme

    assert f'<html lang="en" data-theme="{theme}">' in client.get("/styleguide").content.decode()


@pytest.mark.parametrize("theme", ["system", "", '"><script>'])
def test_theme_that_is_none_of_ours_is_left_to_the_device(rf: RequestFactory, theme: str) -> None:
    request = rf.get("/")
    request.COOKIES["theme"] = theme

    assert ui(request)["theme"] == ""


@pytest.mark.django_db
def test_every_component_is_rendered(client: Client) -> None:
    html = client.get("/styleguide").content.decode()

    assert "<c-" not in html
    assert 'aria-current="true"' in html


@pytest.mark.django_db
def test_no_page_holds_inline_style_or_handlers(client: Client) -> None:
    html = client.get("/styleguide").content.decode()

    assert " style=" not in html
    assert " onclick=" not in html
    assert "<script>" not in html


def test_field_names_its_help_and_its_error() -> None:
    html = str(SampleForm({"alias": ""})["alias"].as_field_group())

    assert '<label class="field-label" for="id_alias">' in html
    assert 'aria-describedby="id_alias_helptext id_alias_error"' in html
    assert 'id="id_alias_helptext"' in html
    assert 'id="id_alias_error"' in html


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "409", "429", "500"])
def test_error_page_needs_no_context(name: str) -> None:
    html = render_to_string(f"{name}.html")

    assert "<h1" in html
    assert 'href="/"' in html
