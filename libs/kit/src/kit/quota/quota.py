from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from contracts.event import rfc3339
from kit.db.database import Database, Row, Transaction
from kit.process import Loop
from kit.quota.errors import QuotaExhausted, ReservationGone
from kit.quota.model import Crossing, Meter, Use, reached
from kit.quota.repository import QuotaRepository, forget, lapse

AT_ONCE: Final = 1000
LIFE: Final = timedelta(hours=24)


class Quota:
    """Counts the meters that a service owns, in the transactions of the work that uses them."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self.meters = {meter.name: meter for meter in meters}

    async def reserve(
        self, tx: Transaction, meter: Meter, amount: int, reservation_id: UUID, life: timedelta = LIFE
    ) -> None:
        """Set an amount aside for work that is taken in, under the id of that work.

        Never more than the limit is set aside and used together, however many ask at once. Who neither settles nor
        releases nor extends it within `life` loses it again.

        Raises:
            QuotaExhausted: so much is not left; nothing is changed.
        """
        if not await QuotaRepository(tx).reserve(meter, amount, reservation_id, life):
            raise await self._exhausted(tx, meter, amount)

    async def take(self, tx: Transaction, meter: Meter, amount: int = 1) -> list[Crossing]:
        """Use an amount at once, where the work is done in this very transaction.

        Raises:
            QuotaExhausted: so much is not left; nothing is changed.
        """
        row = await QuotaRepository(tx).take(meter, amount)
        if row is None:
            raise await self._exhausted(tx, meter, amount)
        return await _crossings(tx, meter, row["allowed"], row)

    async def give_back(self, tx: Transaction, meter: Meter, amount: int = 1) -> None:
        """Hold that much less: an account was disconnected, a file deleted."""
        row = await QuotaRepository(tx).give_back(meter, amount)
        if row is not None:
            await _crossings(tx, meter, row["allowed"], row)

    async def settle(self, tx: Transaction, reservation_id: UUID, amount: int | None = None) -> list[Crossing]:
        """The work was done: use what was set aside, or this much of it; the rest is free again.

        It counts in the month in which it was set aside. What was set aside and has lapsed counts, too, for it was
        used: it alone may exceed a limit.

        Raises:
            ReservationGone: there is none.
            ValueError: more was used than set aside; reserve the most that may be used.
        """
        row = await QuotaRepository(tx).end(reservation_id, amount)
        if row is None:
            held = await QuotaRepository(tx).amount_of(reservation_id)
            if held is None:
                raise ReservationGone(str(reservation_id))
            raise ValueError(f"{amount} used of {held} set aside")
        meter = self.meters[row["meter"]]
        return await _crossings(tx, meter, _allowed(meter, row), row)

    async def end(self, tx: Transaction, used: Mapping[UUID, int]) -> list[tuple[UUID, Crossing]]:
        """End many reservations at once: how much was used of each, 0 for none; whose thresholds that reached.

        They may be of several organizations, if the transaction is bound to them; one that has ended is passed over.
        """
        crossed = []
        for row in await QuotaRepository(tx).end_all(used) if used else ():
            meter, whose = self.meters[row["meter"]], row["organization_id"]
            crossings = await _crossings(tx, meter, _allowed(meter, row), row, whose)
            crossed += [(whose, crossing) for crossing in crossings]
        return crossed

    async def release(self, tx: Transaction, reservation_id: UUID) -> bool:
        """The work will not be done: all of it is free again; False when there was no such reservation any more."""
        return await QuotaRepository(tx).end(reservation_id, 0) is not None

    async def extend(self, tx: Transaction, reservation_id: UUID, life: timedelta = LIFE) -> bool:
        """The work goes on; False when its reservation has lapsed or ended."""
        return await QuotaRepository(tx).extend(reservation_id, life)

    async def use(self, tx: Transaction, meter: Meter, of: UUID | None = None) -> Use:
        """How a meter stands now, of this organization where the transaction is bound to several."""
        row = await QuotaRepository(tx, of).use(meter)
        return Use(row["used"], row["reserved"], row["allowed"], row["renews_at"])

    def loops(self, database: Database) -> Sequence[Loop]:
        """What a worker does for it."""

        async def lapse_due() -> bool:
            async with database.transaction() as tx:
                return await lapse(tx, AT_ONCE) >= AT_ONCE

        async def forget_old() -> bool:
            async with database.transaction() as tx:
                return await forget(tx, AT_ONCE) >= AT_ONCE

        return (Loop("lapse reservations", lapse_due, every=15), Loop("forget old use", forget_old, every=3600))

    async def _exhausted(self, tx: Transaction, meter: Meter, amount: int) -> QuotaExhausted:
        return exhausted(meter, await self.use(tx, meter), amount)


def exhausted(meter: Meter, use: Use, wanted: int) -> QuotaExhausted:
    """The refusal of so much: what the plan includes, how much of it is taken, when it renews and what to do."""
    taken = use.used + use.reserved
    until = "let go of some" if use.renews_at is None else f"wait for {use.renews_at:%d %B %Y}, when it renews"
    detail = (
        f"The plan includes {use.allowed} {meter.says or meter.name}, and {taken} are taken; upgrade it, or {until}."
    )
    renews_at = None if use.renews_at is None else rfc3339(use.renews_at)
    return QuotaExhausted(
        detail, meter=meter.name, allowed=use.allowed, used=taken, wanted=wanted, renews_at=renews_at
    )


def _allowed(meter: Meter, row: Row) -> int | None:
    """What a snapshot allows; a meter that it does not name is not included."""
    allowed: int | None = meter.before_first if row["limits"] is None else row["limits"].get(meter.name, 0)
    return allowed


async def _crossings(
    tx: Transaction, meter: Meter, allowed: int | None, row: Row, of: UUID | None = None
) -> list[Crossing]:
    """The threshold that was reached just now: told once in a period, unless the use has fallen below it since.

    The row of the use is ours until we commit, so nobody else tells it.
    """
    percent = reached(row["used"], allowed)
    if percent == row["warned"]:
        return []
    await QuotaRepository(tx, of).warn(meter.name, row["period"], percent)
    if allowed is None or percent < row["warned"]:
        return []
    return [Crossing(meter.name, percent, row["used"], allowed)]
