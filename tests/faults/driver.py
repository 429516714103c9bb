"""Runs inside the product's environment, in a process of its own: `python -m tests.faults.driver COMMAND ARGS`.

Prints one JSON document. It goes through the product's own services, as a web process would. Without a command it
stays, as a web process does: it takes a list of command and arguments from each line, and answers with a line.
"""

import json
import os
import signal
import sys
import time
import traceback
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db.models import F  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from integrations.catalog import Identity  # noqa: E402
from integrations.engine.types import AuthScheme  # noqa: E402
from integrations.models import (  # noqa: E402
    AuthConfig,
    ConnectedAccount,
    Execution,
    Tool,
    Webhook,
    WebhookDelivery,
)
from integrations.models.encrypted import unseal  # noqa: E402
from integrations.models.webhook_words import WebhookEvent  # noqa: E402
from integrations.services import executions, webhooks  # noqa: E402
from integrations.services.connections.store import NewAccount, store_account  # noqa: E402
from orgs.queries.actors import actor_for_user  # noqa: E402
from orgs.services.organizations import create_organization, create_user_owner  # noqa: E402

SLUG = {"read": "FAULTY_READ", "write": "FAULTY_WRITE"}


def setup() -> dict[str, Any]:
    """One person, one organization, one connected account each."""
    now = timezone.now()
    user = get_user_model().objects.create_user(email="ada@example.com", username="ada", password="not-a-secret-1")
    create_user_owner(actor=None, user=user)
    organization = create_organization(actor=actor_for_user(user), user=user, name="Acme", slug="acme", now=now)
    actor = actor_for_user(user)
    toolkit = Tool.objects.select_related("toolkit").get(slug="FAULTY_READ").toolkit
    config = AuthConfig.objects.unscoped("fault test").filter(toolkit=toolkit).first()
    if config is None:
        config = AuthConfig.objects.unscoped("fault test").create(toolkit=toolkit, scheme="bearer_token", name="Token")
    for owner in actor.reach():
        new = NewAccount(
            auth_config=config,
            scheme=AuthScheme.BEARER_TOKEN,
            values={"token": f"token-of-{owner.kind}"},
            identity=Identity(id=owner.text_id, label=str(owner.kind)),
            base_url=toolkit.definition["base_url"],
        )
        store_account(new, actor=actor, owner=owner, now=now)
    return {"user": user.id.hex, "organization": organization.id.hex}


