"""What is said when the page answers: where it is, and how to sign in."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from config.run.environment import ROOT, Installation
from config.run.screen import box

DEMO_DATA: Final = ROOT / "config" / "demo.yaml"
CONSOLE: Final = "consolemail:"
VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def welcome(installation: Installation) -> None:
    box(
        [
            f"Switchboard is ready: {installation.url}",
            "",
            "Sign in with one of these:",
            *logins(DEMO_DATA, installation.environ),
            "",
            "Stop: Ctrl-C",
            f"Data: {installation.data_dir}   (delete it to begin anew)",
            *mail(installation),
            f"Logs: {installation.logs}   (LOG=1 make run shows them here)",
        ]
    )


def mail(installation: Installation) -> Iterator[str]:
    """Where the letters are while no mail server is named."""
    if (installation.environ.get("EMAIL_URL") or CONSOLE).startswith(CONSOLE):
        yield f"Mail: {installation.logs / 'web.log'}   (none is sent until EMAIL_URL names a mail server)"


def logins(path: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each person of the demo data: address, password, who they are."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for user in data["users"]:
        password = VARIABLE.sub(lambda found: environ.get(found[1], ""), user["password"])
        yield f"  {user['email']:<20}  {password:<20}  {_place(user, data['organizations'])}"


def _place(user: Mapping[str, Any], organizations: list[Mapping[str, Any]]) -> str:
    places = [
        f"{member['role']} of {organization['name']}"
        for organization in organizations
        for member in organization["members"]
        if member["user"] in {user["email"], user["username"]}
    ]
    return ", ".join(places) or ("support staff: /admin/" if user.get("is_staff") else "in no organization")
