"""Forms of the pages about webhooks."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from integrations.queries.webhooks import CHOSEN_EVENTS, EVENT_CHOICES, STATUS_CHOICES, DeliveryFilters
from integrations.services.webhooks import WebhookPlan
from orgs.forms import FilterForm

URL_HELP: Final = "Where your program listens. It must be reachable from outside, and answer within five seconds."


class WebhookForm(forms.Form):
    """Where to send, and what of."""

    url = forms.CharField(
        label="Address", max_length=500, help_text=URL_HELP, widget=forms.URLInput(attrs={"placeholder": "https://"})
    )
    description = forms.CharField(
        max_length=120, required=False, help_text="What it is for, for example “Alerts into the on-call channel”."
    )
    events = forms.MultipleChoiceField(
        label="What it is told of",
        choices=[(value, f"{label} ({value})") for value, label in CHOSEN_EVENTS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    @property
    def plan(self) -> WebhookPlan:
        asked = self.cleaned_data
        return WebhookPlan(asked["url"], asked["events"], asked["description"])


class DeliveryFilterForm(FilterForm):
    """What the deliveries are narrowed down by."""

    status = forms.ChoiceField(choices=STATUS_CHOICES, required=False)
    event = forms.ChoiceField(choices=EVENT_CHOICES, required=False)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.is_valid()

    @property
    def filters(self) -> DeliveryFilters:
        return DeliveryFilters(self.cleaned_data.get("status", ""), self.cleaned_data.get("event", ""))
