"""The form of a tool: made from the JSON schema of its arguments, and back to arguments."""

import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.crypto import salted_hmac

from integrations.engine.errors import InputError
from integrations.engine.inputs import check_arguments
from integrations.engine.types import ToolSpec
from integrations.forms.argument_fields import OMITTED, ArgumentField, JsonField, field_for

PREFIX: Final = "arg-"  # so that an argument may be called `raw` or `account`
NONCE_LENGTH: Final = 64
LOCAL_REF: Final = "#/$defs/"


class RawField(JsonField):
    """All arguments at once. When it is filled in, it wins over the single fields."""

    def __init__(self) -> None:
        schema = {"title": "JSON", "description": "Filled in, it is used instead of the fields above."}
        super().__init__("", schema, required=False)


class ArgumentsForm(forms.Form):
    """One field per argument, named `arg-<argument>`, and beside them the account, the raw JSON and the nonce."""

    use_required_attribute = False  # the browser must not stop a form whose raw JSON is filled in
    account = forms.CharField(required=False, max_length=64)
    nonce = forms.CharField(required=False, max_length=NONCE_LENGTH, widget=forms.HiddenInput)
    raw = RawField()

    def __init__(
        self,
        spec: ToolSpec,
        data: QueryDict | None = None,
        initial: Mapping[str, Any] | None = None,
        shown: Collection[str] = (),
    ) -> None:
        """`data` is what was sent to be run; `initial` fills the fields without checking them.

        `shown` names optional arguments that stand beside the required ones instead of being folded.
        """
        super().__init__(data, initial={"nonce": new_nonce(), **(initial or {})})
        self.spec = spec
        self.shown = {f"{PREFIX}{name}" for name in shown}
        self.arguments: dict[str, Any] = {}
        for name, schema, required in _parameters(spec):
            self.fields[f"{PREFIX}{name}"] = field_for(name, schema, required=required)

    def open_fields(self) -> list[BoundField]:
        """The required arguments, then those optional ones that a usual call has."""
        fields = list(self._argument_fields())
        required = [field for field in fields if field.field.required]
        return required + [field for field in fields if not field.field.required and field.name in self.shown]

    def folded_fields(self) -> list[BoundField]:
        fields = self._argument_fields()
        return [field for field in fields if not field.field.required and field.name not in self.shown]

    def opens_folded(self) -> bool:
        """Whether a folded field holds something that must be seen."""
        return any(field.errors or field.value() for field in self.folded_fields())

    def opens_raw(self) -> bool:
        return bool(self["raw"].errors or self["raw"].value())

    def problems(self) -> list[tuple[BoundField | None, str]]:
        """Every error with its field, in the order of the page, for the summary."""
        found: list[tuple[BoundField | None, str]] = [(None, str(text)) for text in self.non_field_errors()]
        fields = [*self.open_fields(), *self.folded_fields(), self["raw"]]
        return found + [(field, str(text)) for field in fields for text in field.errors]

    def clean(self) -> dict[str, Any]:
        """Ask the engine, which every other door asks too."""
        cleaned = self.cleaned_data
        raw = cleaned.get("raw", OMITTED)
        if self._is_raw_filled():
            self._forget_errors()
            if "raw" in self.errors:
                return cleaned
        self.arguments = raw if self._is_raw_filled() else self._typed(cleaned)
        try:
            check_arguments(self.spec, self.arguments)
        except InputError as error:
            self.add_problems(error.problems)
        return cleaned

    def add_problems(self, problems: Sequence[tuple[str, str]]) -> None:
        """Put each of the engine's problems at the field it is about. Then focus stands on the first."""
        unread = set(self.errors)  # such a field has its own error, and that it is missing follows from that
        for path, message in problems:
            key = "raw" if self._is_raw_filled() else f"{PREFIX}{path.partition('.')[0]}"
            if key not in unread:
                self.add_error(key if key in self.fields else None, message)

    def full_clean(self) -> None:
        super().full_clean()
        first = next((key for key in [*self._ordered(), "raw"] if key in self.errors), None)
        if first:
            self.fields[first].widget.attrs["autofocus"] = True

    def key_for(self, decision_code: str) -> str:
        """The idempotency key: the same form, sent twice with the same content, is one run (fault F35).

        The decision's code takes part: who was refused, connected an account and sends the form again, gets a run.
        """
        nonce = self.cleaned_data.get("nonce", "")
        if not nonce:
            return ""
        content = [self.arguments, self.cleaned_data.get("account", ""), decision_code]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        digest = salted_hmac("form.idempotency", text.encode("utf-8", "surrogatepass"), algorithm="sha256")
        return f"form-{nonce}-{digest.hexdigest()[:32]}"

    def _argument_fields(self) -> Iterator[BoundField]:
        return (self[key] for key in self._ordered())

    def _ordered(self) -> list[str]:
        keys = [key for key, field in self.fields.items() if isinstance(field, ArgumentField) and key != "raw"]
        return sorted(keys, key=lambda key: not self.fields[key].required)

    def _is_raw_filled(self) -> bool:
        return bool(str(self.data.get("raw", "")).strip())

    def _forget_errors(self) -> None:
        for key in self._ordered():
            self.errors.pop(key, None)

    def _typed(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        values = {key.removeprefix(PREFIX): cleaned.get(key, OMITTED) for key in self._ordered()}
        return {name: value for name, value in values.items() if value is not OMITTED}


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


def typed_values(spec: ToolSpec, data: QueryDict) -> dict[str, Any]:
    """What was typed, as initial values for a form on another page of the same tool."""
    fields = ArgumentsForm(spec).fields
    return {key: field.widget.value_from_datadict(data, {}, key) for key, field in fields.items() if key in data}


def values_for(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows for arguments."""
    return {
        f"{PREFIX}{name}": field_for(name, schema, required=required).write(arguments[name])
        for name, schema, required in _parameters(spec)
        if name in arguments
    }


def examples_of(spec: ToolSpec, shown: Collection[str] = ()) -> dict[str, Any]:
    """The first example of each argument that is not folded: enough for a first run."""
    return {
        name: schema["examples"][0]
        for name, schema, required in _parameters(spec)
        if (required or name in shown) and schema.get("examples")
    }


def _parameters(spec: ToolSpec) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Name, schema and whether it is required. The order is that of the places: stored schemas lose theirs."""
    properties = spec.parameters.get("properties", {})
    required = set(spec.parameters.get("required", []))
    order = [*spec.places, *(name for name in properties if name not in spec.places)]
    for name in order:
        if name in properties:
            yield name, _resolved(properties[name], spec.parameters.get("$defs", {})), name in required


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reference to the schema's own $defs followed once; what stands beside it wins."""
    name = str(schema.get("$ref", "")).removeprefix(LOCAL_REF)
    return {**definitions[name], **schema} if name in definitions else schema
