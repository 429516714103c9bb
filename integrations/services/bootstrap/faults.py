"""What is wrong with a bootstrap file: each fault names its field by path, and never repeats a value."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`organizations[0].members[1].role: must be owner, admin, member or viewer.`"""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class BootstrapError(Exception):
    """The file cannot be used. Lists every fault that could be found, not only the first."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def at(cls, path: str, message: str) -> "BootstrapError":
        return cls([Fault(path, message)])
