"""Rows are reached through an owner or an actor. Where not, a reason stands in the source, and here the count."""

import ast
from collections import Counter
from typing import TypeGuard

import pytest

from integrations.models import (
    AuthConfig,
    ConnectedAccount,
    ConnectionRequest,
    ConsentRequest,
    Execution,
    ToolSession,
    Webhook,
    WebhookDelivery,
)
from integrations.models.owned import OwnedModel
from tests.architecture.code import calls_of, sources

# How often each module reads rows of every owner. One more is a decision: look at it, then count it here.
EXPECTED: dict[str, int] = {
    "integrations/admin.py": 1,
    "integrations/alarms.py": 3,
    "integrations/catalog/sync.py": 1,
    "integrations/credentials.py": 6,
    "integrations/jobs/approvals.py": 1,
    "integrations/jobs/claim.py": 2,
    "integrations/jobs/deletion.py": 2,
    "integrations/jobs/endings.py": 1,
    "integrations/jobs/execute.py": 1,
    "integrations/jobs/requests.py": 1,
    "integrations/jobs/policies.py": 1,
    "integrations/jobs/sweep.py": 4,
    "integrations/jobs/unconfirmed.py": 1,
    "integrations/jobs/webhook_ends.py": 1,
    "integrations/jobs/webhook_runs.py": 3,
    "integrations/jobs/webhooks.py": 6,
    "integrations/queries/connect_links.py": 1,
    "integrations/queries/connection_lists.py": 1,
    "integrations/queries/tenancy.py": 3,
    "integrations/queries/ways.py": 1,
    "integrations/services/bootstrap/auth_configs.py": 1,
    "integrations/services/connections/flow.py": 2,
    "integrations/services/connections/guests.py": 2,
    "integrations/services/connections/held.py": 3,
    "integrations/services/connections/store.py": 1,
    "integrations/services/secrets.py": 1,
    "integrations/services/support.py": 2,
    "integrations/shared_grants.py": 1,
}
MANAGERS_THAT_SKIP_THE_SCOPE = {"_base_manager", "_default_manager", "rows_for_django"}


def test_unscoped_reads_are_these_and_no_others() -> None:
    assert dict(Counter(path for path, _call in calls_of("unscoped"))) == EXPECTED


def reason_of(path: str, call: ast.Call) -> str:
    """The text itself, or that of the constant which is named."""
    [reason] = call.args
    if isinstance(reason, ast.Name):
        found = [one.value for one in ast.walk(sources()[path]) if _assigns(one, reason.id)]
        [reason] = found
    assert isinstance(reason, ast.Constant), path
    return str(reason.value)


def _assigns(node: ast.AST, name: str) -> TypeGuard[ast.Assign | ast.AnnAssign]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def test_every_unscoped_read_gives_a_reason_in_words() -> None:
    for path, call in calls_of("unscoped"):
        assert len(reason_of(path, call).split()) >= 3, path


def test_doors_never_read_unscoped() -> None:
    doors = ("integrations/views/", "integrations/api/", "integrations/mcp/", "orgs/views/")

    assert [path for path in EXPECTED if path.startswith(doors)] == []


def test_no_manager_that_skips_the_scope_is_used() -> None:
    found = {
        path
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in MANAGERS_THAT_SKIP_THE_SCOPE
    }

    assert found == set()


@pytest.mark.parametrize(
    "model",
    [AuthConfig, ConnectedAccount, ConnectionRequest, ConsentRequest, Execution, ToolSession, Webhook, WebhookDelivery],
)
@pytest.mark.parametrize("name", ["filter", "get", "create", "all", "exclude", "count", "bulk_create"])
def test_owned_tables_hand_out_nothing_without_an_owner(model: type[OwnedModel], name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(model.objects, name)()
