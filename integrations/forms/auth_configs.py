"""Forms of the pages about an organization's own auth configs."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from integrations.engine.types import AuthScheme
from integrations.models import Toolkit
from integrations.models.auth_configs import CLIENT_ID_LENGTH, NAME_LENGTH
from integrations.services.own_auth_configs import SECRET_LENGTH, AuthConfigChange, AuthConfigPlan

KEPT: Final = "Empty keeps the one that is stored. It is never shown."
SEALED: Final = "It is encrypted before it is stored, and never shown again."
SCOPES: Final = "One on each line, in the provider's own terms. Empty: what the toolkit's tools need."


class AuthConfigForm(forms.Form):
    """The client of an OAuth app. What is changed later keeps its toolkit."""

    toolkit = forms.ChoiceField(help_text="The service at which your OAuth app is registered.")
    name = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        help_text="What admins see when they connect. Empty: the toolkit's name.",
    )
    client_id = forms.CharField(label="Client ID", max_length=CLIENT_ID_LENGTH)
    client_secret = forms.CharField(
        label="Client secret",
        max_length=SECRET_LENGTH,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=SEALED,
    )
    scopes = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}), help_text=SCOPES
    )

    def __init__(self, data: Any = None, *, toolkits: Sequence[Toolkit] = (), initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        choice: Any = self.fields["toolkit"]
        choice.choices = [("", "Choose one"), *((one.slug, one.name) for one in toolkits)]

    @property
    def plan(self) -> AuthConfigPlan:
        asked = self.cleaned_data
        return AuthConfigPlan(
            toolkit=asked["toolkit"],
            scheme=AuthScheme.OAUTH2,
            name=asked["name"],
            client_id=asked["client_id"],
            client_secret=asked["client_secret"],
            scopes=asked["scopes"].split(),
        )


class AuthConfigChangeForm(AuthConfigForm):
    """Another name, client, secret or scopes. Without OAuth there is only the name."""

    def __init__(self, data: Any = None, *, is_oauth: bool, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        left_out = ["toolkit"] if is_oauth else ["toolkit", "client_id", "client_secret", "scopes"]
        for name in left_out:
            del self.fields[name]
        self.fields["name"].required = True
        self.fields["name"].help_text = "What admins see when they connect."
        if is_oauth:
            self.fields["client_secret"].help_text = KEPT

    @property
    def change(self) -> AuthConfigChange:
        asked = self.cleaned_data
        scopes = asked["scopes"].split() if "scopes" in asked else None
        return AuthConfigChange(asked["name"], asked.get("client_id"), asked.get("client_secret"), scopes)
