"""The bounds within which a file is opened: memory, time, space, open files; and no life beyond the parent's."""

import ctypes
import os
import resource
import signal
import sys
from typing import Final

_DIE_WITH_PARENT: Final = 1
_NO_NEW_PRIVILEGES: Final = 38


def bound_to_parent() -> None:
    """End when the parent ends, however it does; and gain no rights by running programs."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def bind(memory: int, seconds: int, space: int) -> None:
    """From now on this process and those it starts have so many bytes of memory, seconds of CPU, bytes in a file."""
    bound_to_parent()
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, space),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
