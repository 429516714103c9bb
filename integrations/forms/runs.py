"""Forms of the runs pages."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from django import forms

from integrations.queries.executions import STATUS_CHOICES, ExecutionFilters
from orgs.forms import FilterForm

PERIODS: Final = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
PERIOD_CHOICES: Final = (
    ("1h", "the last hour"),
    ("24h", "the last 24 hours"),
    ("7d", "the last 7 days"),
    ("30d", "the last 30 days"),
)
Choices = Iterable[tuple[str, str]]


class RunFilterForm(FilterForm):
    """What the runs page is narrowed down by."""

    status = forms.ChoiceField(choices=STATUS_CHOICES, required=False)
    tool = forms.ChoiceField(required=False)
    account = forms.ChoiceField(required=False)
    time = forms.ChoiceField(choices=PERIOD_CHOICES, required=False)
    person = forms.ChoiceField(required=False)
    mine = forms.BooleanField(required=False)

    def __init__(self, data: Mapping[str, Any], *, tools: Choices, accounts: Choices, persons: Choices = ()) -> None:
        super().__init__(data)
        self.fields["tool"].choices = list(tools)  # type: ignore[attr-defined]  # a ChoiceField, as declared above
        self.fields["account"].choices = list(accounts)  # type: ignore[attr-defined]  # the same
        self.fields["person"].choices = list(persons)  # type: ignore[attr-defined]  # the same
        self.is_valid()

    def filters(self, now: datetime) -> ExecutionFilters:
        chosen = self.cleaned_data
        period = PERIODS.get(chosen.get("time", ""))
        return ExecutionFilters(
            status=chosen.get("status", ""),
            tool=chosen.get("tool", ""),
            account=chosen.get("account", ""),
            person=chosen.get("person", ""),
            by_me=chosen.get("mine", False),
            since=now - period if period else None,
        )


class RunAgainForm(forms.Form):
    """Run an execution again. The nonce makes a double click one run (fault F35)."""

    nonce = forms.UUIDField(required=False, widget=forms.HiddenInput)
    requested = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    acknowledged = forms.BooleanField(required=False)

    @property
    def idempotency_key(self) -> str:
        return f"again-{self.cleaned_data.get('nonce') or uuid4()}"
