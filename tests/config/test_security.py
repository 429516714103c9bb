"""Headers, cookies and the queue's messages: what the settings promise (checks W4 to W6, S16, S17)."""

import json
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads, prepare_accept_content

from config.celery import app
from integrations import tasks
from integrations.models import Execution
from integrations.tasks import pump
from tests.config.test_keys import PRODUCTION, ROOT

YEAR = 365 * 24 * 3600
ANSWER = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
answer = Client(headers={"host": "switchboard.company.test"}).get("/healthz", secure=True)
names = [name for name in dir(settings) if name.startswith(("SESSION_COOKIE", "CSRF_COOKIE", "DEBUG"))]
print(json.dumps({"headers": dict(answer.headers), "settings": {name: getattr(settings, name) for name in names}}))
"""


@pytest.fixture(scope="module")
def production() -> Any:
    """An answer and the cookie settings of a process that runs with production settings."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | PRODUCTION
    environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT), "LOG_LEVEL": "ERROR"}
    done = subprocess.run([sys.executable, "-c", ANSWER], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_production_insists_on_https_for_a_year(production: Any) -> None:
    hsts = production["headers"]["Strict-Transport-Security"]

    assert f"max-age={YEAR}" in hsts
    assert "includeSubDomains" in hsts


def test_production_headers_keep_others_out(production: Any) -> None:
    headers = production["headers"]

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert not [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("cookie", ["SESSION_COOKIE", "CSRF_COOKIE"])
def test_production_cookies_belong_to_this_host_alone(production: Any, cookie: str) -> None:
    found = production["settings"]

    assert found[f"{cookie}_NAME"].startswith("__Host-")
    assert found[f"{cookie}_SECURE"]
    assert found[f"{cookie}_HTTPONLY"]
    assert found[f"{cookie}_SAMESITE"] == "Lax"
    assert found[f"{cookie}_DOMAIN"] is None
    assert found[f"{cookie}_PATH"] == "/"


def test_debug_is_off_unless_asked_for(production: Any) -> None:
    assert production["settings"]["DEBUG"] is False


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/no-such-page"])
def test_every_page_says_what_it_may_load(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    directives = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))

    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["object-src"] == directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert directives["form-action"].split()[0] == "'self'"
    assert "unsafe" not in policy


def test_messages_other_than_json_are_refused() -> None:
    accepted = prepare_accept_content(app.conf.accept_content)
    body = pickle.dumps({"task": "integrations.pump"})

    assert app.conf.task_serializer == "json"
    assert loads('{"a": 1}', "application/json", "utf-8", accept=accepted) == {"a": 1}
    with pytest.raises(ContentDisallowed):
        loads(body, "application/x-python-serialize", "binary", accept=accepted)


@pytest.mark.django_db
def test_forged_ring_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[object] = []
    monkeypatch.setattr(tasks, "execute", executed.append)

    pump(execution_id="00000000-0000-0000-0000-000000000000", tool="GITHUB_DELETE_REPO", arguments={"repo": "x"})

    assert executed == []
    assert not Execution.objects.unscoped("a test").exists()
