from dataclasses import dataclass

from inbox.allowances.model import MESSAGES, QUOTA
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.quota import Meter, Use


@dataclass(frozen=True, slots=True)
class AllowanceService:
    """What people ask about the limits of their plan."""

    database: Database

    async def all(self, caller: MemberCaller) -> list[tuple[Meter, Use]]:
        """How each meter of the inbox stands."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return [(MESSAGES, await QUOTA.use(tx, MESSAGES))]
