"""Logos come from files that others may write."""

from django.test import Client

from integrations.models import Toolkit
from tests.factories import make_toolkit

SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"


def test_logo_is_for_everybody_and_can_do_nothing(db: None) -> None:
    make_toolkit("github", logo=SVG)

    answer = Client().get("/toolkits/github/logo.svg")

    assert (answer.status_code, answer.content.decode()) == (200, SVG)
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert not answer.cookies


def test_logo_is_kept_for_long_at_an_address_with_its_version(db: None) -> None:
    make_toolkit("github", logo=SVG)

    assert Client().get("/toolkits/github/logo.svg?v=1")["Cache-Control"] == "public, max-age=31536000, immutable"
    assert Client().get("/toolkits/github/logo.svg")["Cache-Control"] == "public, max-age=3600"


def test_a_toolkit_without_logo_has_none(db: None) -> None:
    make_toolkit("github", logo=SVG)

    assert Client().get("/toolkits/slack/logo.svg").status_code == 404
    Toolkit.objects.update(logo="")
    assert Client().get("/toolkits/github/logo.svg").status_code == 404
