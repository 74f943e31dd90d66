"""Time as the platform sees it: the database's clock plus the development offset, never a worker's own clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Tells the time; the only way code outside SQL asks for it."""

    def now(self) -> datetime:
        """The platform's time, aware and in UTC."""

    def timestamp(self) -> float:
        """The same in seconds since 1970."""


class SystemClock:
    """This machine's clock; for tools and for processes that have not been synchronised yet."""

    def now(self) -> datetime:
        """This machine's time in UTC."""
        return datetime.now(UTC)

    def timestamp(self) -> float:
        """The same in seconds since 1970."""
        return time.time()


class ManualClock:
    """A clock that a test holds in its hand."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The time the test has set."""
        return self._now

    def timestamp(self) -> float:
        """The same in seconds since 1970."""
        return self._now.timestamp()

    def forward(self, **delta: float) -> None:
        """Move on by a `timedelta` given in keywords, such as `hours=1`."""
        self._now += timedelta(**delta)


class LearnedClock:
    """Runs on from the time it was last told.

    In between it counts with the monotonic clock, so a jump of the machine's wall clock changes nothing.
    """

    def __init__(self) -> None:
        self.learn(datetime.now(UTC))

    def now(self) -> datetime:
        """The platform's time as last learned, carried on by the monotonic clock."""
        return self._base + timedelta(seconds=time.monotonic() - self._at)

    def timestamp(self) -> float:
        """The same in seconds since 1970, ten times as cheap."""
        return self._ahead + time.monotonic()

    def learn(self, now: datetime) -> None:
        """Take `now` as the platform's time at this instant."""
        self._base, self._at = now, time.monotonic()
        self._ahead = now.timestamp() - self._at


class PlatformClock(LearnedClock):
    """Follows the platform's time by asking `source` now and then.

    When the source cannot answer, the clock runs on from what it knew.
    """

    def __init__(self, source: Callable[[], Awaitable[datetime]], *, every: float = 2.0) -> None:
        super().__init__()
        self._source = source
        self._every = every

    async def synchronise(self) -> None:
        """Ask the source once; half of the round trip is taken off.

        Raises:
            Exception: whatever the source raises; the clock then keeps what it knew.
        """
        before = time.monotonic()
        learned = await self._source()
        self.learn(learned + timedelta(seconds=(time.monotonic() - before) / 2))

    async def run(self) -> None:
        """Synchronise for ever, every few seconds."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.synchronise()
            except Exception as trouble:  # noqa: BLE001 - a clock that cannot be asked goes on as it was
                log.warning("clock.not_synchronised", error=type(trouble).__name__)
