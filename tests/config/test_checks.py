from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import CheckMessage

from config import checks

SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"
SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql"}}


@pytest.mark.parametrize(
    ("check", "setting", "bad", "good"),
    [
        (checks.production_is_the_environment, "ENVIRONMENT", "demo", "production"),
        (checks.people_come_by_https, "BASE_URL", "http://tools.company.test", "https://tools.company.test"),
        (checks.database_is_a_server, "DATABASES", SQLITE, POSTGRES),
        (checks.mail_is_delivered, "EMAIL_BACKEND", CONSOLE, SMTP),
        (checks.mail_has_a_sender, "DEFAULT_FROM_EMAIL", "sb@localhost", "sb@company.test"),
        (checks.egress_is_closed, "EGRESS_ALLOW", frozenset({"10.0.0.1:80"}), frozenset()),
        (checks.egress_is_encrypted, "EGRESS_REQUIRE_HTTPS", False, True),
    ],
)
@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_check_warns_with_a_hint_and_is_silent_when_it_is_well(
    settings: LazySettings, check: Callable[[], list[CheckMessage]], setting: str, bad: Any, good: Any
) -> None:
    setattr(settings, setting, bad)
    [message] = check()
    setattr(settings, setting, good)

    assert message.hint
    assert check() == []


def test_every_check_is_run_on_deployment() -> None:
    functions = {value for name, value in vars(checks).items() if getattr(value, "__annotations__", {}).get("_kwargs")}

    assert functions == set(checks.DEPLOYMENT_CHECKS)


@pytest.mark.parametrize(("host", "local"), [("localhost", True), ("127.0.0.1", True), ("a.test", False)])
def test_loopback_is_told_from_other_hosts(host: str, local: bool) -> None:
    assert checks.is_loopback(host) is local
