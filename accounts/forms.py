"""Forms of the pages about oneself."""

from django import forms

from accounts.models import Theme
from accounts.usernames import USERNAME_VALIDATORS


class ProfileForm(forms.Form):
    """Name, username and theme."""

    name = forms.CharField(
        max_length=120,
        required=False,
        help_text="What other members see. Left empty, they see your username.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    username = forms.CharField(
        max_length=40,
        validators=USERNAME_VALIDATORS,
        help_text=(
            "Programs may pass it in place of your user ID. After a change the old one is refused, "
            "and somebody else can take it. Your user ID stays the same."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    theme = forms.ChoiceField(choices=Theme.choices, widget=forms.RadioSelect)

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).lower()


class ThemeForm(forms.Form):
    """The switch in the frame."""

    theme = forms.ChoiceField(choices=Theme.choices)
