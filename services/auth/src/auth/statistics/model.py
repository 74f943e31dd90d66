"""The numbers of one day: `docs/runbooks/staff.md` says what each of them is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

KEPT: Final = timedelta(days=3 * 366)


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

    @property
    def second_factor_share(self) -> float:
        """The part of the verified users who have a second factor in use."""
        return self.with_second_factor / self.verified_users if self.verified_users else 0.0


def to_count(now: datetime) -> list[date]:
    """The days to count at this time: today, and yesterday until an hour after its end."""
    today = now.date()
    return [today] if now.hour else [today - timedelta(days=1), today]
