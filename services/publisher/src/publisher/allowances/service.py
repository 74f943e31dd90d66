from dataclasses import dataclass, replace

from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.quota import Meter, Use
from publisher.accounts.repository import AccountRepository
from publisher.allowances.model import ACCOUNTS, POSTS, QUOTA


@dataclass(frozen=True, slots=True)
class AllowanceService:
    """What people ask about the limits of their plan."""

    database: Database

    async def all(self, caller: MemberCaller) -> list[tuple[Meter, Use]]:
        """How each meter of the publisher stands."""
        async with self.database.snapshot(caller.organization_id) as tx:
            connected = await AccountRepository(tx).count()
            accounts = replace(await QUOTA.use(tx, ACCOUNTS), used=connected)
            return [(ACCOUNTS, accounts), (POSTS, await QUOTA.use(tx, POSTS))]
