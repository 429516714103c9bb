"""Everything that has to do with secrets, done once, in the product's own environment.

`python -m tests.security.journey FOLDER`: reads `secrets.json` there, goes through the product's pages as
browsers do, and keeps each answer under `pages/`, by who read it. The log goes to standard error.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import django
import structlog

django.setup()

from allauth.mfa.totp.internal.auth import TOTP  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from integrations import jobs  # noqa: E402
from integrations.jobs.webhooks import send_turn  # noqa: E402
from integrations.models import (  # noqa: E402
    AuthConfig,
    ConnectedAccount,
    Execution,
    Toolkit,
    Webhook,
    WebhookDelivery,
)
from integrations.services import executions, webhooks  # noqa: E402
from orgs.permissions import Scope  # noqa: E402
from orgs.queries.actors import actor_for_user  # noqa: E402
from orgs.services.api_keys import create_api_key  # noqa: E402
from orgs.services.organizations import create_organization  # noqa: E402
from tests.factories import NOW, make_user, owner_ref  # noqa: E402
from tests.staff import SEED, prove  # noqa: E402

FOLDER = Path(sys.argv[1])
SECRETS: dict[str, str] = json.loads((FOLDER / "secrets.json").read_text())
HOST = os.environ["BASE_URL"].partition("://")[2]
TEXTS = ("echo", "refuse", "expire", "redirect")


class Browser:
    """A test client that keeps every answer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.client = Client(headers={"host": HOST}, raise_request_exception=False)
        self.count = 0

    def __call__(self, method: str, path: str, data: Any = None, *, under: str = "pages", **extra: Any) -> HttpResponse:
        answer: HttpResponse = getattr(self.client, method)(path, data, **extra)
        self.count += 1
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items() if name != "Location")
        kept = f"{answer.status_code} {method} {path.partition('?')[0]}\n{head}\n\n".encode() + answer.content
        (FOLDER / under / f"{self.name}-{self.count:03}.txt").write_bytes(kept)
        return answer

    def sign_in(self, email: str) -> None:
        answer = self("post", "/accounts/login/", {"login": email, "password": SECRETS["password"]})
        assert answer.status_code == 302, answer.content.decode()


def main() -> None:
    for name in ("pages", "shown"):
        (FOLDER / name).mkdir()
    ada = make_user("ada", password=SECRETS["password"])
    operator = make_user("root_of_all", password=SECRETS["password"], is_staff=True, is_superuser=True)
    owner, root = Browser("owner"), Browser("admin")
    owner.sign_in(ada.email)
    root.sign_in(operator.email)
    TOTP.activate(operator, SEED)
    prove(root.client, operator)  # the admin site's door asks for a second factor
    make_auth_configs(root)
    connect(owner)
    run_tools(owner)
    page = set_up_webhook(owner, ada)
    fail_on_purpose(owner)
    fail_at_webhooks(owner, page)
    bring_own_client(owner)
    key = executions_key(ada)
    with patch("accounts.admin_door.PER_MINUTE", 100_000):  # a person would take an hour for this
        look_around(owner, root)
    Browser("stranger")("post", "/accounts/password/reset/", {"email": ada.email})
    sys.stdout.write(json.dumps({"api key": key}) + "\n")


def make_auth_configs(root: Browser) -> None:
    toolkit = str(Toolkit.objects.get(slug="leaky").id)
    shared = {"toolkit": toolkit, "client_id": "client", "scopes": "[]", "overrides": "{}", "is_enabled": "on"}
    where = "/admin/integrations/authconfig/add/"
    done = root("post", where, {**shared, "scheme": "oauth2", "name": "App", "secret": SECRETS["client secret"]})
    assert done.status_code == 302, done.content.decode()


