"""Text for e-mails. Plain, and in one line: what people chose as names can do nothing in it (check I14)."""

from typing import Final

LINE_LENGTH: Final = 80


def one_line(text: str, length: int = LINE_LENGTH) -> str:
    """The text without line breaks and without what cannot be printed."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:length]
