"""Connections to a mail server: a few at once, each handed on from one mail to the next while others wait.

Nothing stays open that nobody waits for, so there is nothing to time out and nothing to close at the end; and a
server that is asked for much at once sees a few connections instead of hundreds.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiosmtplib

from kit.ledger.model import NotAccepted

AT_ONCE: Final = 30
"""Servers that are set up as they come refuse a client the fiftieth."""
SPARED: Final = 5
"""Of those, for mails alone that somebody waits for: they never stand behind what goes to many."""
MAILS: Final = 100
"""As many take one connection; servers count them, and some say good-bye after a number."""
LIFE: Final = 60.0
WAIT: Final = 20.0
"""Seconds for which a mail waits for its turn; it has not left then."""
AGAIN: Final = 5.0
"""Seconds until it waits again: ever longer pauses would let those pass that came later."""


class Line(aiosmtplib.SMTP):
    """Remembers whether the mail itself was on its way when something went wrong, and what it has carried."""

    handed_over = False
    mails = 0
    since = 0.0

    async def data(self, *args: Any, **kwargs: Any) -> aiosmtplib.SMTPResponse:
        """Hand the mail over; from here on nobody knows but by the answer."""
        self.handed_over = True
        return await super().data(*args, **kwargs)

    @property
    def fresh(self) -> bool:
        """Whether nothing was handed in on it before."""
        return self.mails == 0

    @property
    def worn(self) -> bool:
        """Whether it has carried enough."""
        return self.mails >= MAILS or time.monotonic() - self.since >= LIFE

    async def leave(self) -> None:
        """What the server thinks of our leaving changes nothing."""
        try:
            with suppress(aiosmtplib.SMTPException, OSError):
                await self.quit(timeout=2)
        finally:
            self.close()


@dataclass(slots=True)
class Lines:
    """The connections of one process to one server."""

    made: Callable[[str], Line]
    """A connection that is not opened yet, for the name by which this machine introduces itself."""
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _for_many: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE - SPARED))
    _spare: deque[Line] = field(default_factory=deque)
    _waiting: int = 0
    _name: str = ""

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """One's turn; whoever was the last to wait ends what is left over.

        Raises:
            NotAccepted: it did not come in time.
        """
        try:
            async with AsyncExitStack() as held:
                await self._wait(held, urgent=urgent)
                yield
        finally:
            while self._spare and not self._waiting:
                await self._spare.popleft().leave()

    async def _wait(self, held: AsyncExitStack, *, urgent: bool) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT):
                if not urgent:
                    await held.enter_async_context(self._for_many)
                await held.enter_async_context(self._free)
        except TimeoutError:
            raise NotAccepted("Too many mails wait for the mail server.", code="busy", retry_after=AGAIN) from None
        finally:
            self._waiting -= 1

    async def open(self, *, anew: bool = False) -> Line:
        """A connection: one that somebody has just handed on, or with `anew` and else a new one."""
        if self._spare and not anew:
            return self._spare.popleft()
        self._name = self._name or await asyncio.to_thread(socket.getfqdn)
        line = self.made(self._name)
        line.since = time.monotonic()
        try:
            await line.connect()
        except BaseException:
            line.close()
            raise
        return line

    async def hand_on(self, line: Line) -> None:
        """Keep it for whoever waits, or end it."""
        line.mails += 1
        line.handed_over = False
        if self._waiting and not line.worn:
            self._spare.append(line)
        else:
            await line.leave()
