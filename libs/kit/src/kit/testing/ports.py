"""Ports of the loopback interface that are ours alone while a test needs them."""

import os
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_HELD_AT_MOST: Final = 200
_HELD: Final[deque[int]] = deque()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on.

    It stays bound here, so that the system gives it to nobody else; our servers can listen there all the same.
    """
    keeper, port = reserve()
    _HELD.append(keeper.detach())
    if len(_HELD) > _HELD_AT_MOST:
        os.close(_HELD.popleft())
    return port


def reserve() -> tuple[socket.socket, int]:
    """A socket that keeps a port of the loopback interface for us while it is open, and the port.

    It does not listen: connections are refused until somebody who names the port does. Nobody who asks for just any
    port gets it, neither to listen on nor to connect from.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return keeper, int(keeper.getsockname()[1])


@contextmanager
def reserved() -> Iterator[int]:
    """A port that is kept for us, to listen on, to leave and to come back to."""
    keeper, port = reserve()
    with keeper:
        yield port
