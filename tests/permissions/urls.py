"""Every address of the product, read off the URL resolver, and the values that fill in its parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import User
from integrations.models import Toolkit
from integrations.models.status import RequestStatus
from orgs.models import Membership, Organization
from tests.factories import (
    make_api_key,
    make_application,
    make_audit_event,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_consent_request,
    make_deletion_report,
    make_delivery,
    make_end_user,
    make_execution,
    make_finished_execution,
    make_granted_key,
    make_invitation,
    make_join_domain,
    make_logo,
    make_membership,
    make_notice,
    make_policy,
    make_session,
    make_support_grant,
    make_tool,
    make_toolkit,
    make_webhook,
)
from tests.world import World


@dataclass(frozen=True)
class Address:
    """One pattern: its name with namespace, its path as written, its view."""

    name: str
    path: str
    view: Any


def addresses() -> list[Address]:
    return list(_walk(get_resolver(), "", ""))


def _walk(resolver: URLResolver, path: str, namespace: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield Address(f"{namespace}{pattern.name or here}", here, pattern.callback)
        else:
            yield from _walk(pattern, here, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)


Parts = dict[str, Any]


@dataclass(frozen=True)
class Furniture:
    """The parts of addresses, by whose things they lead to."""

    member: Parts
    acme: Parts
    globex: Parts

    def url(self, name: str, *, things: str = "", org: str = "acme") -> str:
        """The address `name`, leading to the things that belong under it unless others are named."""
        namespace = name.partition(":")[0]
        parts = getattr(self, things or ("acme" if namespace == "org" else "member"))
        wanted = _parts_of(name)
        if name.endswith(":run_download"):  # there must be something to download
            parts = {**parts, "execution_id": parts["finished_id"]}
        if ":approval_" in name:  # there must be something to decide
            parts = {**parts, "execution_id": parts["waiting_id"]}
        if name.endswith(":auth_config_check"):  # no provider is asked about keys
            parts = {**parts, "own_config_id": parts["own_keys_id"]}
        filled = {part: value for part, value in {**parts, "org": org}.items() if part in wanted}
        return reverse(name, kwargs=filled)


def _parts_of(name: str) -> set[str]:
    address = next(one for one in addresses() if one.name == name)
    return {piece.partition(">")[0].rpartition(":")[2] for piece in address.path.split("<")[1:]}


def furnish(world: World) -> Furniture:
    """A toolkit with one tool; for the member, Acme and Globex an account, a run and a begun connection each."""
    toolkit = make_toolkit("github")
    tool = make_tool(toolkit, "GITHUB_GET_THING")
    config = make_auth_config(toolkit)

    def things(owner: User | Organization, user: User, beginner: User) -> Parts:
        place = owner if isinstance(owner, Organization) else world.globex  # a person has no members
        membership = Membership.objects.filter(organization=place, user=user).first() or make_membership(place, user)
        invitation, _token = make_invitation(place, by=beginner)
        account = make_connected_account(toolkit, owner=owner, auth_config=config)
        application = make_application(place)
        request = make_connection_request(config, owner=owner, user=beginner, status=RequestStatus.OPEN)
        run = {"owner": owner, "user": user, "connected_account": account}
        ends = {"expires_at": timezone.now() + timedelta(hours=1)}
        return {
            "name": tool.slug,
            "toolkit": toolkit.slug,
            "slug": toolkit.slug,
            "account_id": account.text_id,
            "request_id": request.text_id,
            "execution_id": make_execution(tool, **run).text_id,
            "finished_id": make_finished_execution(tool, **run).text_id,
            "waiting_id": make_execution(tool, **run, status="waiting_for_approval", **ends).text_id,
            "policy_id": _granted(owner, user),
            "auth_config_id": config.id,
            **_brought(toolkit, place, user),
            "session_id": make_session(toolkit, owner=owner, user=user).text_id,
            "key_id": make_api_key(owner)[0].text_id,
            "application_id": application.text_id,
            "end_user_id": make_end_user(application).text_id,
            "access_id": make_granted_key(user, owner).text_id,
            "event_id": make_audit_event(owner, user).text_id,
            "consent_id": _asked(toolkit, owner, user),
            "member_id": membership.text_id,
            "invitation_id": invitation.text_id,
            "grant_id": make_support_grant(place, by=beginner).text_id,
            "notice_id": make_notice(user).text_id,
            "domain_id": _domain(place),
            "deletion_id": make_deletion_report(user).text_id,
            "token": "x" * 43,
            **_hooked(place),
        }

    return Furniture(
        member=things(world.member, world.member, world.member),
        acme=things(world.acme, world.member, world.admin),
        globex=things(world.globex, world.outsider, world.outsider),
    )


def _domain(place: Organization) -> str:
    """People of it may join, but nobody here is one; and a logo, since the furniture is looked at."""
    make_logo(place)
    return make_join_domain(place).text_id


def _brought(toolkit: Toolkit, place: Organization, user: User) -> Parts:
    """Auth configs of the organization's own: an OAuth app, and one for keys."""
    name = f"Of {user.username}"
    keys = make_auth_config(toolkit, owner=place, name=f"{name}, keys", scheme="bearer_token")
    return {
        "own_config_id": make_auth_config(toolkit, owner=place, name=name).text_id,
        "own_keys_id": keys.text_id,
    }


def _hooked(place: Organization) -> Parts:
    """A webhook of the organization with a delivery that is over."""
    webhook = make_webhook(place)
    return {"webhook_id": webhook.text_id, "delivery_id": make_delivery(webhook, status="delivered").text_id}


def _granted(owner: User | Organization, user: User) -> str:
    """An exception for the user; a person has no policies."""
    return make_policy(owner, "allow", user=user).text_id if isinstance(owner, Organization) else f"pol_{uuid4().hex}"


def _asked(toolkit: Toolkit, owner: User | Organization, user: User) -> str:
    """What the user asks an organization for; nobody asks themself."""
    if isinstance(owner, User):
        return f"rq_{uuid4().hex}"
    return make_consent_request(toolkit, owner=owner, users=[user]).text_id


def invented(parts: Parts) -> Parts:
    """The same parts with IDs that were never given to anything."""
    fresh = uuid4().hex
    run = f"ex_{fresh}"
    made_up = {"account_id": f"ca_{fresh}", "request_id": f"cr_{fresh}", "execution_id": run, "finished_id": run}
    made_up |= {"waiting_id": run, "policy_id": f"pol_{fresh}"}
    made_up |= {"event_id": f"ev_{fresh}", "notice_id": f"nt_{fresh}"}
    made_up |= {"domain_id": f"dom_{fresh}", "deletion_id": f"del_{fresh}"}
    made_up |= {"event_id": f"ev_{fresh}", "notice_id": f"nt_{fresh}", "key_id": f"key_{fresh}"}
    made_up |= {"application_id": f"app_{fresh}", "end_user_id": f"eu_{fresh}"}
    made_up |= {"webhook_id": f"wh_{fresh}", "delivery_id": f"msg_{fresh}"}
    made_up |= {"own_config_id": f"ac_{fresh}", "own_keys_id": f"ac_{fresh}"}
    made_up["session_id"] = f"trs_{fresh}"
    made_up["grant_id"] = f"sup_{fresh}"
    return {**parts, **made_up, "member_id": f"mem_{fresh}", "invitation_id": f"inv_{fresh}"}
