"""Outlives the supervisor by a moment: kills the process groups that it leaves behind.

Reads `+PID` and `-PID` lines; when the pipe closes, the supervisor is gone, however it went. This reaches
grandchildren too, which `child.py` cannot, and works where there is no prctl.
"""

import os
import signal
import sys
from collections.abc import Iterable


def main(lines: Iterable[str]) -> None:
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:  # already gone
            continue


if __name__ == "__main__":
    main(sys.stdin)
