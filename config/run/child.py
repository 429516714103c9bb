"""Becomes another program that dies with its parent: `child.py PARENT_PID PROGRAM ARGUMENT…`.

Run as a file, isolated, so that it starts in milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>; survives execve


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request was made
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # becoming the program is the purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
