"""E-mail addresses out of what people paste: one per line, with commas, with names in front."""

import re
from collections.abc import Iterator
from typing import Final

MOST_CHARACTERS: Final = 20_000
IN_BRACKETS = re.compile(r"<([^<>]*)>")


def addresses_in(text: str) -> list[str]:
    """Every piece that stands for an address, in lower case, in order, repetitions included."""
    return [piece.strip().lower() for line in re.split(r"[,;\r\n]+", text) for piece in _pieces(line)]


def _pieces(line: str) -> Iterator[str]:
    bracketed = IN_BRACKETS.findall(line)
    yield from bracketed or line.split()
