"""Texts that want to be scripts, put everywhere where a page shows what somebody else wrote.

Run in the product's own environment: `manage.py shell -c "from tests.security.hostile import furnish; furnish()"`.
"""

import json
import sys
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from integrations.models import AuthConfig, ConnectedAccount, Tool, Toolkit
from integrations.models.encrypted import seal
from integrations.models.status import RequestStatus
from orgs.models import Organization
from tests.factories import make_connected_account, make_connection_request, make_execution, make_membership, make_user

ALERTS = "alert(1)"
PROBE = "/hostile-probe"
PAYLOADS = [
    f"<script>{ALERTS}</script>",
    f"<ScRiPt>{ALERTS}</sCrIpT>",
    f"<script>{ALERTS}//",
    f"<script src='{PROBE}'></script>",
    f"<script/x>{ALERTS}</script>",
    f"</script><script>{ALERTS}</script>",
    f"</title><script>{ALERTS}</script>",
    f"</textarea><script>{ALERTS}</script>",
    f"</style><script>{ALERTS}</script>",
    f"--><script>{ALERTS}</script><!--",
    f"]]><script>{ALERTS}</script>",
    f"<img src=x onerror={ALERTS}>",
    f"<img src=x onerror='{ALERTS}'>",
    f"<img/src=x/onerror={ALERTS}>",
    f"<img src={PROBE}>",
    f'"><img src=x onerror={ALERTS}>',
    f"'><img src=x onerror={ALERTS}>",
    f"`><img src=x onerror={ALERTS}>",
    f"<svg onload={ALERTS}>",
    f"<svg/onload={ALERTS}>",
    f"<svg><script>{ALERTS}</script></svg>",
    f"<svg><animate onbegin={ALERTS} attributeName=x>",
    f"<svg><set onbegin={ALERTS}>",
    f"<math><mi//xlink:href='javascript:{ALERTS}'>x",
    f"<body onload={ALERTS}>",
    f"<iframe src='javascript:{ALERTS}'></iframe>",
    f"<iframe srcdoc='<script>{ALERTS}</script>'></iframe>",
    f"<object data='javascript:{ALERTS}'></object>",
    f"<embed src='javascript:{ALERTS}'>",
    f"<a href='javascript:{ALERTS}'>x</a>",
    f"<a href='java&#x0a;script:{ALERTS}'>x</a>",
    f"<form action='javascript:{ALERTS}'><button>x</button></form>",
    f"<input autofocus onfocus={ALERTS}>",
    f"<select autofocus onfocus={ALERTS}>",
    f"<details open ontoggle={ALERTS}>",
    f"<video><source onerror={ALERTS}></video>",
    f"<audio src=x onerror={ALERTS}>",
    f"<marquee onstart={ALERTS}>x</marquee>",
    f"<meta http-equiv=refresh content='0;url={PROBE}'>",
    f"<base href='{PROBE}/'>",
    f"<link rel=stylesheet href={PROBE}>",
    f"<style>@import '{PROBE}'</style>",
    f"<div style='background:url({PROBE})'>x</div>",
    f"<template><script>{ALERTS}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={ALERTS}>'>",
    f"<div hx-get='{PROBE}' hx-trigger='load'>x</div>",
    f"<div data-hx-get='{PROBE}' data-hx-trigger='load'>x</div>",
    f"<div hx-on::load='{ALERTS}'>x</div>",
    f"<div hx-on:htmx:load='{ALERTS}'>x</div>",
    f"<div hx-vals='js:{{x:{ALERTS}}}' hx-get='{PROBE}' hx-trigger='load'>x</div>",
    f"<div x-data x-init='{ALERTS}'>x</div>",
    f"' onmouseover='{ALERTS}' autofocus onfocus='{ALERTS}",
    f'" autofocus onfocus="{ALERTS}',
    f"javascript:{ALERTS}",
    f"&lt;img src=x onerror={ALERTS}&gt;",
    f"\u003cscript\u003e{ALERTS}\u003c/script\u003e",
    f"\\u003cimg src=x onerror={ALERTS}\\u003e",
    f"\uff1cscript\uff1e{ALERTS}\uff1c/script\uff1e",
    f"%3Cscript%3E{ALERTS}%3C/script%3E",
    f"<\x0bscript>{ALERTS}</script>",
    "{{7*7}}{{constructor.constructor('alert(1)')()}}",
    "{% debug %}{% include 'x' %}${7*7}#{7*7}",
    f"<!--<img src='--><img src=x onerror={ALERTS}//'>",
    f"<table background={PROBE}><tr><td>x",
]


