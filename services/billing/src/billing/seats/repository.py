from collections.abc import Sequence
from dataclasses import dataclass

from billing.organizations.errors import HEARD_OF_WITHIN, OrganizationNotHeardOf
from billing.seats.model import Seats
from contracts.auth import MemberAdded, MemberRemoved
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class SeatRepository:
    """Which members take a seat, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def settle(self, members: Sequence[MemberAdded | MemberRemoved], *, taken: bool) -> None:
        """Write for each member whether it takes a seat; what is older than the row changes nothing."""
        await self.tx.execute(
            """
            INSERT INTO seats (member_id, organization_id, taken, version)
            SELECT DISTINCT ON (member_id) member_id, organization_id, $4, version
            FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS heard (member_id, organization_id, version)
            ORDER BY member_id, version DESC
            ON CONFLICT (member_id) DO UPDATE SET taken = excluded.taken, version = excluded.version
            WHERE seats.version < excluded.version
            """,
            [member.member_id for member in members],
            [member.organization for member in members],
            [member.version for member in members],
            taken,
        )

    async def count_taken(self) -> int:
        """How many seats of the transaction's organization are taken."""
        taken: int = await self.tx.fetchval(
            "SELECT count(*) FROM seats WHERE organization_id = $1 AND taken", self.tx.organization_id
        )
        return taken

    async def count(self) -> Seats:
        """Seats of the transaction's organization.

        Raises:
            OrganizationNotHeardOf: its creation has not arrived.
        """
        row = await self.tx.fetchrow(
            """
            SELECT (e.limits ->> 'seats')::integer AS allowed, e.own_seats AS billed,
                   (SELECT count(*) FROM seats AS s WHERE s.organization_id = e.organization_id AND s.taken) AS taken
            FROM entitlements AS e WHERE e.organization_id = $1
            """,
            self.tx.organization_id,
        )
        if row is None:
            raise OrganizationNotHeardOf(retry_after=HEARD_OF_WITHIN)
        return Seats(**row)
