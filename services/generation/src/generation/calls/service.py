from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from generation.calls.accounting import Accounting
from generation.calls.errors import PeriodTooLong
from generation.calls.model import Period, Saving, UsageLine
from generation.calls.repository import By, CallRepository
from kit.errors import FieldError
from kit.http.caller import MemberCaller

LONGEST: Final = 92
"""Days that are shown at once."""

MOST: Final = 200
"""Lines that are shown at once; users and models beyond are the cheapest."""


@dataclass(frozen=True, slots=True)
class UsageService:
    """What people ask about what was used and spent."""

    accounting: Accounting

    async def usage(
        self, caller: MemberCaller, by: By, since: date | None, until: date | None
    ) -> tuple[Period, Sequence[UsageLine], Sequence[Saving]]:
        """Use by day, user, feature or model, and what was saved; the last 30 days unless days are named.

        Raises:
            PeriodTooLong: these are too many days, or the last is before the first.
        """
        today = self.accounting.database.clock.now().date()
        last = until or today
        first = since or last - timedelta(days=29)
        if not timedelta(0) <= last - first < timedelta(days=LONGEST):
            raise PeriodTooLong(errors=[FieldError("until", PeriodTooLong.title())])
        period = Period(_begin(first), _begin(last) + timedelta(days=1))
        async with self.accounting.database.snapshot(caller.organization_id) as tx:
            calls = CallRepository(tx, self.accounting.default_limit)
            return period, await calls.usage(by, period, MOST), await calls.savings(period)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
