"""The numbers of one day: `docs/runbooks/staff.md` says what each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

KEPT: Final = timedelta(days=3 * 366)
COUNTED_FOR: Final = timedelta(days=60)
"""How long it is remembered what stands in a sum already; events can be replayed for a week."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A payment, a refund or the failure of one, on the day in UTC on which billing told of it."""

    fact_id: UUID
    day: date
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Revenue:
    """The money of one day in one currency, in its minor unit; of refunds those that failed are taken off."""

    currency: str
    payments: int
    received: int
    refunds: int
    refunded: int

    @property
    def net(self) -> int:
        """What is left of it."""
        return self.received - self.refunded


@dataclass(frozen=True, slots=True)
class Made:
    """A generation that finished, on the day in UTC on which that was told; the cost in millionths of a US dollar."""

    generation_id: UUID
    day: date
    kind: str
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of one day of one kind."""

    kind: str
    finished: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One day in UTC: what there was at its end, or is by now, and what happened on it."""

    day: date
    users: int
    verified_users: int
    suspended_users: int
    with_second_factor: int
    sign_ups: int
    active_users: int
    weekly_active_users: int
    sign_ins: int
    refusals: int
    sessions: int
    organizations: int
    new_organizations: int
    impersonations: int
    counted_at: datetime
    revenue: Sequence[Revenue] = field(default=())
    generations: Sequence[Generations] = field(default=())

    @property
    def second_factor_share(self) -> float:
        """The part of the verified users who have a second factor in use."""
        return self.with_second_factor / self.verified_users if self.verified_users else 0.0


def to_count(now: datetime) -> list[date]:
    """The days to count at this time: today, and yesterday until an hour after its end."""
    today = now.date()
    return [today] if now.hour else [today - timedelta(days=1), today]
