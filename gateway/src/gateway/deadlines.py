"""Time-outs without a timer per request: one sweep looks at everything that has a deadline."""

import asyncio
import time
from email.utils import formatdate
from typing import Protocol


class Expiring(Protocol):
    """Something that gives up at `deadline` (loop time; infinity means never)."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed."""


NEVER = float("inf")


class Sweep:
    """Ends what is overdue, up to one period late, and keeps the date that stands on answers."""

    def __init__(self, *, every: float = 0.2) -> None:
        self._every = every
        self._members: set[Expiring] = set()
        self._handle: asyncio.TimerHandle | None = None
        self.watch = self._members.add
        self.forget = self._members.discard
        self._second = 0
        self.date = b""
        self._tell_date()

    def start(self) -> None:
        """Begin to look."""
        self._handle = asyncio.get_running_loop().call_later(self._every, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._tell_date()
        for member in [member for member in self._members if member.deadline <= now]:
            member.deadline = NEVER
            member.expire()
        self._handle = loop.call_later(self._every, self._look)

    def _tell_date(self) -> None:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.date = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
