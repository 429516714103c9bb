"""Links to connect an account, for those who have no page here to be sent to: the end users of applications."""

from typing import Any, Final

from django.utils import timezone

from integrations.doors.session_answers import link_url
from integrations.mcp.place import Place
from integrations.queries.connections import get_connection
from integrations.queries.executions import get_execution
from integrations.services.agent_links import Wanted, link_for_refusal
from orgs.permissions import Decision, Fix, Remedy

CONSENT: Final = frozenset({Fix.CONNECT, Fix.RECONNECT})


def link_after(place: Place, row: Any) -> str:
    """Where the end user connects what this run was refused for; empty for everybody and everything else.

    A link is a row, so none is made for what a tool about tools only tells.
    """
    if row.status != "denied" or not place.actor.speaks_for(row.owner.ref):
        return ""
    decision = get_execution(actor=place.actor, owner=row.owner.ref, execution_id=row.id).decision_now
    remedy = _consent(place, decision) if decision else None
    if remedy is None:
        return ""
    wanted = Wanted(row.tool.toolkit.slug, _account(place, remedy), place.session)
    made = link_for_refusal(actor=place.actor, owner=row.owner.ref, wanted=wanted, now=timezone.now())
    return link_url(made) if made else ""


def _consent(place: Place, decision: Decision) -> Remedy | None:
    return next((one for one in decision.remedies if one.fix in CONSENT and one.owner == place.owner), None)


def _account(place: Place, remedy: Remedy) -> Any:
    if remedy.account_id is None:
        return None
    return get_connection(actor=place.actor, owner=place.owner, account_id=remedy.account_id)
