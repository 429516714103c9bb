"""Run a tool once: arguments, request, credentials, fence, provider, result.

`run` does not raise for faults of the input, the network or the provider; its Outcome tells them.
The one thing it lets through is an error of the fence itself, after which nothing was sent.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from integrations.engine.auth import apply_credentials, mark_credentials, secret_forms, strike
from integrations.engine.errors import Fenced, Interrupted, NotSent, ToolError, TransportError
from integrations.engine.failures import find_failure, retry_after
from integrations.engine.hooks import HookReadError, hook_of
from integrations.engine.http import OutboundClient
from integrations.engine.inputs import check_arguments
from integrations.engine.requests import build_request
from integrations.engine.results import cap, pick, read_result
from integrations.engine.types import (
    Effect,
    Fence,
    Happening,
    HttpRequest,
    HttpResponse,
    Outcome,
    ToolCall,
    ToolSpec,
)

SUMMARY_BODY = 4_000
SUMMARY_URL = 2_000
REQUEST_ID_HEADERS = ("x-github-request-id", "x-slack-req-id", "atl-traceid", "x-request-id", "x-arequestid")
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:/=+-]{1,100}")
HAPPENINGS = {NotSent: Happening.NOT_SENT, Interrupted: Happening.INTERRUPTED, Fenced: Happening.FENCED}


def run(call: ToolCall, client: OutboundClient, fence: Fence) -> Outcome:
    """Try the call once. `fence` is asked exactly once, when the connection stands and the first byte is due."""
    attempt = Attempt(call, client, time.monotonic() + call.deadline_seconds)
    try:
        return attempt.go(fence)
    except HookReadError as error:
        return _before_the_request(error.outcome)
    except ToolError as error:
        return _refused(error)
    except TransportError as fault:  # only a hook's first read: the request that counts has its own handler
        return _nothing_sent(_from_fault(fault))


def dry_run(call: ToolCall) -> Mapping[str, Any]:
    """The request as `run` would send it, secrets struck out. Raises ToolError when there is none.

    `reads_first` stands in it when a hook would first read something at the provider, which is left out here.
    """
    arguments = check_arguments(call.spec, call.arguments)
    reads: list[str] = []

    def read_nothing(spec: ToolSpec, _arguments: Mapping[str, Any]) -> Any:
        reads.append(spec.path)
        return {}

    summary = _summary(call, _shape(call, arguments, read_nothing), _forms(call))
    return {**summary, "reads_first": True} if reads else summary


def _shape(call: ToolCall, arguments: Mapping[str, Any], read: Any) -> HttpRequest:
    hook = hook_of(call.spec)
    if hook.shape is None:
        return build_request(call.spec, arguments)
    return hook.shape(call.spec, arguments, read)


def _forms(call: ToolCall) -> tuple[str, ...]:
    return secret_forms(call.credentials, call.placement) if call.credentials.values else ()


@dataclass(frozen=True)
class Attempt:
    """One try of one call, all of its requests on one deadline."""

    call: ToolCall
    client: OutboundClient
    ends_at: float

    def go(self, fence: Fence) -> Outcome:
        arguments = check_arguments(self.call.spec, self.call.arguments)
        forms = _forms(self.call)
        request = _shape(self.call, arguments, self.read)
        signed = apply_credentials(request, self.call.credentials, self.call.placement)
        summary = _summary(self.call, request, forms)
        started = time.monotonic()
        try:
            response = self._send(signed, fence, may_repeat=self.call.spec.effect is Effect.READ)
            outcome = self._finish(_outcome(self.call, response, forms), arguments)
        except TransportError as fault:
            outcome = _from_fault(fault)
        milliseconds = round((time.monotonic() - started) * 1000)
        return replace(outcome, request_summary=summary, provider_milliseconds=milliseconds)

    def _send(self, request: HttpRequest, fence: Fence | None, *, may_repeat: bool) -> HttpResponse:
        return self.client.send(
            request,
            deadline_seconds=self.ends_at - time.monotonic(),
            max_bytes=self.call.max_response_bytes,
            before_first_byte=fence,
            reuse=may_repeat,
        )

    def read(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> Any:
        """A further GET of a hook, with the same account, never fenced."""
        request = apply_credentials(build_request(spec, arguments), self.call.credentials, self.call.placement)
        response = self._send(request, None, may_repeat=True)
        outcome = _outcome(replace(self.call, spec=spec), response, _forms(self.call))
        if not outcome.successful:
            raise HookReadError(outcome)
        return outcome.result

    def _finish(self, outcome: Outcome, arguments: Mapping[str, Any]) -> Outcome:
        finish = hook_of(self.call.spec).finish
        if finish is None or not outcome.successful or outcome.truncated:
            return outcome
        result, truncated = cap(
            finish(self.call.spec, arguments, outcome.result, self.read), self.call.max_result_bytes
        )
        return replace(outcome, result=result, truncated=truncated)


# From answers and faults to outcomes


def _outcome(call: ToolCall, response: HttpResponse, forms: tuple[str, ...]) -> Outcome:
    try:
        return _read_answer(call, response, forms)
    except Exception:  # noqa: BLE001 - the provider has acted: what cannot be read must not hide that
        return _unreadable(response)


def _read_answer(call: ToolCall, response: HttpResponse, forms: tuple[str, ...]) -> Outcome:
    document, cut = read_result(response, forms)
    rules = call.spec.errors
    if rules.ok_field and 200 <= response.status < 300 and pick(document, rules.ok_field) is None:  # noqa: PLR2004
        return _unreadable(response)
    failure = find_failure(rules, response.status, response.headers, document, forms)
    picked = pick(document, call.spec.response_pick) if call.spec.response_pick and not failure else None
    result, capped = cap(document if picked is None else picked, call.max_result_bytes)
    limited = failure is not None and failure.rate_limited
    return Outcome(
        happening=Happening.ANSWERED,
        status=response.status,
        successful=failure is None,
        result=result,
        error_code=failure.code if failure else "",
        error_message=failure.message if failure else "",
        retry_after_seconds=retry_after(response.headers, time.time(), rate_limited=limited) if failure else None,
        needs_reconnect=failure is not None and failure.needs_reconnect,
        rate_limited=limited,
        truncated=cut or capped,
        provider_request_id=_request_id(response),
    )


def _unreadable(response: HttpResponse) -> Outcome:
    """An answer that does not say whether it worked leaves us as unsure as no answer."""
    return Outcome(
        happening=Happening.INTERRUPTED,
        status=response.status,
        error_code="unreadable_answer",
        error_message="The provider's answer could not be read, so it is not known whether it worked.",
        provider_request_id=_request_id(response),
    )


def _request_id(response: HttpResponse) -> str:
    found = (response.headers.get(name, "") for name in REQUEST_ID_HEADERS)
    return next((text for text in found if REQUEST_ID.fullmatch(text)), "")


def _from_fault(fault: TransportError) -> Outcome:
    happening = HAPPENINGS.get(type(fault), Happening.REFUSED)
    return Outcome(happening, status=fault.status, error_code=fault.code, error_message=fault.message)


def _refused(error: ToolError) -> Outcome:
    return Outcome(Happening.REFUSED, error_code=error.code, error_message=error.message)


def _before_the_request(outcome: Outcome) -> Outcome:
    """A first read was answered with an error. A clear one ends the call as it stands; after an unclear
    one it is still certain that the request that counts was not sent."""
    clear = outcome.rate_limited or outcome.needs_reconnect or (outcome.status or 0) < 500  # noqa: PLR2004
    if outcome.happening is Happening.ANSWERED and clear and outcome.status != 408:  # noqa: PLR2004
        return replace(outcome, result=None)
    return _nothing_sent(outcome)


def _nothing_sent(outcome: Outcome) -> Outcome:
    certain = outcome.happening in (Happening.REFUSED, Happening.FENCED)
    return outcome if certain else replace(outcome, happening=Happening.NOT_SENT, status=None, result=None)


def _summary(call: ToolCall, request: HttpRequest, forms: tuple[str, ...]) -> dict[str, Any]:
    """Made from the request before it is signed, and struck once more: an argument may repeat a secret."""
    marked = mark_credentials(request, call.credentials, call.placement)
    body = strike(marked.body.decode("utf-8", "replace"), forms)
    return {
        "method": marked.method,
        "url": _short(strike(marked.url, forms), SUMMARY_URL),
        "headers": {name: strike(value, forms) for name, value in marked.headers.items()},
        "body": _short(body, SUMMARY_BODY),
    }


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"
