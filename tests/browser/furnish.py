"""Fills an installation with one of everything, so that every page has something to show.

Run in the product's own environment: `manage.py shell -c "from tests.browser.furnish import furnish; furnish()"`.
"""

import json
import sys
from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from integrations.models import AuthConfig, ConnectedAccount, Tool, Toolkit, ToolSession
from integrations.models.encrypted import seal
from integrations.models.status import ConnectionStatus, ExecutionStatus
from orgs.models import ApiKey, Membership, Organization
from orgs.notices import NoticeKind
from orgs.permissions import Role
from orgs.services.end_user_deletions import delete_end_users
from tests.factories import (
    actor_of,
    make_api_key,
    make_application,
    make_application_key,
    make_auth_config,
    make_connected_account,
    make_consent_request,
    make_deletion_report,
    make_delivery,
    make_end_user,
    make_execution,
    make_granted_key,
    make_invitation,
    make_membership,
    make_notice,
    make_organization,
    make_policy,
    make_session,
    make_support_grant,
    make_user,
    make_webhook,
    owner_ref,
)
from tests.staff import SEED

RESULT = {
    "messages": [{"id": 7, "subject": "Your trip to Lisbon", "unread": True}, {"id": 8, "subject": "<b>Lunch?</b>"}],
    "next": None,
}


def furnish() -> None:
    """Accounts in every state and runs with every ending, for Alice and for Acme. Prints their IDs as JSON."""
    alice, acme = User.objects.get(username="alice"), Organization.objects.get(slug="acme")
    _notices(alice, acme)
    make_support_grant(acme, by=alice)
    make_support_grant(acme, by=alice, until=timezone.now() + timedelta(hours=20))
    _policies(alice, acme)
    found = {"me": _for(alice, alice), "acme": _for(acme, alice)}
    found["acme"]["requests"] = _requests(alice, acme)
    found["acme"]["webhooks"] = _webhooks(acme)
    found["acme"]["auth_configs"] = _auth_configs(acme)
    found["me"]["reports"] = [_deletions(alice)]
    found["acme"]["applications"] = _applications(alice, acme)
    _people_with_a_factor()
    found["acme"]["members"] = [_somebody_who_may_leave(alice, acme).text_id]
    sys.stdout.write(json.dumps(found) + "\n")


def _deletions(alice: User) -> str:
    """An organization of Alice's that is announced to be deleted, and the report on one that is gone."""
    now = timezone.now()
    initech = make_organization("initech", owner=alice, name="Initech")
    make_deletion_report(
        alice,
        owner_uuid=initech.id,
        label="Initech",
        slug="initech",
        status="counting",
        asked_at=now,
        due_at=now + timedelta(days=3),
        started_at=None,
        finished_at=None,
    ).readers.clear()
    report = make_deletion_report(alice, label="Umbrella")
    said = {"confirmed": "", "unconfirmed": "The provider has no call to take access back.", "waiting": ""}
    for number, (outcome, detail) in enumerate(said.items()):
        report.accounts.create(
            account_id=uuid4(),
            toolkit="Slack",
            website="https://slack.com",
            label=f"umbrella-bot-{number}",
            outcome=outcome,
            detail=detail,
            answered_at=None if outcome == "waiting" else now,
        )
    return report.text_id


def _applications(alice: User, acme: Organization) -> list[str]:
    """One with an end user and a rule about it, and one whose end users are being deleted."""
    shop = make_application(acme, "Shop", created_by=alice, callback_urls=["https://shop.example.com/back"])
    make_application_key(shop)
    make_policy(acme, "ask", application=shop, effect="write", created_by=alice)
    customer = make_end_user(shop, "customer-8472")
    make_connected_account(Toolkit.objects.get(slug="github"), owner=customer, identity_label="customer-at-github")
    going = make_application(acme, "Old shop", created_by=alice)
    make_end_user(going, "customer-1")
    actor = actor_of(alice, acme)
    which = {"application_id": going.id, "typed": going.name, "now": timezone.now()}
    delete_end_users(actor=actor, owner=acme.ref, **which)
    pages = ["", "change/", "end/", "delete/", "keys/new/"]
    theirs = f"{shop.text_id}/end-users/{customer.text_id}/"
    return [*(f"{one.text_id}/{page}" for one in (shop, going) for page in pages), theirs, f"{theirs}delete/"]


