"""Form fields for the arguments of a tool: one per kind of JSON schema.

A field turns what was typed into a JSON value and no more. Whether that value is allowed is the engine's
question, so that the page and every other door refuse with the same words. What cannot be read as the
asked type stays text, and the engine then names the type. Nothing typed means: the argument is left out.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import conditional_escape, format_html, format_html_join

OMITTED: Final = object()
LONG_TEXT = 2000  # characters from which a text gets several lines
SHOWN_EXAMPLES = 2
PLACEHOLDER_LENGTH = 80
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,400}")
INPUT_TYPES: Final = {"email": "email", "uri": "url"}


class ArgumentField(forms.Field):
    """One argument. `required` only marks it on the page: the engine says when it is missing."""

    default_attrs: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str, schema: Mapping[str, Any], *, required: bool) -> None:
        self.argument = name
        self.schema = schema
        self.required = required
        super().__init__(
            required=required,
            label=str(schema.get("title") or name.replace("_", " ").capitalize()),
            help_text=_help(schema),
            widget=self.make_widget(),
            template_name="integrations/tools/_argument.html",
        )
        self.widget.attrs |= self.default_attrs | ({"aria-required": "true"} if required else {})

    def make_widget(self) -> forms.Widget:
        return forms.TextInput(attrs={"placeholder": _placeholder(self.schema)})

    def to_python(self, value: Any) -> Any:
        return self.read(value) if isinstance(value, str) and value.strip() else OMITTED

    def validate(self, value: Any) -> None:
        """The engine does."""

    def read(self, text: str) -> Any:
        return text.strip()

    def write(self, value: Any) -> Any:
        """The opposite of `read`: what the control shows for a value."""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class LineField(ArgumentField):
    """A short text."""

    def make_widget(self) -> forms.Widget:
        widget = forms.TextInput(attrs={"placeholder": _placeholder(self.schema)})
        widget.input_type = INPUT_TYPES.get(self.schema.get("format", ""), "text")
        return widget


class TextField(ArgumentField):
    """A text of several lines. Blanks at its ends may be meant, so they stay."""

    def make_widget(self) -> forms.Widget:
        return forms.Textarea(attrs={"rows": 4, "placeholder": _placeholder(self.schema)})

    def read(self, text: str) -> str:
        return text.replace("\r\n", "\n")  # a browser sends CRLF for every line end (HTML, 4.10.21.3)


class NumberField(ArgumentField):
    """An integer or a number."""

    def make_widget(self) -> forms.Widget:
        limits = {"min": self.schema.get("minimum"), "max": self.schema.get("maximum")}
        attrs = {name: limit for name, limit in limits.items() if limit is not None}
        step = "1" if schema_type(self.schema) == "integer" else "any"
        return forms.NumberInput(attrs={"step": step, "placeholder": _placeholder(self.schema), **attrs})

    def read(self, text: str) -> Any:
        return read_number(text.strip(), kind=schema_type(self.schema))


class ChoiceField(ArgumentField):
    """One of a few values: an enum, or yes and no."""

    def make_widget(self) -> forms.Widget:
        return forms.Select(choices=[("", _empty_choice(self.schema, required=self.required)), *_choices(self.schema)])

    def read(self, text: str) -> Any:
        return next((value for value in choices_of(self.schema) if self.write(value) == text), text)


class ManyChoicesField(ArgumentField):
    """Some of a few values."""

    def make_widget(self) -> forms.Widget:
        return forms.CheckboxSelectMultiple(choices=_choices(self.schema["items"]))

    def to_python(self, value: Any) -> Any:
        if not value:
            return OMITTED
        known = {_text(one): one for one in choices_of(self.schema["items"])}
        return [known.get(text, text) for text in value]

    def write(self, value: Any) -> Any:
        return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]


class ListField(ArgumentField):
    """Texts or numbers, one per line. A list in JSON is read too: the way to give an item with a line break."""

    def make_widget(self) -> forms.Widget:
        return forms.Textarea(attrs={"rows": 3, "placeholder": "One per line"})

    def read(self, text: str) -> Any:
        as_json = _json_list(text)
        if as_json is not None:
            return as_json
        kind = schema_type(self.schema["items"])
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return [line if kind == "string" else read_number(line, kind=kind) for line in lines]

    def write(self, value: Any) -> str:
        lines = "\n".join(super(ListField, self).write(item) for item in value) if isinstance(value, list) else ""
        return lines if lines and self.read(lines) == value else json.dumps(value, ensure_ascii=False)


class JsonField(ArgumentField):
    """Anything else, as JSON."""

    default_attrs: ClassVar[dict[str, str]] = {"spellcheck": "false", "class": "mono"}

    def make_widget(self) -> forms.Widget:
        return forms.Textarea(attrs={"rows": 4, "placeholder": _placeholder(self.schema)})

    def read(self, text: str) -> Any:
        return read_json(text)

    def write(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2)


def field_for(name: str, schema: Mapping[str, Any], *, required: bool) -> ArgumentField:
    """The field that fits an argument's schema."""
    return _field_class(schema)(name, schema, required=required)


