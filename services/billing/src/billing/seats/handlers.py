"""Members take and free seats.

Every row carries the version it was written from, so the seats come out the same in whatever order and however often
additions and removals arrive: no version gate is needed, and no counter can drift.
"""

from collections.abc import Sequence

from billing.seats.repository import SeatRepository
from contracts.auth import MemberAdded, MemberRemoved
from kit.db.database import Transaction


async def on_members_added(events: Sequence[MemberAdded], tx: Transaction) -> None:
    """New members take a seat."""
    await SeatRepository(tx).settle(events, taken=True)


async def on_members_removed(events: Sequence[MemberRemoved], tx: Transaction) -> None:
    """Members who left free their seat."""
    await SeatRepository(tx).settle(events, taken=False)
