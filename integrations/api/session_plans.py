"""From what a client says about a tool session to what the session is to be."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from integrations.queries.catalogue import tool_of_catalogue
from integrations.services.tool_sessions import SessionPlan
from orgs.errors import DomainError, NotFoundError
from orgs.permissions import Actor

CONFIG_MAX: Final = 20_000  # characters of JSON that are kept for the client
BY_POLICIES: Final = (
    "Which runs wait for approval is said by the policies of the organization. Leave require_approval out."
)
# What is kept and given back, and changes nothing here.
WITHOUT_EFFECT: Final = (
    "multi_account",
    "workbench",
    "search",
    "execute",
    "proxy_execute",
    "instant",
    "hooks",
    "experimental",
)


def new_plan(sent: Mapping[str, Any], *, actor: Actor) -> SessionPlan:
    return revised(SessionPlan(takes_all=True), sent, actor=actor)


def revised(before: SessionPlan, sent: Mapping[str, Any], *, actor: Actor) -> SessionPlan:
    """The plan with what was sent put into it: null takes away, and what is left out stays as it is."""
    _refuse_approvals(sent)
    pins = {slug: pin for slug, pin in before.toolkits.items() if pin}
    plan = before
    if "toolkits" in sent:
        plan = _with_toolkits(before, sent["toolkits"] or {})
        pins = {slug: pin for slug, pin in pins.items() if _holds(plan, slug)}
    if "connected_accounts" in sent:
        pins = {slug.lower(): _single(slug, ids) for slug, ids in (sent["connected_accounts"] or {}).items()}
    chosen = {} if plan.takes_all else dict.fromkeys(plan.toolkits, "")
    return replace(plan, toolkits={**chosen, **pins}, config={"asked": _asked(before, sent, actor)})


def warnings_about(asked: Mapping[str, Any]) -> list[str]:
    """What a client may think it has switched on."""
    idle = [name for name in WITHOUT_EFFECT if asked.get(name)]
    if (asked.get("manage_connections") or {}).get("enable_connection_removal"):
        idle.append("enable_connection_removal")
    return [f"Kept, but without effect here: {', '.join(idle)}."] if idle else []


def _with_toolkits(before: SessionPlan, said: Mapping[str, Any]) -> SessionPlan:
    enabled, disabled = said.get("enable"), said.get("disable") or ()
    return replace(
        before,
        takes_all=enabled is None,
        toolkits={slug.lower(): "" for slug in enabled or ()},
        excluded=tuple(slug.lower() for slug in disabled),
    )


def _holds(plan: SessionPlan, slug: str) -> bool:
    return slug not in plan.excluded if plan.takes_all else slug in plan.toolkits


def _single(toolkit: str, ids: str | list[str]) -> str:
    """One account per toolkit, as text or as a list of one."""
    listed_ids = [ids] if isinstance(ids, str) else ids
    if len(listed_ids) != 1 or not listed_ids[0]:
        message = f"A session has one account per toolkit; {toolkit[:60]} has {len(listed_ids)}."
        raise DomainError(message, code="session_one_account", field="connected_accounts")
    return listed_ids[0]


def _asked(before: SessionPlan, sent: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """What is kept beyond toolkits and accounts, which have rows of their own."""
    others = {name: value for name, value in sent.items() if name not in {"user_id", "toolkits", "connected_accounts"}}
    if others.get("tags"):
        others["tags"] = _hints(others["tags"])
    if others.get("tools"):
        others["tools"] = {slug.lower(): _limits(one, actor) for slug, one in others["tools"].items()}
    _check_preload(others.get("preload"), actor)
    kept = {**before.config.get("asked", {}), **others}
    kept = {name: value for name, value in kept.items() if value is not None}
    if len(json.dumps(kept)) > CONFIG_MAX:
        raise DomainError("The settings of a session are too large.", code="invalid_request")
    return kept


def _limits(said: Any, actor: Actor) -> dict[str, Any]:
    """What is said about the tools of one toolkit; a plain list names those that are in."""
    if isinstance(said, list):
        return {"enable": [_slug(one, actor, "tools") for one in said]}
    limits = {
        name: [_slug(one, actor, "tools") for one in said[name]]
        for name in ("enable", "disable")
        if said.get(name) is not None
    }
    return limits if said.get("tags") is None else {**limits, "tags": _hints(said["tags"])}


def _hints(said: Any) -> dict[str, list[str]]:
    if isinstance(said, list):
        return {"enable": said}
    return {name: said[name] for name in ("enable", "disable") if said.get(name) is not None}


def _check_preload(preload: Any, actor: Actor) -> None:
    """A tool that does not exist is noticed now, and not each time that the tools are listed."""
    tools = preload.get("tools") if isinstance(preload, dict) else None
    for one in tools if isinstance(tools, list) else ():
        _slug(one, actor, "preload")


def _slug(name: Any, actor: Actor, field: str) -> str:
    """The slug of a tool that a client names by slug or alias."""
    try:
        return str(tool_of_catalogue(actor=actor, name=str(name)[:120], version="").slug)
    except NotFoundError as error:
        raise NotFoundError(f"{field}: {error.message}", code=error.code, field=field) from None


def _refuse_approvals(sent: Mapping[str, Any]) -> None:
    """Somebody would rely on what is not done."""
    said = [sent.get("toolkits"), sent.get("tags"), *(sent.get("tools") or {}).values()]
    said += [one.get("tags") for one in said if isinstance(one, dict)]
    if any(isinstance(one, dict) and one.get("require_approval") for one in said):
        raise DomainError(BY_POLICIES, code="not_supported", field="require_approval")