def _people_with_a_factor() -> None:
    """Sam's sign-in is complete when his second factor is set up; its seed is the one of the tests. So is Tess's."""
    TOTP.activate(User.objects.get(username="sam"), SEED)
    TOTP.activate(make_user("tess", name="Tess Tan"), SEED)


def _somebody_who_may_leave(alice: User, acme: Organization) -> Membership:
    """An admin who connected something, has a run waiting and an invitation open; and what another one left behind."""
    now = timezone.now()
    dana, gone = make_user("dana", name="Dana Diaz"), make_user("gus", name="Gus Gomez")
    place = make_membership(acme, dana, Role.ADMIN, joined_at=now - timedelta(days=90))
    tool = Tool.objects.select_related("toolkit").get(slug="SLACK_SEND_MESSAGE")
    account = _account(tool, acme, dana, "acme-bot", "bot@example.com", ConnectionStatus.ACTIVE)
    later = now + timedelta(hours=2)
    make_execution(
        tool, owner=acme, user=dana, connected_account=account, available_at=later, expires_at=later, created_at=now
    )
    make_invitation(acme, by=dana)
    waiting = _account(tool, acme, gone, "old-bot", "old@example.com", ConnectionStatus.NEEDS_ATTENTION)
    waiting.successor, waiting.handed_over_at = alice, now
    waiting.save()
    return place


def _auth_configs(acme: Organization) -> list[str]:
    """An OAuth app with accounts, of the organization and of an end user; one that is disabled; one for keys."""
    gmail, slack = (Toolkit.objects.get(slug=slug) for slug in ("gmail", "slack"))
    used = make_auth_config(gmail, owner=acme, name="Acme's mail", scopes=["https://mail.google.com/"])
    make_connected_account(gmail, owner=acme, auth_config=used, identity_key="own", identity_label="team@acme.test")
    customer = make_end_user(make_application(acme, "Newsletter"), "customer-1")
    make_connected_account(gmail, owner=customer, auth_config=used)
    disabled = make_auth_config(slack, owner=acme, name="Old Slack app", is_enabled=False)
    keys = make_auth_config(slack, owner=acme, name="Slack tokens", scheme="bearer_token", client_id="")
    rows = (used, disabled, keys)
    return ["", "new/", *(f"{row.text_id}/{page}" for row in rows for page in ("", "change/", "delete/"))]


def _webhooks(acme: Organization) -> list[str]:
    """Webhooks in every state, one with deliveries in every state; the addresses of their pages."""
    now = timezone.now()
    old = {"old_secret": "sb_hook_old", "old_secret_until": now + timedelta(hours=20)}
    first = make_webhook(acme, description="Alerts into the on-call channel", status="paused", **old)
    rows = [first, make_webhook(acme, status="off"), make_webhook(acme, status="paused", failing_since=now, failures=4)]
    statuses = ("waiting", "retrying", "delivered", "given_up")
    deliveries = [make_delivery(first, status=status, created_at=now) for status in statuses]
    for status, code in ((500, "not_accepted"), (204, "")):
        deliveries[2].attempts.create(at=now, response_status=status, error_code=code, milliseconds=84)
    pages = [f"{row.text_id}/" for row in rows]
    pages += [f"{first.text_id}/{page}/" for page in ("change", "rotate", "delete")]
    return [*pages, *(f"{first.text_id}/{one.text_id}/" for one in deliveries)]


def _requests(alice: User, acme: Organization) -> list[str]:
    """What members ask for: open for several people, and with every outcome."""
    bob, now = User.objects.get(username="bob"), timezone.now()
    account = ConnectedAccount.objects.owned_by(acme.ref).first()
    toolkits = {one.slug: one for one in Toolkit.objects.all()}
    decided = {"decided_by": alice, "decided_at": now, "decision_reason": "We use another one."}
    asked = [
        ("github", [bob, alice], {}),
        ("slack", [bob], {"status": "blocked", **decided}),
        ("gmail", [bob, alice], {"status": "denied", **decided}),
        ("gmail", [bob], {"status": "expired", "decided_at": now}),
        ("jira", [alice], {"status": "withdrawn", "decided_at": now}),
        ("sandbox", [bob], {"status": "approved", "decided_by": alice, "decided_at": now, "answered_with": account}),
        ("sandbox", [bob, alice], {"connected_account": account}),
    ]
    times = {"created_at": now - timedelta(days=1), "expires_at": now + timedelta(days=13)}
    return [
        make_consent_request(toolkits[slug], owner=acme, users=users, **times, **values).text_id
        for slug, users, values in asked
    ]


