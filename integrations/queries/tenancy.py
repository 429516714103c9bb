"""Whether anything points across owners: looked up in the rows themselves, past all rules (check T28)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db.models import F, ForeignKey, Q

from integrations.models import AuthConfig, Execution, Policy, SessionToolkit
from integrations.models.owned import OwnedModel
from integrations.models.status import ExecutionStatus
from orgs.models import ApiKey

# A refused run names the account that would have worked; one may run a thing again under another ID of one's own.
EXEMPT: Final[dict[tuple[str, str], Q]] = {
    ("execution", "connected_account"): Q(status=ExecutionStatus.DENIED.value),
    ("execution", "retry_of"): Q(),
}
SHOWN: Final = 20


@dataclass(frozen=True)
class Crossing:
    """Rows of `table` whose `field` leads to a thing of another owner: how many, and the first of them."""

    table: str
    field: str
    count: int
    ids: tuple[str, ...]


def crossings(*, actor: None) -> tuple[int, list[Crossing]]:
    """How many kinds of reference were looked at, and where one crosses. For whoever runs the installation."""
    del actor
    looked = list(_looks())
    return len(looked), [found for table, field, rows in looked if (found := _found(table, field, rows))]


def _looks() -> Iterator[tuple[str, str, Any]]:
    for model in apps.get_models():
        if issubclass(model, OwnedModel):
            for field in _references(model):
                yield model._meta.model_name or "", field, _crossing(model, field)  # noqa: SLF001  # Django's documented way
    pins = SessionToolkit.objects.filter(connected_account__isnull=False)
    yield "sessiontoolkit", "connected_account", pins.exclude(connected_account__owner=F("session__owner"))
    keyed = Execution.objects.unscoped("the self-check reads everybody's").filter(api_key__isnull=False)
    of_the_owner = Q(api_key__owner=F("owner")) | Q(api_key__owner__user=F("submitted_by"))
    of_the_owner |= Q(
        owner__end_user__isnull=False,  # what compares with nothing is neither true nor false, and would not be found
        api_key__application__isnull=False,
        api_key__application=F("owner__end_user__application"),
    )
    yield "execution", "api_key", keyed.exclude(of_the_owner)
    bound = ApiKey.objects.filter(application__isnull=False)
    yield "apikey", "application", bound.exclude(owner__organization=F("application__organization"))
    rules = Policy.objects.unscoped("the self-check reads everybody's").filter(application__isnull=False)
    yield "policy", "application", rules.exclude(owner__organization=F("application__organization"))


def _references(model: type[OwnedModel]) -> Iterator[str]:
    for field in model._meta.get_fields():  # noqa: SLF001
        leads_to_owned = isinstance(field, ForeignKey) and issubclass(field.related_model, OwnedModel)
        if leads_to_owned and EXEMPT.get((model._meta.model_name or "", field.name)) != Q():  # noqa: SLF001
            yield field.name


def _crossing(model: type[OwnedModel], field: str) -> Any:
    rows = model.objects.unscoped("the self-check reads everybody's").filter(**{f"{field}__isnull": False})
    same = Q(**{f"{field}__owner": F("owner")})
    if model._meta.get_field(field).related_model is AuthConfig:  # noqa: SLF001
        same |= Q(**{f"{field}__owner": None})  # the installation's own serves everybody
        lender = F("owner__end_user__application__organization")  # an organization's serves its applications
        lent = {f"{field}__owner__organization": lender, f"{field}__owner__organization__isnull": False}
        same |= Q(owner__end_user__isnull=False, **lent)
    exempt = EXEMPT.get((model._meta.model_name or "", field))  # noqa: SLF001
    return rows.exclude(same | exempt if exempt is not None else same)


def _found(table: str, field: str, rows: Any) -> Crossing | None:
    count = rows.count()
    ids = tuple(str(one) for one in rows.order_by("pk").values_list("pk", flat=True)[:SHOWN])
    return Crossing(table, field, count, ids) if count else None
