"""The form of a session: for each toolkit not in it, the account in use, or one account for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms

OUT: Final = "out"
FOLLOW: Final = "follow"
NOT_IN_IT: Final = "Not in this session"


@dataclass(frozen=True)
class ToolkitOption:
    """A toolkit that can be in a session: what it is called, and its accounts as (ID, label)."""

    slug: str
    name: str
    accounts: Sequence[tuple[str, str]]
    follows: str  # what following means right now, in words
    is_usable: bool

    @property
    def field(self) -> str:
        return f"toolkit_{self.slug}"

    @property
    def choices(self) -> list[tuple[str, str]]:
        pins = [(account, f"Always {label}") for account, label in self.accounts]
        return [(OUT, NOT_IN_IT), (FOLLOW, self.follows), *pins]


class SessionForm(forms.Form):
    """A name, and one choice per toolkit."""

    name = forms.CharField(max_length=80, help_text="What you will recognise the agent by, for example “Inbox helper”.")
    takes_all = forms.BooleanField(
        label="Take in toolkits that are added to the catalogue later", required=False, initial=False
    )

    def __init__(self, data: Any = None, *, options: Sequence[ToolkitOption], chosen: Mapping[str, Any]) -> None:
        usual = {one.field: FOLLOW if one.is_usable else OUT for one in options}
        super().__init__(data, initial={**usual, **chosen})
        self.options = options
        for one in options:
            self.fields[one.field] = forms.ChoiceField(label=one.name, choices=one.choices)

    @property
    def toolkit_fields(self) -> list[forms.BoundField]:
        return [self[one.field] for one in self.options]

    @property
    def toolkits(self) -> dict[str, str]:
        """By slug the account that is pinned; empty text: it follows."""
        chosen = {one.slug: str(self.cleaned_data[one.field]) for one in self.options}
        return {slug: "" if value == FOLLOW else value for slug, value in chosen.items() if value != OUT}

    @property
    def excluded(self) -> list[str]:
        if not self.cleaned_data["takes_all"]:
            return []
        return [one.slug for one in self.options if self.cleaned_data[one.field] == OUT]
