"""Forms of the pages about API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings

from orgs.permissions import SCOPE_LABELS, OwnerRef, Scope

DAYS: Final = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year"))
USUAL_DAYS: Final = 90
EVERYWHERE: Final = "all"
USUAL_SCOPES: Final = (Scope.TOOLS_READ, Scope.EXECUTIONS_READ, Scope.EXECUTIONS_WRITE, Scope.CONNECTIONS_READ)


def lifetimes() -> list[tuple[str, str]]:
    """What this installation allows."""
    longest = settings.API_KEY_MAX_DAYS
    found = [(str(days), label) for days, label in DAYS if not longest or days <= longest]
    if longest and not any(days == str(longest) for days, _label in found):
        found.append((str(longest), f"{longest} days, the longest here"))
    return found if longest else [*found, ("0", "Never")]


def usual_lifetime() -> str:
    return next((days for days, _label in lifetimes() if days == str(USUAL_DAYS)), lifetimes()[0][0])


class LifetimeForm(forms.Form):
    """For how long."""

    days = forms.ChoiceField(label="Expires after", help_text="You are told a week before it expires.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = self.fields["days"]
        days.choices = lifetimes()  # type: ignore[attr-defined]  # a ChoiceField, as declared above
        days.initial = usual_lifetime()

    def expires_at(self, now: datetime) -> datetime | None:
        days = int(self.cleaned_data["days"])
        return now + timedelta(days=days) if days else None


class KeyForm(LifetimeForm):
    """A new key. `places` are the organizations that a personal key can be bound to; an organization's key has none."""

    field_order = ("name", "scopes", "organization", "days")
    name = forms.CharField(max_length=80, help_text="Where it will be used, for example “Nightly report”.")
    scopes = forms.MultipleChoiceField(
        label="What it may be used for",
        choices=[(scope.value, f"{label} ({scope})") for scope, label in SCOPE_LABELS.items()],
        initial=[scope.value for scope in USUAL_SCOPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one: a key without any can do nothing."},
    )
    organization = forms.ChoiceField(
        label="Where it works",
        initial=EVERYWHERE,
        help_text="Your own user ID is always in reach. A narrower key does less harm when it leaks.",
    )

    def __init__(
        self, *args: Any, places: Sequence[OwnerRef] = (), for_application: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if for_application:  # it works for end users, and manages nothing
            scopes = [one for one in Scope if one is not Scope.ADMIN]
            self.fields["scopes"].initial = [one.value for one in scopes]
            self.fields["scopes"].choices = [(one.value, f"{SCOPE_LABELS[one]} ({one})") for one in scopes]  # type: ignore[attr-defined]
        self.places = {one.text_id: one for one in places}
        if not places:
            del self.fields["organization"]
            return
        bound = [(one.text_id, f"Under my user ID and as {one.label}") for one in places]
        choices = [(EVERYWHERE, "Under my user ID and as each of my organizations"), *bound]
        self.fields["organization"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    @property
    def place(self) -> OwnerRef | None:
        return self.places.get(self.cleaned_data.get("organization", ""))

    @property
    def chosen_scopes(self) -> list[Scope]:
        return [Scope(one) for one in self.cleaned_data["scopes"]]
