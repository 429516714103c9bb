"""Key rotation: every sealed column, row by row, without downtime."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models
from django.utils import timezone

from integrations.models.encrypted import EncryptedJSONField, Sealed, SecretUnreadableError, rotate
from orgs.audit import AuditAction, Target
from orgs.permissions import Actor
from orgs.services.audit import record

BATCH = 200
MFA_FIELDS = ("secret", "seed")


@dataclass
class RotationReport:
    """How many values of one column were sealed anew, and how many no key of ours opens."""

    rotated: int = 0
    unreadable: int = 0


def rotate_all(*, actor: Actor | None) -> dict[str, RotationReport]:
    """Seal every secret with the newest key. Run by the operator: `actor` is None."""
    reports = {str(field): _rotate_column(field.model, field.name) for field in _sealed_columns()}
    reports["mfa.Authenticator.data"] = _rotate_mfa()
    counts = {
        "rotated": sum(one.rotated for one in reports.values()),
        "unreadable": sum(one.unreadable for one in reports.values()),
    }
    action, target = AuditAction.SECRETS_ROTATE, Target("installation")
    record(actor=actor, owner=None, action=action, target=target, details=counts, now=timezone.now())
    return reports


def _sealed_columns() -> Iterator[EncryptedJSONField]:
    for model in apps.get_app_config("integrations").get_models():
        fields = model._meta.get_fields()  # noqa: SLF001  # Django's documented way to ask a model for its columns
        yield from (field for field in fields if isinstance(field, EncryptedJSONField))


def _rotate_column(model: type[models.Model], field: str) -> RotationReport:
    report = RotationReport()
    found = _rows(model).filter(**{f"{field}__isnull": False}).order_by("pk").values_list("pk", field)
    for key, sealed in found.iterator(chunk_size=BATCH):
        _rotate_one(model, field, key, sealed, report)
    return report


def _rotate_one(model: type[models.Model], field: str, key: Any, sealed: Sealed, report: RotationReport) -> None:
    """Replace exactly what was read: a value that changed meanwhile was written with the newest key anyway."""
    try:
        anew = rotate(sealed)
    except SecretUnreadableError:
        report.unreadable += 1
        return
    report.rotated += _rows(model).filter(pk=key, **{field: sealed}).update(**{field: anew})


def _rows(model: type[models.Model]) -> Any:
    manager: Any = model.objects  # type: ignore[attr-defined]  # every sealed column is on an owned table
    return manager.unscoped("key rotation serves every owner")


def _rotate_mfa() -> RotationReport:
    """TOTP seeds and recovery seeds: allauth keeps them inside a JSON column."""
    report = RotationReport()
    for row in Authenticator.objects.order_by("pk").iterator(chunk_size=BATCH):
        try:
            data = {name: _rotated(name, value) for name, value in row.data.items()}
        except SecretUnreadableError:
            report.unreadable += 1
            continue
        if data != row.data:
            report.rotated += Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=data)
    return report


def _rotated(name: str, value: Any) -> Any:
    if name in MFA_FIELDS and isinstance(value, str):
        return rotate(Sealed(value)).text
    return value