def _field_class(schema: Mapping[str, Any]) -> type[ArgumentField]:
    if choices_of(schema):
        return ChoiceField
    match schema_type(schema):
        case "string":
            return TextField if _is_long(schema) else LineField
        case "integer" | "number":
            return NumberField
        case "array":
            return _list_class(schema.get("items") or {})
        case _:
            return JsonField


def _list_class(items: Mapping[str, Any]) -> type[ArgumentField]:
    if items.get("enum"):
        return ManyChoicesField
    return ListField if schema_type(items) in {"string", "integer", "number"} else JsonField


def _is_long(schema: Mapping[str, Any]) -> bool:
    """Whether a text may need several lines. One with a form of its own (a pattern, a format) does not."""
    if schema.get("format") or schema.get("pattern"):
        return False
    return int(schema.get("maxLength", 0)) > LONG_TEXT


def schema_type(schema: Mapping[str, Any]) -> str:
    """The one type of a schema, null aside; empty where it allows several or does not say."""
    kinds = schema.get("type", "")
    if isinstance(kinds, str):
        return kinds
    real = [kind for kind in kinds if kind != "null"]
    return str(real[0]) if len(real) == 1 else ""


def choices_of(schema: Mapping[str, Any]) -> list[Any]:
    """The values of an enum, a constant or a boolean; empty for everything else."""
    if "const" in schema:
        return [schema["const"]]
    if schema.get("enum"):
        return list(schema["enum"])
    return [True, False] if schema_type(schema) == "boolean" else []


def read_number(text: str, *, kind: str) -> Any:
    """An int or a float, else the text as it is: the engine then says which type is asked for."""
    if WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if kind == "integer":
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def read_json(text: str) -> Any:
    """Parse JSON; ValidationError says where it breaks off, without repeating what was typed."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValidationError(
            f"This is not valid JSON: look at {where}. Names and texts need double quotes.", code="json"
        ) from None
    except (ValueError, RecursionError):
        raise ValidationError(
            "This is not JSON that can be used: no NaN, no endless numbers or nesting.", code="json"
        ) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _json_list(text: str) -> list[Any] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        value = read_json(text)
    except ValidationError:
        return None  # a line that begins with a bracket
    return value if isinstance(value, list) else None


def _choices(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_text(value), _words(value)) for value in choices_of(schema)]


def _empty_choice(schema: Mapping[str, Any], *, required: bool) -> str:
    if "default" in schema:
        return f"Default: {_words(schema['default'])}"
    return "Choose one" if required else "Not set"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(_words(item) for item in value) if isinstance(value, list) else _text(value)


def _placeholder(schema: Mapping[str, Any]) -> str:
    """What happens when nothing is typed. Examples stand in the help: as placeholders they look filled in."""
    return f"Default: {_words(schema['default'])}"[:PLACEHOLDER_LENGTH] if "default" in schema else ""


def _help(schema: Mapping[str, Any]) -> str:
    """Description, default of a list, and examples as safe HTML: toolkits come from files that others write."""
    parts = [conditional_escape(schema["description"])] if schema.get("description") else []
    if "default" in schema and schema_type(schema) == "array":
        parts.append(format_html('Default: <span class="mono">{}</span>.', _words(schema["default"])))
    if examples := _examples(schema):
        shown = format_html_join(" or ", '<span class="mono">{}</span>', [(one,) for one in examples])
        parts.append(format_html("For example {}", shown))
    return format_html_join(" ", "{}", [(part,) for part in parts])


def _examples(schema: Mapping[str, Any]) -> Sequence[str]:
    return [_words(one) for one in schema.get("examples", [])[:SHOWN_EXAMPLES]]
