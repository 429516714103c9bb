"""What the catalogue is narrowed down by, from the address of the page."""

from typing import Final

from django import forms

from integrations.queries.tools import ToolFilters

EFFECT_CHOICES: Final = (("read", "Read"), ("write", "Write"), ("destructive", "Destructive"))


class ToolFilterForm(forms.Form):
    """A value that means nothing narrows down nothing, so that an old link still shows something."""

    q = forms.CharField(required=False, max_length=200)
    toolkit = forms.SlugField(required=False)
    effect = forms.ChoiceField(choices=EFFECT_CHOICES, required=False)
    ready = forms.ChoiceField(choices=[("1", "1")], required=False)

    def filters(self) -> ToolFilters:
        self.is_valid()
        chosen = self.cleaned_data
        return ToolFilters(
            search=chosen.get("q", ""),
            toolkit=chosen.get("toolkit", ""),
            effect=chosen.get("effect", ""),
            ready=bool(chosen.get("ready")),
        )
