from dataclasses import dataclass

from billing.seats.model import Seats
from billing.seats.repository import SeatRepository
from kit.db.database import Database
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class SeatService:
    """What people ask about seats."""

    database: Database

    async def read(self, caller: MemberCaller) -> Seats:
        """Seats of the caller's organization, paid for and taken.

        Raises:
            OrganizationNotHeardOf: its creation has not arrived.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            return await SeatRepository(tx).count()
