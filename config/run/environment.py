"""What the programs are given: the caller's environment, then `.env`, this installation's keys, and defaults."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from config import keys
from config.run import env_files
from config.run.errors import StartError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
KEYS_FILE: Final = "keys.env"
DEFAULT_PORT: Final = "8000"
LAST_PORT: Final = 65535
LOOPBACK: Final = ("127.0.0.1", "localhost")
CONSONANTS: Final = "bdfghjklmnprstvz"
VOWELS: Final = "aeiou"
SYLLABLES: Final = 8  # 50 bits: enough for a login that the sign-in page throttles


@dataclass(frozen=True)
class Installation:
    """One DATA_DIR, and how to reach what runs on it."""

    data_dir: Path
    host: str
    port: int
    environ: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        return self.environ["BASE_URL"]

    @property
    def redis_url(self) -> str:
        """The Redis that the caller named; empty when the embedded one is to be started."""
        return self.environ.get("REDIS_URL", "")

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def shows_everything(self) -> bool:
        return self.environ.get("LOG", "") not in {"", "0"}

    def with_environ(self, **values: str) -> "Installation":
        return replace(self, environ={**self.environ, **values})


def load(environ: Mapping[str, str], root: Path = ROOT) -> Installation:
    """Read everything and make the keys at the first start."""
    given = {**env_files.read(root / ".env"), **{name: value for name, value in environ.items() if value}}
    data_dir = (root / given.get("DATA_DIR", ".data")).resolve()
    port = _port(given.get("PORT", DEFAULT_PORT))
    host = given.get("HOST", LOOPBACK[0])
    _make(data_dir)
    values = {**_defaults(port), **_keys(data_dir), **given, "DATA_DIR": str(data_dir)}
    return Installation(data_dir, host, port, values)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= LAST_PORT:
        raise StartError(f"PORT is {text!r}; give a number from 1 to {LAST_PORT}, for example: PORT=8001 make run")
    return int(text)


def _make(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise StartError(
            f"DATA_DIR {data_dir} cannot be written ({error.strerror}). Choose another: DATA_DIR=/path make run"
        ) from error
    if not os.access(data_dir, os.W_OK):
        raise StartError(f"DATA_DIR {data_dir} belongs to somebody else. Choose another: DATA_DIR=/path make run")


def _defaults(port: int) -> dict[str, str]:
    name = "localhost"  # not 127.0.0.1: passkeys need a name (Web Authentication section 5.1.2), an address is none
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENVIRONMENT": "demo",
        "BASE_URL": f"http://{name}:{port}",
        "EXTRA_ALLOWED_HOSTS": ",".join(LOOPBACK),
        "SANDBOX_ENABLED": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _keys(data_dir: Path) -> dict[str, str]:
    """Return this installation's own secrets; what is missing is made and kept."""
    path = data_dir / KEYS_FILE
    kept = env_files.read(path)
    made = {name: value for name, value in _fresh_keys().items() if name not in kept}
    if made:
        env_files.write_private(path, {**kept, **made})
    return {**kept, **made}


def _fresh_keys() -> dict[str, str]:
    return {
        **keys.generate(),
        "SANDBOX_CLIENT_ID": f"sandbox-{secrets.token_hex(8)}",
        "SANDBOX_CLIENT_SECRET": secrets.token_urlsafe(32),
        "EMBEDDED_REDIS_PASSWORD": secrets.token_urlsafe(32),
        "DEMO_PASSWORD_ALICE": _sayable(),
        "DEMO_PASSWORD_BOB": _sayable(),
        "DEMO_PASSWORD_CAROL": _sayable(),
        "DEMO_PASSWORD_SAM": _sayable(),
    }


def _sayable() -> str:
    """A password that is easily typed from the screen, such as `kuvo-mire-tasa-pelo`."""
    pieces = [secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _ in range(SYLLABLES)]
    return "-".join("".join(pair) for pair in zip(pieces[::2], pieces[1::2], strict=True))


def current(root: Path = ROOT) -> Installation:
    return load(os.environ, root)
