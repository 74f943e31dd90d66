"""Money for calls of models: set aside before, settled after, once.

The amount that is set aside is the most that the call can cost, so that whatever the provider answers is covered. A
process that dies between the provider's answer and our commit leaves a call whose outcome is unknown: what was set
aside for it stays so until its lease lapses, and is then settled in full, since it may have been billed. An answer
that is recorded later than that corrects the amount, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.generation import SpendingReached
from generation.calls.errors import BudgetExhausted
from generation.calls.model import Reservation, Settlement, Spending
from generation.calls.repository import CallRepository, lapse
from kit.db.database import Database, Row, Transaction
from kit.process import Loop
from kit.quota.model import reached

AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Accounting:
    """Counts what calls cost; `default_limit` is what may be spent in a month where an organization said nothing."""

    database: Database
    default_limit: int

    async def reserve(self, tx: Transaction, wanted: Reservation) -> None:
        """Set money aside for a call that begins with the commit.

        Never more is set aside and spent together than the month's limit, however many ask at once.

        Raises:
            BudgetExhausted: so much is not left; nothing is changed.
        """
        if not await CallRepository(tx, self.default_limit).reserve(wanted):
            raise exhausted(await self.spending(tx), wanted.amount)

    async def settle(self, tx: Transaction, reservation: Reservation, came: Settlement) -> bool:
        """Record what a call came to; False when that was recorded before."""
        row = await CallRepository(tx, self.default_limit).settle(reservation.id, came)
        if row is None:
            return False
        await self._tell(tx, row)
        return True

    async def reserved(self, tx: Transaction, reservation: Reservation) -> int:
        """How much is set aside for a call."""
        return await CallRepository(tx, self.default_limit).reserved(reservation.id)

    async def saved(self, tx: Transaction, reservation: Reservation, came: Settlement) -> None:
        """Record a call that was not made."""
        await CallRepository(tx, self.default_limit).add_free(reservation, came)

    async def spending(self, tx: Transaction) -> Spending:
        """How this month stands."""
        return await CallRepository(tx, self.default_limit).spending()

    async def lapse_due(self) -> bool:
        """Settle calls whose process is gone; true when there may be more."""
        async with self.database.transaction() as tx:
            return len(await lapse(tx, AT_ONCE)) == AT_ONCE

    def loops(self) -> Sequence[Loop]:
        """What a worker does for it."""
        return (Loop("calls lapse", self.lapse_due, every=5.0),)

    async def _tell(self, tx: Transaction, row: Row) -> None:
        """Tell of a threshold, once for each in a month; the row is ours until we commit."""
        percent = reached(row["spent"], row["monthly"])
        if percent <= row["warned"]:
            return
        await CallRepository(tx, self.default_limit).warn(row, percent)
        await tx.emit(SpendingReached(percent=percent, spent_micros=row["spent"], limit_micros=row["monthly"]))


def exhausted(now: Spending, wanted: int) -> BudgetExhausted:
    """The refusal of so much: what may be spent, what is spent and set aside, and what to do."""
    detail = (
        f"At most {_dollars(now.limit)} may be spent in a month; {_dollars(now.spent)} are, and "
        f"{_dollars(now.reserved)} are set aside for calls under way. This may cost {_dollars(wanted)}: raise the "
        "budget, or wait for the next month."
    )
    return BudgetExhausted(
        detail, limit_micros=now.limit, spent_micros=now.spent, reserved_micros=now.reserved, wanted_micros=wanted
    )


def _dollars(micros: int) -> str:
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d} USD"
