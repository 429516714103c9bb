import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import keys

ROOT = Path(__file__).resolve().parents[2]
GOOD = keys.generate()
EXAMPLE_FERNET = base64.urlsafe_b64encode(b"a" * 32).decode()


def test_generated_keys_are_accepted() -> None:
    secret = keys.secret_key(GOOD["SECRET_KEY"], strict=True)

    assert keys.field_encryption_keys([GOOD["FIELD_ENCRYPTION_KEYS"]], secret_key=secret, strict=True)


def test_generated_keys_are_never_the_same() -> None:
    assert keys.generate() != GOOD


@pytest.mark.parametrize(
    "value",
    [
        "short",
        "a" * 60,
        "django-insecure-" + "k7Qw-p2Lx" * 6,
        "change-me-" + "k7Qw-p2Lx" * 6,
        "an-example-" + "k7Qw-p2Lx" * 6,
    ],
)
def test_weak_secret_key_is_refused_in_production_only(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is too short or an example"):
        keys.secret_key(value, strict=True)

    assert keys.secret_key(value, strict=False) == value


@pytest.mark.parametrize("strict", [True, False])
def test_missing_secret_key_is_refused_everywhere(strict: bool) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        keys.secret_key("", strict=strict)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "FIELD_ENCRYPTION_KEYS is not set"),
        (["not base64!"], "key 1 is not"),
        ([base64.urlsafe_b64encode(b"too short").decode()], "key 1 is not 32 bytes long"),
        ([GOOD["FIELD_ENCRYPTION_KEYS"], "x"], "key 2 is not"),
        ([EXAMPLE_FERNET], "key 1 is an example"),
    ],
)
def test_bad_encryption_keys_are_refused_by_their_place(values: list[str], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        keys.field_encryption_keys(values, secret_key="", strict=True)

    assert not any(value in str(caught.value) for value in values if len(value) > 1)


def test_several_encryption_keys_are_kept_in_order() -> None:
    values = [keys.generate()["FIELD_ENCRYPTION_KEYS"] for _ in range(3)]

    assert keys.field_encryption_keys(values, secret_key="other", strict=True) == values


def test_one_key_for_both_purposes_is_refused() -> None:
    key = GOOD["FIELD_ENCRYPTION_KEYS"]

    with pytest.raises(ImproperlyConfigured, match="must differ"):
        keys.field_encryption_keys([key], secret_key=key, strict=True)


def run_check(**environ: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` in a process of its own, with these variables and no others of ours."""
    base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=base | environ, capture_output=True, text=True, check=False)


PRODUCTION = {
    "BASE_URL": "https://switchboard.company.test",
    "DATABASE_URL": "postgres://switchboard:pw@db.company.test/switchboard",
    "REDIS_URL": "redis://redis.company.test:6379/0",
    "EMAIL_URL": "smtp+tls://mailer:pw@mail.company.test:587",
    "DEFAULT_FROM_EMAIL": "Switchboard <switchboard@company.test>",
    **GOOD,
}


def test_deployment_check_is_clean_under_production_settings() -> None:
    checked = run_check(**PRODUCTION)

    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short or an example"),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "FIELD_ENCRYPTION_KEYS is not set"),
        ({"FIELD_ENCRYPTION_KEYS": EXAMPLE_FERNET}, "key 1 is an example"),
        ({"BASE_URL": "http://switchboard.company.test"}, "BASE_URL must begin with https://"),
        ({"QUEUE_LIMIT": "soon"}, "QUEUE_LIMIT is 'soon'; it must be a number."),
        ({"SIGNUP_OPEN": "maybe"}, "SIGNUP_OPEN is 'maybe'; it must be 1 or 0."),
        ({"ENVIRONMENT": "prod"}, "it must be production, demo or test"),
    ],
)
def test_wrong_setting_stops_the_start_with_one_plain_line(changes: dict[str, str], message: str) -> None:
    checked = run_check(**PRODUCTION | changes)

    assert checked.returncode == 1
    assert message in checked.stderr
    assert "Traceback" not in checked.stderr
    assert len(checked.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "migrate"],
        ["-m", "uvicorn", "config.asgi:application", "--port", "0"],
        ["-m", "celery", "-A", "config", "worker", "-P", "threads"],
        ["-m", "celery", "-A", "config", "beat"],
    ],
)
def test_every_process_refuses_a_weak_key_plainly(command: list[str]) -> None:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | PRODUCTION
    started = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environ | {"SECRET_KEY": "short"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert started.returncode == 1
    assert "Switchboard cannot start: SECRET_KEY is too short or an example." in started.stderr
    assert "Traceback" not in started.stderr


def test_deployment_check_names_what_is_weak() -> None:
    checked = run_check(
        **PRODUCTION | {"DATABASE_URL": "", "EMAIL_URL": "", "EGRESS_ALLOW": "10.0.0.1:80", "SANDBOX_ENABLED": "1"}
    )

    assert checked.returncode == 1
    for code in ("switchboard.W003", "switchboard.W004", "switchboard.W006", "sandbox.E001"):
        assert code in checked.stderr


def test_example_file_holds_no_value_that_would_be_accepted() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line.startswith(("SECRET_KEY=", "FIELD_ENCRYPTION_KEYS=")))

    assert values == {"SECRET_KEY": "", "FIELD_ENCRYPTION_KEYS": ""}
    assert stat.S_IMODE((ROOT / ".env.example").stat().st_mode) & 0o111 == 0
