"""What loops do with credits: let them end when their time has come, and see whether the books add up."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from billing.credits.repository import CreditRepository
from billing.credits.service import expire
from kit.db.database import Database
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
PAGE: Final = 200
BEFORE_ALL: Final = UUID(int=0)

OUT_OF_BALANCE: Final = metrics.gauge(
    "credits_out_of_balance", "Organizations whose credits were not the sum of their movements when last looked at"
)


@dataclass(frozen=True, slots=True)
class CreditExpiry:
    """Lets credits end, one organization after the other."""

    database: Database

    async def expire_due(self) -> bool:
        """Act upon some; True when there may be more."""
        async with self.database.transaction() as tx:
            due = await CreditRepository(tx).lapsed(AT_ONCE)
        for organization_id in due:
            async with self.database.transaction(organization_id) as tx:
                books = CreditRepository(tx)
                await books.lock()
                now = await books.now()
                ended = [lot for lot in await books.spendable() if lot.expires_at and lot.expires_at <= now]
                await expire(tx, ended)
        return len(due) >= AT_ONCE


@dataclass(slots=True)
class CreditCheck:
    """Walks all books, a page at a time, and says whose lots are not what their movements sum up to.

    By the constraints there are none; if there is one after all, it is logged and shown by the metric until the walk
    comes past it again, and nothing is repaired by itself.
    """

    database: Database
    _after: UUID = BEFORE_ALL
    _wrong: set[UUID] = field(default_factory=set)

    async def check(self) -> bool:
        """Look at a page; True until the last one."""
        async with self.database.transaction() as tx:
            last, wrong = await CreditRepository(tx).out_of_balance(self._after, PAGE)
        for organization_id in wrong:
            log.error("credits.out_of_balance", organization_id=str(organization_id))
        self._wrong.update(wrong)
        if last is None:
            OUT_OF_BALANCE.set(len(self._wrong))
            self._after, self._wrong = BEFORE_ALL, set()
            return False
        self._after = last
        return True