def connect(owner: Browser) -> None:
    """Once with a code that is not accepted, once with a good one, and once with a token."""
    for code in ("bad_code", "code"):
        finish(owner, begin(owner), SECRETS[code])
    token = AuthConfig.objects.unscoped("a test").filter(scheme="bearer_token").first()
    if token is not None:
        owner("post", "/me/connections/new/leaky/", {"way": token.text_id, "field_token": SECRETS["typed"]})
        owner("post", "/me/connections/new/leaky/", {"way": token.text_id, "field_token": SECRETS["typed"] + " \x00"})


def begin(owner: Browser) -> str:
    config = AuthConfig.objects.unscoped("a test").get(scheme="oauth2")
    answer = owner("post", "/me/connections/new/leaky/", {"way": config.text_id})
    assert answer.status_code == 302, answer.content.decode()
    return str(parse_qs(urlsplit(answer["Location"]).query)["state"][0])


def finish(owner: Browser, state: str, code: str) -> HttpResponse:
    config = AuthConfig.objects.unscoped("a test").get(scheme="oauth2")
    answer = owner("get", f"/oauth/callback/{config.id}/?code={code}&state={state}")
    return owner("get", answer["Location"]) if answer.status_code == 302 else answer


def run_tools(owner: Browser) -> None:
    for tool in ("LEAKY_READ", "LEAKY_WRITE"):
        for text in TEXTS:
            typed = f"{text} {SECRETS['argument']}"
            answer = owner("post", f"/me/tools/{tool}/run/", {"arg-text": typed, "nonce": f"{tool}-{text}"})
            assert answer.status_code == 302, answer.content.decode()
    until = time.monotonic() + 90
    while Execution.objects.unscoped("a test").filter(finished_at__isnull=True).exists():
        assert time.monotonic() < until, "the worker did not finish"
        time.sleep(0.2)


# --- Webhooks: a secret that signs, a second one beside it, and an address that is one itself


def set_up_webhook(owner: Browser, ada: Any) -> str:
    """Its page. Each secret is shown in one answer, which is kept elsewhere; then the worker signs with both."""
    create_organization(actor=actor_for_user(ada), user=ada, name="Acme", slug="acme", now=timezone.now())
    url = f"{Toolkit.objects.get(slug='leaky').definition['base_url']}/hook?key={SECRETS['webhook address']}"
    with patch.object(webhooks, "make_secret", return_value=SECRETS["webhook secret"]):
        owner("post", "/orgs/acme/webhooks/new/", {"url": url, "events": ["execution.ended"]}, under="shown")
    page = f"/orgs/acme/webhooks/{Webhook.objects.unscoped('a test').get().text_id}/"
    with patch.object(webhooks, "make_secret", return_value=SECRETS["new webhook secret"]):
        owner("post", f"{page}rotate/", under="shown")
    assert owner("post", f"{page}test/").status_code == 302
    until = time.monotonic() + 90
    while WebhookDelivery.objects.unscoped("a test").filter(due_at__isnull=False).exists():
        assert time.monotonic() < until, "the event did not arrive"
        time.sleep(0.2)
    return page


def fail_at_webhooks(owner: Browser, page: str) -> None:
    """With an open secret in reach of the traceback: where it is made, and where it signs."""
    again = patch.object(webhooks, "make_secret", return_value=SECRETS["new webhook secret"])
    with again, breaking("integrations.views.webhooks._shown_once"):
        assert owner("post", f"{page}rotate/").status_code == 500
    with patch.object(webhooks, "ring_for_webhooks"):  # this process sends it, not the worker
        assert owner("post", f"{page}test/").status_code == 302
    with breaking("integrations.jobs.webhooks.signed_headers"):
        try:
            send_turn(timezone.now())
        except RuntimeError:
            structlog.get_logger("tests").exception("webhook.broken")


# --- An organization's own OAuth client