def _policies(alice: User, acme: Organization) -> None:
    """Rules of each kind, and an exception that ends. None of them holds back what other tests run."""
    soon, github = timezone.now() + timedelta(hours=5), Toolkit.objects.get(slug="github")
    bob = User.objects.get(username="bob")
    made = {"created_by": alice, "created_at": timezone.now() - timedelta(days=2)}
    make_policy(acme, "deny", toolkit=github, role="member", effect="destructive", **made)
    make_policy(acme, "ask", toolkit=github, role="member", effect="write", **made)
    make_policy(acme, "allow", toolkit=github, user=bob, until=soon, reason="Moves the issues today.", **made)


def _notices(alice: User, acme: Organization) -> None:
    now = timezone.now()
    for number, kind in enumerate(NoticeKind):
        make_notice(
            alice,
            kind=kind.value,
            organization=acme if number % 2 else None,
            title=f"{kind.label}: something happened that needs you",
            text="The provider no longer accepts it. Sign in there again, so that runs go on.",
            created_at=now - timedelta(hours=number),
            read_at=now if number > 4 else None,  # some of each
        )


def _for(holder: User | Organization, user: User) -> dict[str, list[str]]:
    tool = Tool.objects.select_related("toolkit").get(slug="SANDBOX_LIST_MESSAGES")
    github = Tool.objects.select_related("toolkit").get(slug="GITHUB_GET_REPO")
    accounts = [_account(tool, holder, user, "Ada Park", "ada.park@sandbox.example", ConnectionStatus.ACTIVE)]
    for number, status in enumerate(s for s in ConnectionStatus if s not in {"waiting", "revoked", "active"}):
        accounts.append(_account(github, holder, user, f"octocat-{number}", "octo@example.com", status))
    runs = [_run(tool, holder, user, accounts[0], status) for status in ExecutionStatus]
    _used(holder, user, accounts[0])
    sessions, keys = _sessions(tool, github, holder, user, accounts), _keys(holder, user)
    return {
        "accounts": [one.text_id for one in accounts],
        "runs": [one.text_id for one in runs],
        "sessions": [one.text_id for one in sessions],
        "keys": [one.text_id for one in keys],
        "clients": [_client(holder, user, sessions[0])],
        "asks": [_asks(holder, user)],
    }


def _sessions(
    tool: Tool, github: Tool, holder: User | Organization, user: User, accounts: list[ConnectedAccount]
) -> list[ToolSession]:
    """One that pins and follows, one with everything, one that has ended."""
    now = timezone.now()
    made = {"owner": holder, "user": user, "created_at": now - timedelta(days=2), "changed_at": now}
    mixed = make_session(github.toolkit, pins=accounts[:1], name="Inbox helper", last_used_at=now, **made)
    make_execution(tool, owner=holder, user=user, status="cancelled", connected_account=accounts[0], tool_session=mixed)
    return [
        mixed,
        make_session(takes_all=True, name="A session with a long name, for everything there is", **made),
        make_session(github.toolkit, name="Over", ended_at=now, **made),
    ]


def _keys(holder: User | Organization, user: User) -> list[ApiKey]:
    """A live one that was used, one that expires soon, one that is revoked."""
    now = timezone.now()
    live, _ = make_api_key(holder, name="Nightly report", now=now)
    soon, _ = make_api_key(holder, name="Inbox agent", expires_at=now + timedelta(days=3), now=now)
    over, _ = make_api_key(holder, name="Old laptop", now=now)
    ApiKey.objects.filter(id=live.id).update(created_by=user, last_used_at=now)
    ApiKey.objects.filter(id=soon.id).update(created_by=user, replaces=over)
    ApiKey.objects.filter(id=over.id).update(revoked_at=now)
    tool = Tool.objects.get(slug="SANDBOX_LIST_MESSAGES")
    make_execution(tool, owner=holder, user=user, status="cancelled", api_key=live, created_at=now)
    return [live, soon, over]


