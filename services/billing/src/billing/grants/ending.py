"""Grants end by themselves: a loop acts upon it, one organization after the other."""

from dataclasses import dataclass
from typing import Final

from billing.entitlements.service import settle
from billing.grants.repository import GrantRepository
from kit.db.database import Database

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class GrantEnding:
    """Returns organizations to their own plan when what was granted has ended."""

    database: Database

    async def end_due(self) -> bool:
        """Act upon some; True when there may be more."""
        async with self.database.transaction() as tx:
            due = await GrantRepository(tx).due(AT_ONCE)
        for organization_id in due:
            async with self.database.transaction(organization_id) as tx:
                grants = GrantRepository(tx)
                await grants.lock()
                await grants.end_due()
                await settle(tx)
        return len(due) >= AT_ONCE
