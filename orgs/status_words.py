"""How a status looks and reads, wherever it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import TextChoices

Statuses = TypeVar("Statuses", bound=TextChoices)


@dataclass(frozen=True)
class StatusWord:
    """How a status looks and reads. Colours are the theme's semantic names, icons are heroicons."""

    value: str
    label: str
    colour: str
    icon: str
    sentence: str


def word_table(statuses: type[Statuses], looks: Iterable[tuple[str, str, str, str]]) -> dict[Statuses, StatusWord]:
    """A word for each of the statuses. `looks` holds their values, colours, icons and sentences."""
    return {
        (status := statuses(value)): StatusWord(value, status.label, colour, icon, sentence)
        for value, colour, icon, sentence in looks
    }
