"""The question of the explainer, from the address of the page."""

from uuid import UUID

from django import forms

from accounts.ids import from_text
from integrations.access import read_account_id
from orgs.errors import DomainError


class ExplainForm(forms.Form):
    """Which tool, through which account, and about whom. Nothing chosen is a page with an empty form."""

    tool = forms.CharField(required=False, max_length=200)
    account = forms.CharField(required=False, max_length=64)
    member = forms.CharField(required=False, max_length=64)

    def clean_account(self) -> UUID | None:
        try:
            return read_account_id(self.cleaned_data["account"])
        except DomainError as error:
            raise forms.ValidationError(error.message) from None

    @property
    def member_id(self) -> UUID | None:
        """None also for what is no user ID: that is nobody's, like an unknown one."""
        return from_text("user", self.cleaned_data["member"])

    @property
    def application_id(self) -> UUID | None:
        """When it is asked about an end user of one."""
        return from_text("app", self.cleaned_data["member"])
