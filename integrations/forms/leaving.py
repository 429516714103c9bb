"""Forms of the pages on which a membership ends."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from accounts.ids import from_text
from integrations.forms.connections import TypedForm


class PartingForm(TypedForm):
    """Who consents anew to which account; and a name to type when there is at least one."""

    done = "changed"

    def __init__(
        self, data: Any = None, *, accounts: Sequence[str], people: Sequence[tuple[str, str]], first: str, expected: str
    ) -> None:
        super().__init__(data, expected=expected if accounts else "")
        self.accounts = accounts
        for account in accounts:
            self.fields[f"successor-{account}"] = forms.ChoiceField(
                choices=people, initial=first, required=False, label="Who consents anew"
            )

    @property
    def successors(self) -> dict[UUID, UUID]:
        """The choices as IDs; an account for which nothing was chosen is left out."""
        found = {}
        for account in self.accounts:
            account_id = from_text("ca", account)
            user_id = from_text("user", self.cleaned_data.get(f"successor-{account}", ""))
            if account_id and user_id:
                found[account_id] = user_id
        return found

    def field_of(self, account: str) -> forms.BoundField:
        return self[f"successor-{account}"]
