"""What to do next, in one sentence for a program's author: from what the rule knows about the way out."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from orgs.errors import DomainError

# By the code of the error, where the rule says nothing more.
FIXES: Final = {
    "tool_not_found": "GET /tools?search=… finds the tools of this installation.",
    "toolkit_not_found": "GET /toolkits lists the toolkits of this installation.",
    "insufficient_scope": "Use a key with that scope, or make one on the page API keys.",
    "role_insufficient": "Ask an admin or owner of the organization.",
    "connection_not_found": "GET /connected_accounts lists the accounts within reach of this key.",
    "connected_account_not_found": "GET /connected_accounts lists the accounts within reach of this key.",
    "user_id_not_found": "GET /identities lists the IDs that this key may act under.",
    "invalid_arguments": "GET /tools/{slug} has the schema of the arguments in input_parameters.",
    "idempotency_mismatch": "Use a new Idempotency-Key for a new request.",
    "too_many": "Wait as long as the header Retry-After says.",
    "api_key_misplaced": "Send it in the header x-api-key, and replace this key: it may stand in logs by now.",
    "auth_config_not_found": "GET /auth_configs lists the auth configs within reach of this key.",
    "auth_config_of_installation": "POST /auth_configs with the type use_custom_auth makes one of your organization's.",
    "auth_config_of_another_id": "GET /auth_configs lists them: user_id says whose it is, null that it is everybody's.",
    "auth_config_not_open": "PATCH the session with an auth config of that toolkit, or without one.",
    "auth_config_disabled": "PATCH /auth_configs/{id}/ENABLED enables it again.",
    "auth_config_in_use": "GET /connected_accounts?auth_config_ids=… lists the accounts.",
    "organization_needed": "GET /organizations lists the organizations of this key.",
    "own_request": "Ask another admin or owner of the organization.",
    "request_over": "GET /consent_requests/{id} shows how it stands.",
    "request_blocked": "Ask an admin or owner of the organization to lift the block.",
    "connection_needed": "Connect it on that page, or pass one of the candidates of GET /consent_requests/{id}.",
    "account_not_ready": "GET /consent_requests/{id} lists in candidates what could answer it, and what is in the way.",
    "person_needed": "Connect it in the browser as an admin of the organization, or with an admin's personal API key.",
}
ID_FIX: Final = "GET /identities lists the IDs that this key may act under."


def fix_for(error: DomainError) -> str:
    if isinstance(error.details, Mapping) and error.details.get("remedies"):
        return fix_from(error.details["remedies"])
    if error.code.startswith("user_id_"):
        return ID_FIX
    return FIXES.get(error.code, "")


def fix_from(remedies: Sequence[Mapping[str, Any]]) -> str:
    """The remembered remedies of a decision as one text."""
    return " Or: ".join(_sentence(one) for one in remedies)


def _sentence(remedy: Mapping[str, Any]) -> str:
    fix, owner = remedy["fix"], remedy["owner"]
    if fix == "run_as" and owner:
        return f"Pass {owner} as user_id: the account is connected under that ID."
    if fix == "change_id" and owner:
        return f"Pass {owner} as user_id."
    if fix in {"connect", "reconnect"} and remedy["owner_kind"] == "end_user":
        return f"{remedy['label']}: POST /connected_accounts/link with {owner} as user_id makes a link for them."
    link = _connections_page(remedy) if remedy["by_actor"] and fix in {"connect", "reconnect", "resume"} else ""
    return f"{remedy['label']}: {link}" if link else f"{remedy['label']}."


def _connections_page(remedy: Mapping[str, Any]) -> str:
    """Where a person finds the control; an end user has no pages here."""
    if remedy["owner_kind"] == "end_user":
        return ""
    is_organization = remedy["owner_kind"] == "organization"
    parts = {"org": remedy["owner_slug"]} if is_organization else {}
    if remedy["account"]:
        parts["account_id"] = remedy["account"]
    page = "connection" if remedy["account"] else "connect"
    try:
        return str(settings.BASE_URL) + reverse(f"{'org' if is_organization else 'me'}:{page}", kwargs=parts)
    except NoReverseMatch:
        return ""
