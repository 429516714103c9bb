"""The description of the API, made of what is really served: OpenAPI 3.1."""

from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from integrations.api.errors import ErrorOut
from integrations.api.root import api
from orgs.decorators import public

PREFIX: Final = "/api/v3.1"
REFUSALS: Final = {
    "400": "The request does not fit.",
    "401": "No key, or one that is not valid any more.",
    "403": "The key, or the role behind it, may not do this.",
    "404": "There is no such thing within reach of this key.",
    "409": "The right thing in the wrong state.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; Retry-After says when to go on.",
    "500": "Something went wrong on our side.",
}


@cache
def openapi_document() -> dict[str, Any]:
    """Paths are relative to the server, which is this installation."""
    found: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=""))
    found["openapi"] = "3.1.0"
    found["servers"] = [{"url": f"{settings.BASE_URL}{PREFIX}"}]
    schema = ErrorOut.model_json_schema(ref_template="#/components/schemas/{model}")
    found["components"]["schemas"].update(schema.pop("$defs"))
    found["components"]["schemas"]["ErrorOut"] = schema
    found["components"]["responses"] = {status: _refusal(words) for status, words in REFUSALS.items()}
    for methods in found["paths"].values():
        for operation in methods.values():
            operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
            for status in REFUSALS:
                operation["responses"].setdefault(status, {"$ref": f"#/components/responses/{status}"})
    return found


def _refusal(words: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
    return {"description": words, "content": content}


@public
def openapi_json(request: HttpRequest) -> HttpResponse:
    del request
    return JsonResponse(openapi_document())
