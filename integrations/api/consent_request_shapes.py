"""What the answers and questions about consent requests hold."""

from typing import Final

from pydantic import Field

from integrations.api.base import Out, StrictIn
from integrations.api.catalogue_shapes import ListIn, ToolToolkitOut
from integrations.queries.consent_requests import STATUS_CHOICES

STATUSES: Final = [value for value, _label in STATUS_CHOICES]


class ConsentRequestListIn(ListIn):
    user_id: str = Field("", max_length=200, description="org_…, or your own: what you asked for anywhere.")
    status: str = Field("", max_length=20, description=", ".join(STATUSES))
    mine: bool = Field(False, description="Only what you asked for yourself.")


class AskIn(StrictIn):
    """What you need, and why. Admins decide by the reason."""

    user_id: str = Field(max_length=200, description="org_…: whose admins are asked.")
    toolkit: str = Field(max_length=120)
    reason: str = Field(min_length=1, max_length=500)
    tools: list[str] = Field(default_factory=list, max_length=50, description="Slugs of tools that you want to run.")
    connected_account_id: str = Field("", max_length=80, description="Access to this account; else a new connection.")


class AnsweredIn(StrictIn):
    """With which account, and for how long those may use it whom a policy holds back."""

    connected_account_id: str = Field("", max_length=80, description="Needed for a new connection: one that is there.")
    days: int | None = Field(None, ge=1, le=90, description="For those whom a policy holds back; else without an end.")


class RefusedIn(StrictIn):
    reason: str = Field(min_length=1, max_length=500, description="Everybody who asked reads it.")


class RequesterOut(Out):
    """Somebody's part. Only who decides sees those of others."""

    user_id: str
    name: str
    reason: str
    tools: list[str]
    asked_at: str | None
    withdrawn_at: str | None


class StepOut(Out):
    """A line of the timeline."""

    step: str
    label: str
    who: str | None
    reason: str | None
    at: str | None


class CandidateOut(Out):
    """An account that could answer. `obstacle`: what must be done with it first."""

    connected_account_id: str
    label: str
    obstacle: str | None
    held_back: list[str]


class ConsentRequestRowOut(Out):
    id: str
    status: str
    status_label: str
    what: str
    user_id: str
    toolkit: ToolToolkitOut
    connected_account_id: str | None
    asking: int
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None
    answered_with: str | None
    granted_until: str | None
    created_at: str | None
    expires_at: str | None
    url: str


class ConsentRequestOut(ConsentRequestRowOut):
    """One request, as much of it as you may see. `why_not` says why you cannot approve it, and who can."""

    is_mine: bool
    may_decide: bool
    may_approve: bool
    why_not: str | None
    requesters: list[RequesterOut]
    wanted_tools: list[str]
    timeline: list[StepOut]
    candidates: list[CandidateOut]


class ConsentRequestPageOut(Out):
    items: list[ConsentRequestRowOut]
    next_cursor: str | None
