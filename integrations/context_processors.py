"""What the navigation needs to know of runs and requests."""

from functools import cache
from typing import Any

from django.http import HttpRequest

from integrations.queries.to_answer import ToAnswer, to_answer


def waiting(request: HttpRequest) -> dict[str, Any]:
    """What waits for the reader's answer in the organization whose page this is; counted when a template asks."""

    @cache
    def counted() -> ToAnswer:
        actor, owner = getattr(request, "actor", None), getattr(request, "owner", None)
        return ToAnswer() if actor is None or owner is None else to_answer(actor=actor, owner=owner)

    return {"to_answer": counted}
