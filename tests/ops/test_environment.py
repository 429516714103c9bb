import os
import re
import socket
import stat
from pathlib import Path

import pytest

from config.run import claims, env_files, environment
from config.run.errors import StartError
from config.run.keeper import LONGEST_PAUSE, ending, next_pause
from config.run.programs import beat, web, worker
from config.run.screen import NOTEWORTHY
from config.run.welcome import DEMO_DATA, logins, mail


def load(root: Path, **environ: str) -> environment.Installation:
    return environment.load(environ, root)


def test_nothing_given_is_a_demo_on_loopback(tmp_path: Path) -> None:
    installation = load(tmp_path)

    assert installation.url == "http://localhost:8000"
    assert installation.data_dir == tmp_path / ".data"
    assert installation.redis_url == ""
    assert installation.environ["ENVIRONMENT"] == "demo"


@pytest.mark.parametrize("given", ["", "consolemail://"])
def test_while_no_mail_server_is_named_it_is_said_where_the_letters_are(tmp_path: Path, given: str) -> None:
    (tmp_path / ".env").write_text(f"EMAIL_URL={given}\n")

    [line] = mail(load(tmp_path))

    assert str(tmp_path / ".data" / "logs" / "web.log") in line


def test_where_a_mail_server_is_named_nothing_is_said_of_letters(tmp_path: Path) -> None:
    assert list(mail(load(tmp_path, EMAIL_URL="smtp+tls://mail.example.com:587"))) == []


def test_what_is_given_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nPORT=8005\nexport HOST='localhost'\nLOG_LEVEL=DEBUG\nREDIS_URL=\n")

    installation = load(tmp_path, PORT="8006", LOG_LEVEL="")

    assert installation.url == "http://localhost:8006"
    assert installation.environ["LOG_LEVEL"] == "DEBUG"
    assert installation.redis_url == ""


def test_keys_are_made_once_and_only_for_the_owner(tmp_path: Path) -> None:
    first = load(tmp_path)
    second = load(tmp_path)
    file = tmp_path / ".data" / "keys.env"

    assert first.environ == second.environ
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".data").stat().st_mode) == 0o700


def test_key_that_a_later_version_needs_is_added_to_the_kept_ones(tmp_path: Path) -> None:
    kept = load(tmp_path).environ["SECRET_KEY"]
    env_files.write_private(tmp_path / ".data" / "keys.env", {"SECRET_KEY": kept})

    installation = load(tmp_path)

    assert installation.environ["SECRET_KEY"] == kept
    assert installation.environ["SANDBOX_CLIENT_SECRET"]


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    one = env_files.read(load(tmp_path / "a").data_dir / "keys.env")
    other = env_files.read(load(tmp_path / "b").data_dir / "keys.env")

    assert not set(one.values()) & set(other.values())


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    installation = load(tmp_path)

    assert installation.environ["SECRET_KEY"] not in repr(installation)


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "80 80"])
def test_bad_port_is_refused_with_an_example(tmp_path: Path, port: str) -> None:
    with pytest.raises(StartError, match="PORT=8001 make run"):
        load(tmp_path, PORT=port)


def test_data_dir_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartError, match="Choose another"):
        load(tmp_path, DATA_DIR=str(tmp_path / "file" / "data"))


def test_data_dir_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, who may run this, has access everywhere

    with pytest.raises(StartError, match="belongs to somebody else"):
        load(tmp_path)


def test_busy_port_names_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "GRACE_SECONDS", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(
            StartError, match=rf"Port {port} is in use by another program\. Choose another: PORT=\d+ make"
        ):
            claims.claim_port("127.0.0.1", port)

    claims.claim_port("127.0.0.1", port)


def test_address_of_another_machine_is_told_from_a_busy_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "GRACE_SECONDS", 0)

    with pytest.raises(StartError, match=r"Cannot listen on 192\.0\.2\.1:8000"):
        claims.claim_port("192.0.2.1", 8000)


def test_data_is_claimed_by_one_and_free_after_it(tmp_path: Path) -> None:
    installation = load(tmp_path)

    with claims.claim_data(installation), pytest.raises(StartError, match="already runs"):
        claims.claim_data(installation)

    claims.claim_data(installation).close()


def test_worker_gets_the_time_that_its_calls_may_take(tmp_path: Path) -> None:
    assert worker(load(tmp_path, PROVIDER_CALL_DEADLINE="50")).stop_seconds == 60


def test_the_two_ways_to_start_agree(tmp_path: Path) -> None:
    """`make run` and the Procfile start the same programs in the same way."""
    installation = load(tmp_path, WORKER_THREADS="16", HOST="0.0.0.0", PORT="8000")  # noqa: S104  # what the Procfile says
    text = (environment.ROOT / "Procfile").read_text()
    lines = dict(line.split(": ", 1) for line in re.sub(r"\$\{\w+:-(\w+)\}", r"\1", text).splitlines())

    for program in (web(installation), worker(installation), beat(installation)):
        assert " ".join(program.command[2:]) == lines[program.name]


def test_pauses_grow_to_a_limit_and_begin_anew_after_a_steady_run() -> None:
    assert [next_pause(pause, 0) for pause in (0.5, 1, 2)] == [1, 2, 4]
    assert next_pause(LONGEST_PAUSE, 0) == LONGEST_PAUSE
    assert next_pause(LONGEST_PAUSE, 3600) == 1


def test_endings_are_said_in_words() -> None:
    assert (ending(3), ending(-9)) == ("exit status 3", "killed by SIGKILL")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("2026-01-01T00:00:00Z [warning  ] bell.not_rung", True),
        ("2026-01-01T00:00:00Z [info     ] request_finished", False),
        ("Traceback (most recent call last):", True),
        ("[2026-01-01 00:00:00,000: INFO/MainProcess] Connected", False),
        ("[2026-01-01 00:00:00,000: ERROR/MainProcess] consumer: Cannot connect", True),
    ],
)
def test_only_noteworthy_lines_reach_the_screen(line: str, shown: bool) -> None:
    assert bool(NOTEWORTHY.search(line)) is shown


def test_each_demo_login_is_shown_with_its_password_and_place(tmp_path: Path) -> None:
    installation = load(tmp_path)

    lines = list(logins(DEMO_DATA, installation.environ))

    names = ("alice", "bob", "carol", "sam")
    assert [line.split()[0] for line in lines] == [f"{name}@example.com" for name in names]
    assert [line.split()[1] for line in lines] == [
        installation.environ[f"DEMO_PASSWORD_{name.upper()}"] for name in names
    ]
    assert "owner of Acme" in lines[0]
    assert "support staff" in lines[3]
