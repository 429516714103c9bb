"""How a field of a bootstrap file is read: each reader takes a value and its path, and returns what it means."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar

from integrations.services.bootstrap.faults import BootstrapError, Fault

Entry = TypeVar("Entry")
Reader = Callable[[Any, str], Any]


def read_by(reader: Reader, *, default: Any = MISSING, secret: bool = False) -> Any:
    """A dataclass field that is read from the file. Without a default it is required."""
    return field(default=default, repr=not secret, metadata={"reader": reader})


def entry_of(kind: type[Entry]) -> Reader:
    """Read a mapping into a dataclass whose first field is the entry's own path."""

    def read(value: Any, path: str) -> Entry:
        if not isinstance(value, Mapping):
            raise BootstrapError.at(path, "must be a mapping of fields to values.")
        known = {item.name: item for item in fields(kind) if "reader" in item.metadata}  # type: ignore[arg-type]  # a dataclass
        faults = _unknown(value, known, path)
        values: dict[str, Any] = {"path": path}
        for name, item in known.items():
            try:
                values |= _read_field(value, item, _join(path, name))
            except BootstrapError as error:
                faults += error.faults
        if faults:
            raise BootstrapError(faults)
        return kind(**values)

    return read


def _unknown(value: Mapping[Any, Any], known: Mapping[str, Any], path: str) -> list[Fault]:
    here = ", ".join(known)
    return [Fault(_join(path, str(name)), f"is not known. Known here: {here}.") for name in value if name not in known]


def _read_field(value: Mapping[Any, Any], item: Field[Any], path: str) -> dict[str, Any]:
    if item.name in value:
        return {item.name: item.metadata["reader"](value[item.name], path)}
    if item.default is MISSING:
        raise BootstrapError.at(path, "is required.")
    return {}


def list_of(reader: Reader) -> Reader:
    """Read every item, and collect the faults of all of them."""

    def read(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise BootstrapError.at(path, "must be a list.")
        items, faults = [], list[Fault]()
        for place, item in enumerate(value):
            try:
                items.append(reader(item, f"{path}[{place}]"))
            except BootstrapError as error:
                faults += error.faults
        if faults:
            raise BootstrapError(faults)
        return tuple(items)

    return read


def text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise BootstrapError.at(path, "must be text. Put it in quotes if it looks like a number or a date.")
    return value.strip()


def filled_text(value: Any, path: str) -> str:
    if not (found := text(value, path)):
        raise BootstrapError.at(path, "must not be empty.")
    return found


def flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise BootstrapError.at(path, "must be true or false.")
    return value


def one_of(choices: type[Entry]) -> Reader:
    """Read a value of an enumeration."""
    values = [str(choice.value) for choice in choices]  # type: ignore[attr-defined]  # an enumeration

    def read(value: Any, path: str) -> Entry:
        if value not in values:
            raise BootstrapError.at(path, f"must be one of {', '.join(values)}.")
        return choices(value)  # type: ignore[call-arg]  # an enumeration

    return read


def days(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BootstrapError.at(path, "must be a number of days, 1 or more.")
    return value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
