"""The API as one object: its parts, who may ask, how it reads and how it refuses."""

from typing import Final

from ninja import NinjaAPI
from ninja.operation import Operation

from integrations.api import (
    auth_configs,
    catalogue,
    connections,
    consent_requests,
    executing,
    executions,
    explaining,
    identities,
    session_tools,
    sessions,
    webhooks,
)
from integrations.api.errors import HANDLERS, ErrorOut
from integrations.api.keys import KEY_AUTH
from integrations.api.parsing import StrictParser

VERSION: Final = "3.1"
DESCRIPTION: Final = (
    "Run tools with connected accounts, under the ID that each account was connected under. The same rule, the same "
    "words and the same records as in the pages. Send an API key in the header `x-api-key`."
)


class Api(NinjaAPI):
    """Operations are named after their functions, in the document too."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return str(operation.view_func.__name__)


api = Api(
    title="Switchboard",
    version=VERSION,
    description=DESCRIPTION,
    auth=KEY_AUTH,
    parser=StrictParser(),
    urls_namespace="api",
    openapi_url="",
    docs_url=None,
)
PARTS: Final = (
    catalogue,
    executing,
    executions,
    connections,
    consent_requests,
    auth_configs,
    explaining,
    identities,
    sessions,
    session_tools,
    webhooks,
)
for part in PARTS:
    api.add_router("", part.router)
for kind, handler in HANDLERS.items():
    api.add_exception_handler(kind, handler)

__all__ = ["ErrorOut", "api"]
