"""Forms of the requests pages."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms

from integrations.queries.consent_requests import STATUS_CHOICES, RequestFilters

REASON_LENGTH: Final = 500
EVERYTHING: Final = "all"
Choices = Iterable[tuple[str, str]]


class RequestFilterForm(forms.Form):
    """What the list is narrowed down by. Whoever decides sees what is open first."""

    status = forms.ChoiceField(choices=[(EVERYTHING, "Any"), *STATUS_CHOICES], required=False)
    mine = forms.BooleanField(required=False)

    def __init__(self, data: Mapping[str, Any], *, usual: str = "") -> None:
        super().__init__(data)
        self.usual = usual
        self.is_valid()

    def filters(self) -> RequestFilters:
        status = self.cleaned_data.get("status") or self.usual
        return RequestFilters("" if status == EVERYTHING else status, self.cleaned_data.get("mine", False))

    @property
    def is_set(self) -> bool:
        chosen = self.filters()
        return chosen.mine or chosen.status != self.usual


class AskForm(forms.Form):
    """What a member wants, and why."""

    reason = forms.CharField(
        label="Why you need it",
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Admins decide by this. They and you can read it.",
        error_messages={"required": "Say why you need it: admins decide by that."},
    )
    tools = forms.MultipleChoiceField(required=False)

    def __init__(self, data: Any = None, *, tools: Choices, initial: Mapping[str, Any]) -> None:
        super().__init__(data, initial=dict(initial))
        self.fields["tools"].choices = list(tools)  # type: ignore[attr-defined]  # declared above

    @property
    def chosen_tools(self) -> list[str]:
        return list(self["tools"].value() or [])


TERMS: Final = (("", "Until somebody ends it"), ("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"))


class DecisionForm(forms.Form):
    """What is done with a request. Whoever says no says why."""

    decision = forms.ChoiceField(
        choices=[(name, name) for name in ("approve", "deny", "block", "lift", "reopen", "withdraw")],
        error_messages={"required": "Choose what to do.", "invalid_choice": "Choose what to do."},
    )
    reason = forms.CharField(
        label="Why not",
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Everybody who asked reads it.",
        error_messages={"required": "Say why: whoever asked reads it."},
    )

    account = forms.CharField(required=False, max_length=40)  # which one answers
    days = forms.ChoiceField(
        label="For how long",
        choices=TERMS,
        required=False,
        help_text="Where a policy holds somebody back, this is how long they may all the same.",
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        if data is not None and data.get("decision") not in {"deny", "block"}:
            self.fields["reason"].required = False

    def until(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["days"]
        return now + timedelta(days=int(days)) if days else None
