"""Forms of the connections pages and of the consent page."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms

from integrations.queries.policy_matrix import CUSTOM, NO_RULE, PRESETS
from orgs.addresses import local_path

SECRET_MAX_LENGTH = 4096
NAME_HELP = "What you want to see in lists and choices. Empty: the name that the service reports."


class RenameForm(forms.Form):
    alias = forms.CharField(label="Name", max_length=80, required=False, help_text=NAME_HELP)


class TypedForm(forms.Form):
    """A name must be typed before something is done that cannot be taken back; without `expected`, nothing must."""

    done: ClassVar[str] = "done"  # what was not, when something else was typed
    typed = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, data: Any = None, *, expected: str = "") -> None:
        super().__init__(data)
        self.expected = expected
        if expected:
            self.fields["typed"].label = f"Type {expected} to confirm"
            self.fields["typed"].required = True
        else:
            del self.fields["typed"]

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"]).strip()
        if typed != self.expected:
            raise forms.ValidationError(f"This does not read “{self.expected}”. Nothing was {self.done}.")
        return typed


class DisconnectForm(TypedForm):
    """For an organization's account its name must be typed: others lose it too."""

    done = "disconnected"


PRESET_CHOICES: Final = (
    *((one.key, f"{one.label}: {one.help}") for one in PRESETS),
    (CUSTOM, "Custom: Nothing is set yet. You go on to its policies as soon as it is connected."),
)


class ConnectForm(forms.Form):
    """What the consent page sends: which way, a name, where to go on, and the fields of the toolkit's scheme."""

    way = forms.CharField(widget=forms.HiddenInput)
    reconnect = forms.CharField(required=False, widget=forms.HiddenInput)
    link = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    tool = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    next = forms.CharField(required=False, widget=forms.HiddenInput)
    request = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    alias = forms.CharField(label="Name", max_length=80, required=False, help_text=NAME_HELP)

    preset = forms.ChoiceField(
        label="What members may do with it",
        choices=PRESET_CHOICES,
        required=False,
        initial=NO_RULE,
        widget=forms.RadioSelect,
    )

    def __init__(
        self, data: Any = None, *, fields: list[Mapping[str, Any]], initial: Mapping[str, str], has_policies: bool
    ) -> None:
        super().__init__(data, initial=dict(initial))
        if not has_policies:
            del self.fields["preset"]
        self.secret_names = [_name(field) for field in fields]
        for field in fields:
            self.fields[_name(field)] = _field(field)

    @property
    def secret_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.secret_names]

    @property
    def values(self) -> dict[str, str]:
        return {name.removeprefix("field_"): str(self.cleaned_data[name]) for name in self.secret_names}

    def clean_next(self) -> str:
        return local_path(str(self.cleaned_data["next"]))

    def add_domain_error(self, field: str, message: str) -> None:
        names = [name for name in (f"field_{field}", field) if name in self.fields]
        self.add_error(names[0] if names else None, message)


def _name(field: Mapping[str, Any]) -> str:
    return f"field_{field['name']}"


def _field(field: Mapping[str, Any]) -> forms.CharField:
    """A secret is never written back into the page, also not after an error."""
    attrs = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
    if field.get("placeholder"):
        attrs["placeholder"] = field["placeholder"]
    widget = forms.PasswordInput(attrs, render_value=False) if field["secret"] else forms.TextInput(attrs)
    return forms.CharField(
        label=field["label"],
        help_text=field.get("help", ""),
        max_length=SECRET_MAX_LENGTH,
        widget=widget,
        error_messages={"required": f"{field['label']} is missing."},
    )