def bring_own_client(owner: Browser) -> None:
    """Once with scopes that do not fit, then as it should be; the provider is asked; and each of it breaks."""
    own = "/orgs/acme/auth-configs/"
    asked = {"toolkit": "leaky", "client_id": "own-client", "client_secret": SECRETS["own client secret"]}
    assert owner("post", f"{own}new/", {**asked, "scopes": 'a"b'}).status_code == 422
    assert owner("post", f"{own}new/", asked).status_code == 302
    page = f"{own}{AuthConfig.objects.unscoped('a test').get(client_id='own-client').text_id}/"
    assert owner("post", f"{page}check/").status_code == 302
    with breaking("integrations.oauth.flow.read_tokens"):
        owner("post", f"{page}check/")
    with breaking("integrations.services.own_auth_configs._record"):
        assert owner("post", f"{page}change/", {**asked, "name": "Ours"}).status_code == 500
    for path in (own, page, f"{page}change/", f"{page}delete/"):
        assert owner("get", path).status_code == 200


# --- Errors that nobody foresaw, with open secrets in reach of the traceback


@contextmanager
def breaking(place: str) -> Iterator[None]:
    with patch(place, side_effect=RuntimeError("broken on purpose")):
        yield


def fail_on_purpose(owner: Browser) -> None:
    for place in ("integrations.oauth.flow.read_tokens", "integrations.services.connections.flow.verify"):
        with breaking(place):
            finish(owner, begin(owner), SECRETS["code"])
    for place in ("integrations.jobs.execute.classify", "integrations.engine.run.check_arguments"):
        submit(owner, f"broken {SECRETS['argument']}")
        with breaking(place):
            log_the_error(jobs.claim_next())
    with breaking("integrations.views.runs.receipt_of"):
        run = Execution.objects.unscoped("a test").filter(status="succeeded").first()
        assert run is not None
        assert owner("get", f"/me/runs/{run.text_id}/").status_code == 500


def submit(owner: Browser, text: str) -> None:
    with patch.object(executions, "ring"):  # this process takes it, not the worker
        owner("post", "/me/tools/LEAKY_READ/run/", {"arg-text": text, "nonce": uuid4().hex})


def log_the_error(claim: Any) -> None:
    try:
        jobs.execute(claim)
    except RuntimeError:
        structlog.get_logger("tests").exception("job.broken")


# --- What there is to read


def executions_key(ada: Any) -> str:
    _key, text = create_api_key(
        actor=None, owner=owner_ref(ada), name="Key", scopes=tuple(Scope), expires_at=None, now=NOW
    )
    return text


def look_around(owner: Browser, root: Browser) -> None:
    for path in ("/me/", "/me/tools/", "/me/connections/", "/me/runs/", "/profile/", "/search/?q=leaky"):
        assert owner("get", path).status_code == 200
    hook = Webhook.objects.unscoped("a test").get()
    for part in ("", f"{hook.text_id}/", f"{hook.text_id}/change/", f"{hook.text_id}/rotate/"):
        assert owner("get", f"/orgs/acme/webhooks/{part}").status_code == 200
    for delivery in WebhookDelivery.objects.unscoped("a test"):
        assert owner("get", f"/orgs/acme/webhooks/{hook.text_id}/{delivery.text_id}/").status_code == 200
    assert owner("get", "/orgs/acme/audit/").status_code == 200
    for account in ConnectedAccount.objects.unscoped("a test"):
        owner("get", f"/me/connections/{account.text_id}/")
    for run in Execution.objects.unscoped("a test"):
        owner("get", f"/me/runs/{run.text_id}/")
        owner("get", f"/me/runs/{run.text_id}/status/", headers={"HX-Request": "true"})
        owner("get", f"/me/runs/{run.text_id}/result.json")
    for model in admin.site._registry:
        where = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        root("get", where)
        root("get", where, {"q": SECRETS["access"][:12]})
        for row in model._base_manager.all()[:20]:
            root("get", f"{where}{row.pk}/change/")
            root("get", f"{where}{row.pk}/history/")


if __name__ == "__main__":
    main()
