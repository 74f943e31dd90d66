"""Credits as values: which lots a spend takes from, and to which a return goes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from billing.credits.errors import CreditsInsufficient, ReturnTooLarge

NEVER: Final = datetime.max.replace(tzinfo=UTC)
MOST: Final = 10**12
"""Units in one lot or one spend, at most."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Credits that were granted together; `available + spent + expired` is always `granted`."""

    id: UUID
    reason: str
    priority: int
    expires_at: datetime | None
    granted: int
    available: int
    spent: int
    expired: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent at once, under an id that its spender chose."""

    id: UUID
    purpose: str
    amount: int
    returned: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the books: so much of a lot went from one account into another."""

    id: UUID
    lot_id: UUID
    spend_id: UUID | None
    taken_from: str
    put_into: str
    amount: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """What can be spent now, what of it ends next, and the version of the books."""

    available: int
    next_end: datetime | None
    ending: int
    version: int


@dataclass(frozen=True, slots=True)
class Take:
    """So much of one lot."""

    lot_id: UUID
    amount: int


def in_turn(lots: Iterable[Lot]) -> list[Lot]:
    """The order in which lots are spent: by priority, then by end, then by age."""
    return sorted(lots, key=lambda lot: (lot.priority, lot.expires_at or NEVER, lot.id))


def takes(lots: Iterable[Lot], amount: int, now: datetime) -> tuple[Take, ...]:
    """What a spend takes from which lots, first come first; what has ended is not there.

    Raises:
        CreditsInsufficient: there is not as much.
    """
    taken, missing = [], amount
    for lot in in_turn(lots):
        part = min(missing, lot.available) if lot.expires_at is None or lot.expires_at > now else 0
        if part > 0:
            taken.append(Take(lot.id, part))
            missing -= part
        if missing == 0:
            return tuple(taken)
    raise CreditsInsufficient(missing=missing)


def gives_back(taken: Sequence[Take], returned: Iterable[Take], amount: int) -> tuple[Take, ...]:
    """Where a return goes: into the lots it was taken from, what was taken last first.

    Raises:
        ReturnTooLarge: less than that is out.
    """
    out = {take.lot_id: take.amount for take in taken}
    for back in returned:
        out[back.lot_id] -= back.amount
    given, missing = [], amount
    for lot_id, left in reversed(out.items()):
        part = min(missing, left)
        if part > 0:
            given.append(Take(lot_id, part))
            missing -= part
    if missing:
        raise ReturnTooLarge(out=amount - missing)
    return tuple(given)
