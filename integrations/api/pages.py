"""The documentation of the API in the product: made of the description that programs get, with code that runs."""

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.api.document import openapi_document
from integrations.samples import samples
from orgs.decorators import SignedInRequest, signed_in
from orgs.permissions import OwnerRef

# What a call may look like, where the address alone does not say it. {user} is the reader's own ID.
BODIES: Final[dict[str, Any]] = {
    "execute_tool": {"user_id": "{user}", "arguments": {"username": "pg"}, "version": "latest"},
    "submit_run": {"tool": "HACKERNEWS_GET_USER", "user_id": "{user}", "arguments": {"username": "pg"}},
    "repeat_run": {"acknowledged": False},
    "cancel_run": {},
    "list_named_toolkits": {"toolkits": ["github", "slack"]},
    "begin_account": {"auth_config": {"id": "ac_…"}, "connection": {"user_id": "{user}"}},
    "link_account": {"auth_config_id": "ac_…", "user_id": "{user}"},
    "switch_account": {"enabled": False},
    "change_account": {"alias": "Work"},
    "refresh_account": {},
    "create_auth_config": {
        "toolkit": {"slug": "github"},
        "auth_config": {
            "type": "use_custom_auth",
            "authScheme": "OAUTH2",
            "credentials": {"client_id": "…", "client_secret": "…"},
        },
        "user_id": "org_…",
    },
    "change_auth_config": {"type": "custom", "credentials": {"client_secret": "…"}},
    "make_consent_request": {"user_id": "org_…", "toolkit": "slack", "reason": "To post the weekly numbers"},
    "approve_consent_request": {"connected_account_id": "ca_…", "days": 30},
    "deny_consent_request": {"reason": "Use the account that is there"},
    "block_consent_request": {"reason": "We do not use this service"},
    "explain_tool": {"tool": "GITHUB_GET_REPO", "user_id": "{user}"},
    "dry_run_tool": {"tool": "HACKERNEWS_GET_USER", "user_id": "{user}", "arguments": {"username": "pg"}},
    "create_tool_session": {"user_id": "{user}", "toolkits": {"enable": ["hackernews"]}},
    "change_tool_session": {"toolkits": {"enable": ["hackernews", "github"]}},
    "link_in_session": {"toolkit": "github"},
    "search_in_session": {"queries": [{"use_case": "look somebody up"}]},
    "execute_in_session": {"tool_slug": "HACKERNEWS_GET_USER", "arguments": {"username": "pg"}},
    "execute_meta_in_session": {
        "slug": "COMPOSIO_GET_TOOL_SCHEMAS",
        "arguments": {"tool_slugs": ["HACKERNEWS_GET_USER"]},
    },
    "create_subscription": {"webhook_url": "https://hooks.example.com/in", "enabled_events": ["execution.ended"]},
    "change_subscription": {"status": "paused"},
    "rotate_subscription_secret": {},
    "try_subscription": {},
    "replay_subscription_delivery": {},
}
SLUGS: Final = {"/toolkits/{slug}": "github", "/tools/{slug}": "HACKERNEWS_GET_USER"}


@signed_in
@require_safe
def api_docs(request: SignedInRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    listed = [one for one in _operations(request.actor.as_owner) if _fits(one, search)]
    groups: dict[str, list[Any]] = {}
    for one in listed:
        groups.setdefault(one["tag"], []).append(one)
    context = {"groups": list(groups.items()), "search": search, "count": len(listed), "first": _first(request)}
    return render(request, "integrations/api_docs.html", context)


def _first(request: SignedInRequest) -> list[tuple[str, str]]:
    """The call that a newcomer makes first: it says under which IDs the key acts."""
    del request
    return samples("GET", "/identities")


def _operations(owner: OwnerRef | None) -> Iterator[dict[str, Any]]:
    document = openapi_document()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = _mine(BODIES.get(operation["operationId"]), owner)
            yield {
                "id": operation["operationId"],
                "tag": operation["tags"][0],
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "description": operation.get("description", ""),
                "fields": [*_parameters(operation), *_body_fields(operation, document)],
                "samples": samples(method.upper(), _example_path(path), body),
            }


def _fits(operation: dict[str, Any], search: str) -> bool:
    text = f"{operation['summary']} {operation['path']} {operation['method']} {operation['description']}".lower()
    return all(word in text for word in search.lower().split())


def _mine(body: Any, owner: OwnerRef | None) -> Any:
    if isinstance(body, dict):
        return {name: _mine(value, owner) for name, value in body.items()}
    return owner.text_id if body == "{user}" and owner else body


def _example_path(path: str) -> str:
    """An address with something in it that is there; IDs are for the reader to fill in."""
    if path in SLUGS:
        return path.replace("{slug}", SLUGS[path])
    filled = path.replace("{slug}", "HACKERNEWS_GET_USER").replace("{session_id}", "trs_…")
    filled = filled.replace("{run_id}", "ex_…").replace("{account_id}", "ca_…").replace("{config_id}", "ac_…")
    filled = filled.replace("{webhook_id}", "wh_…").replace("{delivery_id}", "msg_…")
    filled = filled.replace("{request_id}", "rq_…").replace("{status}", "DISABLED")
    return filled.replace("{organization_id}", "org_…")


def _parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": one["name"],
            "where": one["in"],
            "required": one.get("required", False),
            "help": one["schema"].get("description", ""),
        }
        for one in operation.get("parameters", [])
    ]


def _body_fields(operation: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, {})
    required = schema.get("required", [])
    return [
        {"name": field, "where": "body", "required": field in required, "help": about.get("description", "")}
        for field, about in schema.get("properties", {}).items()
        if about.get("description") != "Not supported."
    ]
