"""One running installation for all tests here, with a person's key for it, and one of their organization."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ops.installation import ROOT, RunningInstallation

MANY = "1000000"  # requests a minute: what is asked is tested here, not how often
MAKE_KEYS = """
import json
from django.utils import timezone
from accounts.models import User
from orgs.models import Organization
from orgs.permissions import OwnerKind, OwnerRef, Scope
from orgs.services.api_keys import create_api_key
user, organization = User.objects.get(username="bob"), Organization.objects.get(slug="acme")
owner = OwnerRef(OwnerKind.USER, user.id)
when = timezone.now()
_, key = create_api_key(actor=None, owner=owner, name="SDK", scopes=list(Scope), expires_at=None, now=when)
of = organization.ref
_, shared = create_api_key(actor=None, owner=of, name="SDK", scopes=list(Scope), expires_at=None, now=when)
alice = OwnerRef(OwnerKind.USER, User.objects.get(username="alice").id)
_, admins = create_api_key(actor=None, owner=alice, name="SDK", scopes=list(Scope), expires_at=None, now=when)
texts = {"SDK_USER": owner.text_id, "SDK_ORGANIZATION": of.text_id}
print("KEYS " + json.dumps({"SDK_KEY": key, "SDK_SHARED_KEY": shared, "SDK_ADMIN_KEY": admins, **texts}))
"""


@dataclass(frozen=True)
class Asking:
    """A running product, and a person's key."""

    url: str
    email: str
    password: str
    environ: dict[str, str] = field(repr=False)


def tool_beside_the_product(*path: str) -> Path:
    """A program that `make sdk` installs into an environment of its own. In CI a missing one is a failure."""
    found = ROOT.joinpath(".sdk", *path)
    if not found.exists():
        missing = f"{'/'.join(path)} is not installed: run `make sdk`"
        pytest.fail(missing, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    limits = {"API_LIMIT_PER_KEY": MANY, "API_LIMIT_PER_OWNER": MANY}
    running = RunningInstallation(tmp_path_factory.mktemp("sdk") / "data", **limits)
    try:
        running.wait_until_ready()
        keys = json.loads(running.manage("shell", "-v0", "-c", MAKE_KEYS).partition("KEYS ")[2])
        login = re.search(r"(bob@\S+)\s+(\S+)", running.printed)
        assert login is not None
        url = f"http://localhost:{running.port}"
        yield Asking(url, login[1], login[2], {**keys, "SDK_URL": url})
    finally:
        running.end()
