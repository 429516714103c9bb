"""The truth table: what happened, by status and effect, against what is done with the execution."""

from __future__ import annotations

from itertools import product

import pytest

from integrations.engine.classify import Verdict, VerdictKind, classify
from integrations.engine.types import Effect, Happening, Outcome

S, F, U, Q, R, A = (
    VerdictKind.SUCCEEDED,
    VerdictKind.FAILED,
    VerdictKind.UNKNOWN,
    VerdictKind.REQUEUE,
    VerdictKind.REFRESH,
    VerdictKind.ABANDON,
)
WRITES = (Effect.WRITE, Effect.DESTRUCTIVE)

WITHOUT_ANSWER = {
    Happening.NOT_SENT: (Q, Q),
    Happening.REFUSED: (F, F),
    Happening.FENCED: (A, A),
    Happening.INTERRUPTED: (Q, U),
}
BY_STATUS = {  # status: (read, write)
    200: (F, F), 201: (F, F), 204: (F, F),  # not successful: the provider says so in the body
    301: (F, F), 302: (F, F), 304: (F, F), 307: (F, F),
    400: (F, F), 401: (R, R), 402: (F, F), 403: (F, F), 404: (F, F), 405: (F, F), 406: (F, F), 407: (F, F),
    408: (Q, U), 409: (F, F), 410: (F, F), 413: (F, F), 418: (F, F), 421: (F, F), 422: (F, F), 423: (F, F),
    424: (F, F), 425: (Q, Q), 426: (F, F), 428: (F, F), 429: (Q, Q), 431: (F, F), 451: (F, F), 499: (F, F),
    500: (Q, F), 501: (Q, F), 502: (Q, U), 503: (Q, F), 504: (Q, U), 505: (Q, U), 520: (Q, U), 522: (Q, U),
    524: (Q, U), 599: (Q, U), 600: (Q, U), 999: (Q, U),
    None: (Q, U), 0: (Q, U), 100: (Q, U), 101: (Q, U), 199: (Q, U),
}  # fmt: skip


def expected_of(row: tuple[VerdictKind, VerdictKind], effect: Effect) -> VerdictKind:
    return row[0] if effect is Effect.READ else row[1]


@pytest.mark.parametrize(("happening", "effect"), list(product(WITHOUT_ANSWER, Effect)))
@pytest.mark.parametrize("status", [None, 200, 500])
def test_classify_without_an_answer(happening: Happening, effect: Effect, status: int | None) -> None:
    verdict = classify(Outcome(happening, status=status), effect)

    assert verdict.kind is expected_of(WITHOUT_ANSWER[happening], effect)


@pytest.mark.parametrize(("status", "effect"), list(product(BY_STATUS, Effect)))
def test_classify_an_unsuccessful_answer(status: int | None, effect: Effect) -> None:
    verdict = classify(Outcome(Happening.ANSWERED, status=status), effect)

    assert verdict == Verdict(expected_of(BY_STATUS[status], effect))


@pytest.mark.parametrize("effect", Effect)
def test_classify_success(effect: Effect) -> None:
    assert classify(Outcome(Happening.ANSWERED, status=200, successful=True), effect) == Verdict(S)


@pytest.mark.parametrize(("status", "effect"), list(product([200, 400, 403, 429, 503], Effect)))
def test_classify_rate_limit_waits_as_told(status: int, effect: Effect) -> None:
    outcome = Outcome(Happening.ANSWERED, status=status, rate_limited=True, retry_after_seconds=30.0)

    assert classify(outcome, effect) == Verdict(Q, 30.0)


@pytest.mark.parametrize("effect", Effect)
def test_classify_503_is_only_a_no_when_it_says_when_to_come_back(effect: Effect) -> None:
    told = Outcome(Happening.ANSWERED, status=503, retry_after_seconds=5.0)

    assert classify(told, effect) == Verdict(Q, 5.0)


@pytest.mark.parametrize(("status", "effect"), list(product([200, 400, 403], Effect)))
def test_classify_dead_credentials_refresh(status: int, effect: Effect) -> None:
    assert classify(Outcome(Happening.ANSWERED, status=status, needs_reconnect=True), effect).kind is R


@pytest.mark.parametrize("effect", WRITES)
def test_classify_idempotent_write_is_repeated_like_a_read(effect: Effect) -> None:
    assert classify(Outcome(Happening.INTERRUPTED), effect, idempotent=True).kind is Q
    for status in (408, 500, 502, 503, 504):
        assert classify(Outcome(Happening.ANSWERED, status=status), effect, idempotent=True).kind is Q
    assert classify(Outcome(Happening.INTERRUPTED), effect, idempotent=False).kind is U


@pytest.mark.parametrize(("effect", "status"), list(product(WRITES, BY_STATUS)))
@pytest.mark.parametrize("happening", Happening)
def test_a_write_is_repeated_only_when_certainly_not_processed(
    happening: Happening, effect: Effect, status: int | None
) -> None:
    certain = happening is Happening.NOT_SENT or (happening is Happening.ANSWERED and status in (401, 425, 429))

    kind = classify(Outcome(happening, status=status), effect).kind

    assert (kind in (Q, R)) == certain
