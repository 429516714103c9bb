"""What MCP asks of a key, and what a client can be granted."""

from typing import Final

from orgs.permissions import Scope

NEEDED: Final = (Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.EXECUTIONS_WRITE)
GRANTABLE: Final = (*NEEDED, Scope.CONNECTIONS_READ)  # the last one for the tool that lists accounts