def _client(holder: User | Organization, user: User, session: ToolSession) -> str:
    """One MCP client for everything, and one for a session."""
    make_granted_key(user, holder, f"/mcp/sessions/{session.text_id}", name="Editor", last_used_at=timezone.now())
    return make_granted_key(user, holder, name="A client with a long name that it chose for itself").text_id


def _asks(holder: User | Organization, user: User) -> str:
    """The address that a client sends its person to."""
    key = make_granted_key(user, holder, f"/mcp/sessions/trs_{'0' * 32}", name="A client that asks")
    asked = {
        "response_type": "code",
        "client_id": key.oauth_client.client_id if key.oauth_client else "",
        "redirect_uri": "http://127.0.0.1:4711/callback",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "resource": f"{settings.BASE_URL}/mcp/{owner_ref(holder).text_id}/",
    }
    return f"/oauth/authorize?{urlencode(asked)}"


def _account(
    tool: Tool, holder: User | Organization, user: User, label: str, email: str, status: ConnectionStatus
) -> ConnectedAccount:
    rows = AuthConfig.objects.unscoped("furnishing").filter(toolkit=tool.toolkit, scheme="oauth2")
    return make_connected_account(
        tool.toolkit,
        owner=holder,
        auth_config=rows.first() or make_auth_config(tool.toolkit),
        identity_key=f"{label}-{status}",
        identity_label=label,
        identity_email=email,
        status=status.value,
        status_reason="The provider no longer accepts it." if status == ConnectionStatus.EXPIRED else "",
        scopes=["profile", "mail.read"] if tool.toolkit.sandbox else ["repo"],
        connected_by=user,
        connected_at=timezone.now() - timedelta(days=3),
    )


def _used(holder: User | Organization, user: User, account: ConnectedAccount) -> None:
    """A month of runs, more on some days than on others, and an account that nobody has used for long."""
    now = timezone.now()
    slugs = ("SANDBOX_LIST_MESSAGES", "SANDBOX_SEND_MESSAGE", "SANDBOX_GET_PROFILE")
    tools = list(Tool.objects.filter(slug__in=slugs))
    for number in range(40):
        when = now - timedelta(days=number * number % 29, hours=1)
        values = {"created_at": when, "finished_at": when, "status": "failed" if number % 9 == 0 else "succeeded"}
        make_execution(tools[number % len(tools)], owner=holder, user=user, connected_account=account, **values)
    account.last_used_at = now
    account.save(update_fields=["last_used_at"])
    idle = _account(tools[0], holder, user, "Old Mailbox", "old@sandbox.example", ConnectionStatus.ACTIVE)
    idle.connected_at = now - timedelta(days=200)
    idle.scopes = ["profile", "calendar.all"]
    idle.save(update_fields=["connected_at", "scopes"])


def _run(tool: Tool, holder: User | Organization, user: User, account: ConnectedAccount, status: ExecutionStatus):  # type: ignore[no-untyped-def]  # noqa: ANN202
    now = timezone.now()
    later = now + timedelta(hours=2)  # nobody runs it meanwhile
    row = make_execution(tool, owner=holder, user=user, status=status.value, connected_account=account)
    row.available_at, row.expires_at, row.created_at = later, later + timedelta(hours=1), now - timedelta(minutes=5)
    told = {"because": "newest", "account": account.label, "checks": [], "remedies": []}
    row.decision = {**told, "allowed": status != "denied"}
    if row.lease_until:
        row.lease_until = later
    if row.is_over:
        row.finished_at, row.started_at = now, now - timedelta(seconds=2)
    if status == ExecutionStatus.SUCCEEDED:
        stored = {"result": RESULT, "truncated": False, "request": {"method": "GET", "url": "https://api.example.com"}}
        row.result = seal(stored, table="execution", row=row.id, field="result")
        row.provider_milliseconds, row.http_status = 182, 200
    if status in {ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN, ExecutionStatus.DENIED}:
        row.error_code, row.error_message = "not_found", "The provider does not know this message."
    row.save()
    return row