def _submit(number: int, prefix: str) -> float:
    """Submit one execution, alternating reads and writes, user and organization; return how long it took."""
    user = get_user_model().objects.get(username="ada")
    actor = actor_for_user(user)
    owner = actor.reach()[(number // 2) % 2]
    kind = "write" if number % 2 else "read"
    order = executions.Order(owner.text_id, SLUG[kind], {"tag": f"{prefix}-{kind}-{number}"})
    began = time.monotonic()
    executions.submit_execution(actor=actor, order=order, now=timezone.now())
    return time.monotonic() - began


def submit(prefix: str, count: str, pause: str = "0") -> dict[str, Any]:
    slowest = 0.0
    for number in range(int(count)):
        slowest = max(slowest, _submit(number, prefix))
        time.sleep(float(pause))
    return {"slowest": slowest}


def submit_one(kind: str, tag: str) -> dict[str, Any]:
    user = get_user_model().objects.get(username="ada")
    actor = actor_for_user(user)
    order = executions.Order(actor.reach()[0].text_id, SLUG[kind], {"tag": tag})
    return {"id": executions.submit_execution(actor=actor, order=order, now=timezone.now()).id.hex}


def submit_and_die(kind: str, tag: str) -> dict[str, Any]:
    """Die between COMMIT and the bell: the process is killed in the very hook that would ring."""
    executions.ring = lambda: os.kill(os.getpid(), signal.SIGKILL)
    return submit_one(kind, tag)


def submit_timed(prefix: str, count: str) -> dict[str, Any]:
    """Submit as fast as one process can."""
    began = time.monotonic()
    for number in range(int(count)):
        _submit(number, prefix)
    return {"seconds": time.monotonic() - began}


def one_by_one(count: str) -> dict[str, Any]:
    """Submit, wait for the end, submit the next: milliseconds from the order to the stored result."""
    taken = sorted(_until_over(number) for number in range(int(count)))
    return {"p50": taken[len(taken) // 2], "p95": taken[int(len(taken) * 0.95)]}


def _until_over(number: int) -> float:
    began = time.monotonic()
    row_id = submit_one("read", f"one-{number}")["id"]
    rows = Execution.objects.unscoped("a benchmark").filter(id=row_id, finished_at__isnull=False)
    while not rows.exists():
        time.sleep(0.001)
    return (time.monotonic() - began) * 1000


def span(count: str) -> dict[str, Any]:
    """From the first order of the last `count` to the last end, by the rows."""
    rows = Execution.objects.unscoped("a benchmark").order_by("-id")[: int(count)]
    return {"seconds": (max(row.finished_at for row in rows) - min(row.created_at for row in rows)).total_seconds()}


def history() -> list[dict[str, Any]]:
    """Every execution with its tag, as the product tells it."""
    rows = []
    for row in Execution.objects.unscoped("fault test").order_by("id"):
        place = {"table": "execution", "row": row.id}
        rows.append(
            {
                "id": row.id.hex,
                "tag": unseal(row.arguments, field="arguments", **place)["tag"],
                "status": row.status,
                "effect": row.effect,
                "sent": row.sent_at is not None,
                "error": row.error_code,
                "has_result": row.result is not None,
                "account_owner": row.connected_account.owner_id.hex,
                "owner": row.owner_id.hex,
            }
        )
    return rows


def open_count() -> dict[str, Any]:
    rows = Execution.objects.unscoped("fault test")
    return {"open": rows.filter(finished_at__isnull=True).count(), "all": rows.count()}


def hook(url: str) -> dict[str, Any]:
    """The organization wants to be told of its runs there."""
    user = get_user_model().objects.get(username="ada")
    actor = actor_for_user(user)
    [owner] = [one for one in actor.reach() if one.is_organization]
    plan = webhooks.WebhookPlan(url, [WebhookEvent.EXECUTION_ENDED])
    _row, secret = webhooks.create_webhook(actor=actor, owner=owner, plan=plan, now=timezone.now())
    return {"secret": secret}


def deliveries() -> list[dict[str, Any]]:
    """Every event with the number of its tries, and of those whose answer was written down."""
    rows = WebhookDelivery.objects.unscoped("fault test").order_by("id")
    return [
        {
            "id": row.text_id,
            "run": row.run_id.hex if row.run_id else "",
            "status": row.status,
            "tries": row.tries,
            "answers": row.attempts.count(),
        }
        for row in rows
    ]


def hooks_wait(seconds: str) -> dict[str, Any]:
    """As if so much time had passed for whatever is on its way, and for whoever had taken it."""
    passed = timedelta(seconds=float(seconds))
    rows = WebhookDelivery.objects.unscoped("fault test").filter(due_at__isnull=False)
    Webhook.objects.unscoped("fault test").update(busy_until=F("busy_until") - passed)
    return {"moved": rows.update(due_at=F("due_at") - passed)}


def session() -> dict[str, Any]:
    """Sign in, and ask for a page with that session."""
    client = Client(headers={"host": os.environ.get("BASE_URL", "http://127.0.0.1").split("//")[1]})
    client.force_login(get_user_model().objects.get(username="ada"))
    return {"status": client.get("/me/").status_code}


def accounts() -> list[str]:
    return [one.status for one in ConnectedAccount.objects.unscoped("fault test")]


COMMANDS = {
    one.__name__: one
    for one in (
        setup,
        submit,
        submit_one,
        submit_and_die,
        submit_timed,
        one_by_one,
        span,
        history,
        open_count,
        session,
        accounts,
        hook,
        deliveries,
        hooks_wait,
    )
}


def answer(command: str, *arguments: str) -> str:
    return json.dumps(COMMANDS[command](*arguments)) + "\n"


def stay() -> None:
    """What fails is told in the answer; the next command finds the process as a request would."""
    for line in sys.stdin:
        try:
            said = answer(*json.loads(line))
        except Exception:  # noqa: BLE001  # told in the answer
            said = json.dumps({"traceback": traceback.format_exc()}) + "\n"
        sys.stdout.write(said)
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(answer(*sys.argv[1:]))
    else:
        stay()
