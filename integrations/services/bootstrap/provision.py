"""Makes what a bootstrap file asks for, all of it or nothing.

What exists is left as it is: people change their names, passwords and roles themselves. Only the
installation's own auth configs are kept in step, because nobody else looks after them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from integrations.services.bootstrap.auth_configs import keep_auth_config
from integrations.services.bootstrap.document import Document
from integrations.services.bootstrap.faults import BootstrapError, Fault
from integrations.services.bootstrap.people import EXISTS, make_api_key, make_memberships, make_organization, make_user
from orgs.audit import AuditAction, Detail, Target
from orgs.services.audit import record

Line = dict[str, Any]
Entry = TypeVar("Entry")


@dataclass
class Report:
    """What was made, what changed and what was there already. A new key's secret stands here and nowhere else."""

    users: list[Line] = field(default_factory=list)
    organizations: list[Line] = field(default_factory=list)
    memberships: list[Line] = field(default_factory=list)
    auth_configs: list[Line] = field(default_factory=list)
    api_keys: list[Line] = field(default_factory=list)

    def as_dict(self) -> Mapping[str, list[Line]]:
        return vars(self)


@transaction.atomic
def provision(*, actor: None, document: Document, now: datetime) -> Report:
    """`actor` is None: this is whoever runs the installation, at its command line."""
    report = Report(
        users=_each(document.users, make_user, now),
        organizations=_each(document.organizations, make_organization, now),
        memberships=_each(document.organizations, make_memberships, now),
        auth_configs=_each(document.auth_configs, keep_auth_config, now),
        api_keys=_each(document.api_keys, make_api_key, now),
    )
    counts: dict[str, Detail] = {name: _made(lines) for name, lines in report.as_dict().items()}
    action, target = AuditAction.INSTALLATION_BOOTSTRAP, Target("installation")
    record(actor=actor, owner=None, action=action, target=target, details=counts, now=now)
    return report


def _made(lines: list[Line]) -> int:
    return sum(line["status"] != EXISTS for line in lines)


def _each(entries: Iterable[Entry], make: Callable[[Entry, datetime], list[Line]], now: datetime) -> list[Line]:
    """Make one kind of thing; BootstrapError with the faults of all its entries."""
    lines: list[Line] = []
    faults: list[Fault] = []
    for entry in entries:
        try:
            lines += make(entry, now)
        except BootstrapError as error:
            faults += error.faults
    if faults:
        raise BootstrapError(faults)
    return lines
