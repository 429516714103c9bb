"""Forms of the pages about policies and approvals."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from integrations.queries.policy_matrix import CUSTOM, PRESETS
from orgs.permissions import ToolEffect, Verdict

Choices = Iterable[tuple[str, str]]
VERDICT_CHOICES: Final = (
    ("", "No rule here"),
    (Verdict.ALLOW.value, "Runs"),
    (Verdict.ASK.value, "Needs approval"),
    (Verdict.DENY.value, "Does not run"),
)
EFFECT_CHOICES: Final = (
    ("", "All tools"),
    (ToolEffect.READ.value, "Reading tools"),
    (ToolEffect.WRITE.value, "Writing tools"),
    (ToolEffect.DESTRUCTIVE.value, "Destructive tools"),
)
FOR_A_TIME: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
UNTIL: Final = "until"
DURATION_CHOICES: Final = (("hour", "One hour"), ("day", "One day"), (UNTIL, "Until the end of a day"))


def _verdict_field(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=VERDICT_CHOICES, required=False)


class PolicyForm(forms.Form):
    """What holds for some people at some place, by effect: a preset, or each effect by itself."""

    place = forms.ChoiceField(label="Where")
    people = forms.ChoiceField(
        label="For whom",
        help_text="Everybody is members, keys, and applications with their end users. A rule about a role says nothing "
        "of end users. For them nobody can approve a run, so what needs approval does not run.",
    )
    preset = forms.ChoiceField(
        choices=[*((preset.key, preset.label) for preset in PRESETS), (CUSTOM, "Custom")], required=False
    )
    read = _verdict_field("Reading tools")
    write = _verdict_field("Writing tools")
    destructive = _verdict_field("Destructive tools")

    def __init__(self, data: Mapping[str, Any] | None, *, places: Choices, people: Choices, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["place"].choices = list(places)  # type: ignore[attr-defined]  # a ChoiceField, as declared above
        self.fields["people"].choices = list(people)  # type: ignore[attr-defined]  # the same

    @property
    def verdicts(self) -> dict[ToolEffect, Verdict | None]:
        """What a valid form says."""
        preset = next((one for one in PRESETS if one.key == self.cleaned_data["preset"]), None)
        if preset is not None:
            return dict(preset.verdicts)
        typed = {effect: self.cleaned_data[effect.value] for effect in ToolEffect}
        return {effect: Verdict(value) if value else None for effect, value in typed.items()}


class GrantForm(forms.Form):
    """An exception for one person, for a time."""

    person = forms.ChoiceField(label="Who")
    place = forms.ChoiceField(label="Where")
    effect = forms.ChoiceField(label="What", choices=EFFECT_CHOICES, required=False)
    duration = forms.ChoiceField(label="For how long", choices=DURATION_CHOICES)
    until = forms.DateField(
        label="The last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Only for “until the end of a day”.",
    )
    reason = forms.CharField(max_length=300, required=False, help_text="Stands in the audit log.")

    def __init__(self, data: Mapping[str, Any] | None, *, places: Choices, people: Choices, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["person"].choices = list(people)  # type: ignore[attr-defined]  # a ChoiceField, as declared above
        self.fields["place"].choices = list(places)  # type: ignore[attr-defined]  # the same

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("duration") == UNTIL and not cleaned.get("until") and "until" not in self.errors:
            self.add_error("until", "Choose the last day.")
        return cleaned

    def ends(self, now: datetime) -> datetime:
        """When a valid form's exception ends."""
        span = FOR_A_TIME.get(self.cleaned_data["duration"])
        if span is not None:
            return now + span
        midnight = datetime.combine(self.cleaned_data["until"] + timedelta(days=1), time.min)
        return timezone.make_aware(midnight)


class DenyForm(forms.Form):
    """Why a run is denied."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why, so that whoever asked knows what to do."},
    )
