"""The one command, as processes: it starts, is honest about obstacles, heals, and leaves nothing behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.run import env_files
from tests.ops.installation import ROOT, START_SECONDS, RunningInstallation, alive, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform == "win32", reason="make run is for Unix")]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the module: every start after the first finds its database made."""
    return tmp_path_factory.mktemp("installation") / "data"


@pytest.fixture
def running(data_dir: Path) -> Iterator[RunningInstallation]:
    installation = RunningInstallation(data_dir)
    try:
        installation.wait_until_ready()
        yield installation
    finally:
        installation.end()


def test_start_serves_pages_and_prints_where_and_how_to_sign_in(running: RunningInstallation) -> None:
    running.wait_until_swept()
    email, password = running.demo_login()

    assert running.get("/healthz").status_code == 200
    assert running.get("/accounts/login/").status_code == 200
    assert running.get("/static/css/app.css").status_code == 200
    assert f"http://localhost:{running.port}" in running.printed
    assert email == "alice@example.com"
    assert len(password) >= 16
    assert set(running.children()) == {"valkey-server", "uvicorn", "worker", "beat", "guardian"}


def test_keys_are_private_and_kept(running: RunningInstallation) -> None:
    file = running.data_dir / "keys.env"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert env_files.read(file)["DEMO_PASSWORD_ALICE"] == running.demo_login()[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_stops_everything(running: RunningInstallation, number: signal.Signals) -> None:
    children = running.children()

    status = running.stop(number)

    assert status == 0, running.printed
    assert alive(children) == {}
    assert "Stopped. The data is kept." in running.printed


def test_kill_of_the_supervisor_leaves_no_orphan(running: RunningInstallation) -> None:
    children = running.children()

    running.stop(signal.SIGKILL)

    assert len(children) == 5
    wait_for(lambda: alive(children) == {}, 5, lambda: str(alive(children)))


def test_second_start_keeps_the_data_and_the_logins(data_dir: Path) -> None:
    first = RunningInstallation(data_dir)
    first.wait_until_ready()
    first.stop()
    second = RunningInstallation(data_dir)
    second.wait_until_ready()
    second.stop()

    assert second.demo_login() == first.demo_login()
    assert "Database: up to date." in second.printed


@pytest.mark.parametrize("name", ["valkey-server", "uvicorn", "worker", "beat"])
def test_fallen_program_is_said_and_started_again(running: RunningInstallation, name: str) -> None:
    running.wait_until_swept()
    fallen = running.children()[name]

    os.kill(fallen, signal.SIGKILL)

    wait_for(lambda: running.children().get(name, fallen) != fallen, START_SECONDS, lambda: running.printed)
    wait_for(lambda: "ended (killed by SIGKILL); starting it again" in running.printed, START_SECONDS)
    wait_for(
        lambda: running.get("/readyz").json()["checks"]["redis"]["status"] == "ok", START_SECONDS
    ) if name != "uvicorn" else None


def test_busy_port_is_said_before_anything_is_started(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = RunningInstallation(data_dir, port=port)
        status = refused.process.wait(90)

    assert status == 1
    assert f"Port {port} is in use by another program. Choose another: PORT=" in refused.printed
    assert "Traceback" not in refused.printed
    assert "Redis" not in refused.printed


def test_second_supervisor_on_the_same_data_is_refused(running: RunningInstallation) -> None:
    second = RunningInstallation(running.data_dir)
    status = second.process.wait(90)

    assert status == 1
    assert f"Switchboard already runs on {running.data_dir} at http://localhost:{running.port}" in second.printed
    assert "Traceback" not in second.printed
    assert running.get("/healthz").status_code == 200


def test_wrong_key_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    refused = RunningInstallation(tmp_path / "data", FIELD_ENCRYPTION_KEYS="not-a-key")
    status = refused.process.wait(90)

    assert status == 1
    assert "Switchboard cannot start: FIELD_ENCRYPTION_KEYS: key 1 is not" in refused.printed
    assert "Traceback" not in refused.printed


def test_unreachable_database_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    refused = RunningInstallation(tmp_path / "data", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    status = refused.process.wait(90)

    assert status == 1
    assert "The database cannot be used" in refused.printed
    assert "Traceback" not in refused.printed


def test_manage_uses_the_settings_of_the_running_installation(running: RunningInstallation) -> None:
    command = [sys.executable, "-m", "config.run", "manage", "check", "--database", "default"]
    environ = {**os.environ, "DATA_DIR": str(running.data_dir)}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    checked = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr
