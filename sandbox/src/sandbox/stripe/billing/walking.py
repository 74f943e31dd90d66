"""Time goes on: what is due is done, moment by moment, on the account's own clock and on test clocks."""

import asyncio
from collections.abc import Callable

from sandbox.stripe.billing import checkouts, passing, schedules, settling
from sandbox.stripe.store import Record
from sandbox.stripe.world import CLOCK, World

LONGEST_SLEEP = 3_600.0

_LOOKS: dict[str, Callable[[World, Record], None]] = {
    "subscription": passing.look_at,
    "invoice": settling.look_at,
    "checkout.session": checkouts.look_at,
    "subscription_schedule": schedules.look_at,
}


def walk(world: World, clock: str | None, until: int) -> None:
    """Do all that is due on a clock up to a moment, in order; a test clock stands at each moment meanwhile."""
    frozen = world.store.get(CLOCK, clock) if clock else None
    while (at := world.agenda.next(clock)) is not None and at <= until:
        if frozen is not None:
            frozen.data["frozen_time"] = max(at, frozen.data["frozen_time"])
        identifier = world.agenda.take(clock)
        record = world.store.find(identifier)
        if record is not None:
            _LOOKS[record.kind](world, record)
    if frozen is not None:
        frozen.data["frozen_time"] = until


def catch_up(world: World) -> None:
    """Do what is due now on every clock."""
    for clock in world.agenda.clocks():
        walk(world, clock, world.now(clock))


class Ticking:
    """Wakes up when something is due on the account's own clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Do what is due, and wake up for the next; to be called from the event loop, after anything has changed."""
        catch_up(self._world)
        self.stop()
        at = self._world.agenda.next(None)
        if at is not None:
            wait = min(max(at - self._world.now(), 0) + 0.01, LONGEST_SLEEP)
            self._timer = asyncio.get_running_loop().call_later(wait, self.set)

    def stop(self) -> None:
        """Sleep on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
