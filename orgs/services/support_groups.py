"""The two groups of staff, kept in step with the admin site: nobody has to be a superuser for daily work (check A9)."""

from collections.abc import Iterable
from typing import Final

from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model

from orgs.permissions import POWER_LABELS, Power

SUPPORT: Final = "Support"
OPERATORS: Final = "Operators"
# What operators have beside everything of support's: the installation's own OAuth apps.
OPERATED: Final = ("integrations.add_authconfig", "integrations.change_authconfig")


@transaction.atomic
def sync_groups(*, actor: None, shown: Iterable[type[Model]]) -> dict[str, int]:
    """Give each group exactly its permissions; return how many. `shown` are the models that support looks at."""
    del actor  # whoever runs the installation
    support = [*(_view(model) for model in shown), *(_power(power) for power in Power)]
    operators = [*support, *(_existing(name) for name in OPERATED)]
    return {name: _set(name, wanted) for name, wanted in ((SUPPORT, support), (OPERATORS, operators))}


def _set(name: str, wanted: list[Permission]) -> int:
    group, _is_new = Group.objects.get_or_create(name=name)
    group.permissions.set(wanted)
    return len(wanted)


def _view(model: type[Model]) -> Permission:
    return _existing(f"{model._meta.app_label}.{get_permission_codename('view', model._meta)}")  # noqa: SLF001  # Django's public name for it


def _existing(name: str) -> Permission:
    app_label, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def _power(power: Power) -> Permission:
    """Made here and not by a migration: the list of powers is code, and grows with it."""
    app_label, _, codename = power.value.partition(".")
    kind = ContentType.objects.get_by_natural_key(app_label, codename.partition("_")[2])
    values = {"name": POWER_LABELS[power]}
    return Permission.objects.update_or_create(content_type=kind, codename=codename, defaults=values)[0]
