"""What can go wrong in the engine. Every message is safe to show and to store."""

from __future__ import annotations


class ToolError(Exception):
    """A fault found before anything was sent. The message never holds a value, which may be secret."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class InputError(ToolError):
    """The arguments do not fit the tool; each problem names the argument and the fix."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        field, first = problems[0]
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__("invalid_arguments", f"{first}{more}", field)
        self.problems = problems


class TransportError(Exception):
    """A request that has no complete answer. The subclass says what we know about it."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class NotSent(TransportError):  # noqa: N818 - named for what is known
    """Certain: no byte of the request reached the provider."""


class Refused(TransportError):  # noqa: N818 - named for what is known
    """Our own guard said no; nothing was sent and trying again changes nothing."""


class Interrupted(TransportError):  # noqa: N818 - named for what is known
    """A byte of the request may have left, and no complete answer came back."""


class Fenced(TransportError):  # noqa: N818 - named for what is known
    """The fence said no, so nothing was written."""
