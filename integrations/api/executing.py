"""Run a tool and wait for its end, in the envelope of the protocol."""

from http import HTTPStatus
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.utils import timezone
from ninja import Router, Status
from pydantic import AliasChoices, Field

from integrations.api.asking import ApiRequest, count_under
from integrations.api.base import In, Out
from integrations.api.catalogue import SLUG
from integrations.api.refusals import refusal_of_run
from integrations.api.refusing import refusing
from integrations.doors.waiting import run_when_over
from integrations.queries.catalogue import tool_of_catalogue
from integrations.queries.executions import get_execution
from integrations.services.executions import VIA_API, Order, submit_execution
from orgs.errors import DomainError
from orgs.permissions import Actor, Permission, require_scope

router = Router(tags=["Run tools"])
STILL_RUNNING: Final = "It is not over yet: {status}. GET /executions/{run} says how it ends. Do not send it again."
NOT_SUPPORTED: Final = {
    "text": "Describing arguments in words is not supported. Send them in arguments.",
    "custom_auth_params": "Credentials of your own are not taken with a call. Connect the account first.",
    "custom_connection_data": "Credentials of your own are not taken with a call. Connect the account first.",
}


class ExecuteIn(In):
    """What to run, under which ID, with which account."""

    arguments: dict[str, Any] = Field(default_factory=dict, description="As input_parameters of the tool says.")
    user_id: str = Field(
        "",
        max_length=200,
        validation_alias=AliasChoices("user_id", "entity_id"),
        description="The ID to run under: user_… or org_…. An account answers only to the ID it was connected under.",
    )
    version: str = Field("", max_length=40, description="A version of the toolkit, or `latest`.")
    connected_account_id: str = Field("", max_length=80, description="ca_…; without it the rule chooses.")
    text: str | None = Field(None, max_length=10_000, description="Not supported.")
    custom_auth_params: dict[str, Any] | None = Field(None, description="Not supported.")
    custom_connection_data: dict[str, Any] | None = Field(None, description="Not supported.")


class ExecuteOut(Out):
    """How the run ended. One that ran and failed has `successful: false` and says why in `error`."""

    data: dict[str, Any]
    successful: bool
    error: str | None
    log_id: str = Field(description="The ID of the run: GET /executions/{id} has all of it.")


@router.post(
    "/tools/execute/{slug}",
    response={200: ExecuteOut, 202: ExecuteOut},
)
@refusing
async def execute_tool(request: ApiRequest, asked: ExecuteIn, slug: str = SLUG) -> Any:
    """Run a tool and wait for its end. 202 when it still goes on: look at the run, and do not send it again."""
    row = await sync_to_async(submit)(request, asked, slug)
    row = await run_when_over(request.auth, row.id)
    envelope = await sync_to_async(envelope_of)(request.auth, row)
    return Status(HTTPStatus.OK if row.is_over else HTTPStatus.ACCEPTED, envelope)


def submit(request: ApiRequest, asked: ExecuteIn, slug: str) -> Any:
    require_scope(request.auth, Permission.EXECUTIONS_READ)  # the answer is the result: nothing is sent without it
    for name, message in NOT_SUPPORTED.items():
        if getattr(asked, name):
            raise DomainError(message, code="not_supported", field=name)
    tool = tool_of_catalogue(actor=request.auth, name=slug, version=asked.version)
    order = Order(
        requested=asked.user_id,
        tool=tool.slug,
        arguments=asked.arguments,
        account=asked.connected_account_id,
        origin=VIA_API,
    )
    return accepted(request, order)


def accepted(request: ApiRequest, order: Order) -> Any:
    """The row of an order that the rule allowed; its refusal as an error, which is on record as a run too."""
    count_under(order.requested, actor=request.auth)
    row = submit_execution(actor=request.auth, order=order, now=timezone.now())
    if row.status == "denied":
        raise refusal_of_run(row)
    return row


def envelope_of(actor: Actor, row: Any) -> ExecuteOut:
    if not row.is_over:
        message = STILL_RUNNING.format(status=row.word.label.lower(), run=row.text_id)
        return ExecuteOut(data={"status": row.status}, successful=False, error=message, log_id=row.text_id)
    if row.status == "denied":
        raise refusal_of_run(row)
    found = get_execution(actor=actor, owner=row.owner.ref, execution_id=row.id)
    successful = row.status == "succeeded"
    return ExecuteOut(
        data=data_of(found),
        successful=successful,
        error=None if successful else row.error_message or row.word.sentence,
        log_id=row.text_id,
    )


def data_of(found: Any) -> dict[str, Any]:
    """The result as an object: a list or a plain value stands under `result`."""
    if found.result is None:
        return {}
    return found.result if isinstance(found.result, dict) else {"result": found.result}
