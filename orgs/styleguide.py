"""Sample data for the page that shows every component. It is mounted in demo and test environments only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone


@dataclass(frozen=True)
class SampleOwner:
    """Stands in for whoever the frame belongs to."""

    label: str = "Acme"
    kind: str = "organization"
    text_id: str = "org_0190f3c1a2b47c0e9d8e7f6a5b4c3d2e"


@dataclass(frozen=True)
class SampleLink:
    """Stands in for an identity of the switch and for an entry of the navigation."""

    label: str
    kind: str = ""
    icon: str = ""
    url: str = "#main"
    is_current: bool = False
    role: str = ""
    count: int = 0


IDENTITIES = [
    SampleLink("Ada Lovelace", "user"),
    SampleLink("Acme", "organization", role="admin", is_current=True),
    SampleLink("Globex Corporation International", "organization", role="member"),
]
NAV = [
    SampleLink("Home", icon="home", is_current=True),
    SampleLink("Tools", icon="wrench-screwdriver"),
    SampleLink("Connections", icon="link", count=3),
    SampleLink("Runs", icon="play-circle"),
    SampleLink("Members", icon="users"),
]


@dataclass(frozen=True)
class SampleStatus:
    """Has the attributes of a real status word."""

    label: str
    colour: str
    icon: str
    sentence: str


STATUSES = [
    SampleStatus("Waiting for sign-in", "info", "clock", "Somebody still has to sign in at the provider."),
    SampleStatus("Active", "success", "check-circle", "Works. Tools can use it."),
    SampleStatus(
        "Needs attention", "warning", "exclamation-triangle", "Works for now, but somebody should look at it."
    ),
    SampleStatus("Expired", "error", "x-circle", "The provider no longer accepts it. Reconnect it."),
    SampleStatus("Paused", "neutral", "pause-circle", "Switched off by a person."),
    SampleStatus("Running", "info", "arrow-path", "A worker is talking to the provider."),
    SampleStatus("Outcome unknown", "warning", "question-mark-circle", "It was sent, but the answer was lost."),
]
RESULT = {
    "id": 1296269,
    "full_name": "acme/switchboard",
    "private": False,
    "description": "<script>alert('plain text')</script>",
    "homepage": None,
    "owner": {"login": "acme", "type": "Organization", "plan": {"name": "team", "seats": 12}},
    "topics": ["oauth", "tools", "mcp"],
    "permissions": {"admin": False, "push": True, "pull": True},
}
CURL = """curl -X POST https://tools.example.com/api/v3.1/tools/execute/GITHUB_GET_REPO \\
  -H "x-api-key: $SWITCHBOARD_API_KEY" \\
  -d '{"user_id": "org_0190f3c1a2b47c0e9d8e7f6a5b4c3d2e", "arguments": {"owner": "acme", "repo": "switchboard"}}'"""


class SampleForm(forms.Form):
    """One field of each kind; bound with mistakes it shows the errors too."""

    alias = forms.CharField(help_text="How you tell it from your other GitHub accounts.", max_length=40)
    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(choices=[("member", "Member"), ("admin", "Admin"), ("viewer", "Viewer")])
    arguments = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, help_text="JSON.")
    effect = forms.ChoiceField(
        label="Members may", widget=forms.RadioSelect, choices=[("read", "Read only"), ("write", "Read and write")]
    )
    toolkits = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, choices=[("github", "GitHub"), ("slack", "Slack")], required=False
    )
    is_default = forms.BooleanField(
        label="Make it the default", required=False, help_text="Runs that name no account use it."
    )


def sample_context() -> dict[str, Any]:
    now = timezone.now()
    return {
        "owner": SampleOwner(),
        "identities": IDENTITIES,
        "nav": NAV,
        "statuses": STATUSES,
        "runs": _runs(now),
        "result": RESULT,
        "curl": CURL,
        "form": SampleForm(),
        "wrong": SampleForm({"alias": "", "email": "ada@", "role": "member", "effect": "read"}),
        "choices": [("queued", "Queued"), ("succeeded", "Succeeded"), ("failed", "Failed")],
        "now": now,
    }


def _runs(now: datetime) -> list[dict[str, Any]]:
    rows = [  # tool, effect, seconds ago, milliseconds that it took
        ("GITHUB_GET_REPO", "read", 8, 412),
        ("SLACK_SEND_MESSAGE", "write", 340, 1_840),
        ("GMAIL_FETCH_EMAILS", "read", 7_400, 96),
        ("JIRA_CREATE_ISSUE", "write", 190_000, 64_000),
        ("GITHUB_DELETE_A_REPOSITORY", "destructive", 2_000_000, None),
    ]
    return [
        {"tool": tool, "effect": effect, "moment": now - timedelta(seconds=ago), "status": status, "took": took}
        for (tool, effect, ago, took), status in zip(rows, STATUSES[1:], strict=False)
    ]