def furnish() -> None:
    """Everything that is named or answered by others carries a payload. Prints IDs as JSON."""
    alice, acme = User.objects.get(username="alice"), Organization.objects.get(slug="acme")
    sandbox = Toolkit.objects.get(slug="sandbox")
    tool = Tool.objects.select_related("toolkit").get(slug="SANDBOX_LIST_MESSAGES")
    rows = AuthConfig.objects.unscoped("furnishing").filter(toolkit=sandbox, scheme="oauth2")
    config = rows.get()
    config.name = PAYLOADS[0]
    config.save()
    _name_people(alice, acme)
    accounts = [_account(sandbox, config, alice, number) for number in range(len(PAYLOADS))]
    runs = [_run(tool, alice, accounts[0], alice), *_failed(tool, alice, accounts, alice)]
    found = {
        "accounts": [one.text_id for one in accounts[:3]],
        "runs": [one.text_id for one in runs],
        "requests": [_request(config, alice, number) for number in range(0, len(PAYLOADS), 5)],
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _name_people(alice: User, acme: Organization) -> None:
    alice.name = PAYLOADS[11]
    alice.save()
    acme.name = PAYLOADS[15][:80]
    acme.save()
    for number, payload in enumerate(PAYLOADS):
        make_membership(acme, make_user(f"hostile{number}", name=payload[:80], password=None))


def _account(toolkit: Toolkit, config: AuthConfig, holder: User, number: int) -> ConnectedAccount:
    payload = PAYLOADS[number]
    return make_connected_account(
        toolkit,
        owner=holder,
        auth_config=config,
        identity_key=f"hostile-{number}",
        alias=payload[:80] if number % 2 else "",
        identity_label=payload[:255],
        identity_email=payload[:255],
        status_reason=payload[:300],
        status="needs_attention" if number % 3 else "active",
        scopes=[payload],
        connected_at=timezone.now() - timedelta(minutes=number),
    )


def _run(tool: Tool, holder: User, account: ConnectedAccount, user: User) -> Any:
    """One whose arguments, request and result hold all payloads, as values and as names."""
    row = make_execution(tool, owner=holder, user=user, status="succeeded", connected_account=account)
    hostile = {payload: [payload, {"deep": payload}] for payload in PAYLOADS}
    request = {"method": "GET", "url": f"https://x/?{PAYLOADS[11]}", "headers": hostile, "body": "".join(PAYLOADS)}
    row.arguments = seal(hostile, table="execution", row=row.id, field="arguments")
    stored = {"result": hostile, "truncated": True, "request": request}
    row.result = seal(stored, table="execution", row=row.id, field="result")
    row.http_status, row.provider_request_id = 200, PAYLOADS[11][:100]
    row.decision = _told(PAYLOADS[11])
    row.created_at = row.finished_at = timezone.now()
    row.save()
    return row


def _told(payload: str) -> dict[str, Any]:
    check = {"code": "account", "label": payload, "outcome": "failed", "detail": payload}
    told = {"allowed": False, "because": "newest", "account": payload, "checks": [check], "message": payload}
    return {**told, "remedies": [], "fixable_by": payload, "code": "x", "status": 404}


def _failed(tool: Tool, holder: User, accounts: list[ConnectedAccount], user: User) -> list[Any]:
    """Several payloads in each error message, so that all of them fit on one page of the list."""
    rows = []
    for start in range(0, len(PAYLOADS), 6):
        status = ("failed", "denied", "unknown")[len(rows) % 3]
        row = make_execution(tool, owner=holder, user=user, status=status, connected_account=accounts[start])
        row.error_message = "".join(PAYLOADS[start : start + 6])[:500]
        row.error_code = PAYLOADS[start][:80]
        row.decision = _told(PAYLOADS[start])
        row.created_at = row.finished_at = timezone.now()
        row.save()
        rows.append(row)
    return rows


def _request(config: AuthConfig, user: User, number: int) -> str:
    message = "".join(PAYLOADS[number : number + 5])[:300]
    return str(
        make_connection_request(
            config, owner=user, user=user, status=RequestStatus.FAILED, error_message=message, error_code="x"
        ).text_id
    )
