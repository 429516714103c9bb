"""How an asynchronous handler refuses."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from integrations.api.errors import on_domain_error
from orgs.errors import DomainError

Handler = Callable[..., Coroutine[Any, Any, Any]]


def refusing(handler: Handler) -> Handler:
    """What an asynchronous handler raises is answered in a thread: a denial is written to the audit log."""

    @wraps(handler)
    async def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return await handler(request, *args, **kwargs)
        except DomainError as error:
            return await sync_to_async(on_domain_error)(request, error)

    return answered
