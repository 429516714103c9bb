"""Forms of the pages about applications."""

from django import forms

from orgs.models.applications import NAME_LENGTH


class ApplicationForm(forms.Form):
    """A name, and where end users may be sent back to."""

    name = forms.CharField(
        max_length=NAME_LENGTH, help_text="What your end users know it by: they see it when they connect an account."
    )
    callback_urls = forms.CharField(
        label="Callback URLs",
        required=False,
        max_length=12_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One on each line, beginning with https://. Only there are end users sent back after connecting.",
    )

    @property
    def urls(self) -> list[str]:
        return str(self.cleaned_data["callback_urls"]).splitlines()
