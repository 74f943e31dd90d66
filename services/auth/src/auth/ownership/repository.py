from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.ownership.model import Transfer, TransferState
from kit.db.database import Row, Transaction

_COLUMNS = """
    t.id, t.from_member_id, t.to_member_id, giver.user_id AS from_user_id, taker.user_id AS to_user_id,
    t.version, t.expires_at, t.created_at,
    CASE WHEN t.state = 'pending' AND t.expires_at <= kit_now() THEN 'expired' ELSE t.state END AS state
"""
_FROM = """
    ownership_transfers AS t
    JOIN members AS giver ON giver.id = t.from_member_id
    JOIN members AS taker ON taker.id = t.to_member_id
"""


@dataclass(frozen=True, slots=True)
class TransferRepository:
    """Offers of the transaction's organization, whose lock orders all that happens to them."""

    tx: Transaction

    async def add(self, transfer_id: UUID, from_member: UUID, to_member: UUID, life: timedelta) -> bool:
        """Offer the organization; False while it is offered to somebody."""
        touched = await self.tx.execute(
            """
            INSERT INTO ownership_transfers (id, organization_id, from_member_id, to_member_id, expires_at)
            VALUES ($1, $2, $3, $4, kit_now() + $5::interval)
            ON CONFLICT (organization_id) WHERE state = 'pending' DO NOTHING
            """,
            transfer_id,
            self.tx.organization_id,
            from_member,
            to_member,
            life,
        )
        return touched == 1

    async def find(self, transfer_id: UUID) -> Transfer | None:
        """One offer."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE t.organization_id = $1 AND t.id = $2",  # noqa: S608 - ours
            self.tx.organization_id,
            transfer_id,
        )
        return None if row is None else _transfer(row)

    async def page(self, concerning: UUID | None, after: UUID | None, at_most: int) -> list[Transfer]:
        """Offers in the order of their ids: all, or those that a user gives or gets."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM {_FROM}
            WHERE t.organization_id = $1 AND t.id > $2 AND ($3::uuid IS NULL OR $3 IN (giver.user_id, taker.user_id))
            ORDER BY t.id
            LIMIT $4
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            after or UUID(int=0),
            concerning,
            at_most,
        )
        return [_transfer(row) for row in rows]

    async def save(self, transfer: Transfer) -> None:
        """Write state and version."""
        await self.tx.execute(
            "UPDATE ownership_transfers SET state = $3, version = $4 WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            transfer.id,
            transfer.state,
            transfer.version,
        )

    async def delete_of(self, member_id: UUID) -> list[Row]:
        """Forget what a member gives or gets."""
        return await self.tx.fetch(
            """
            DELETE FROM ownership_transfers
            WHERE organization_id = $1 AND (from_member_id = $2 OR to_member_id = $2)
            RETURNING id, version, state
            """,
            self.tx.organization_id,
            member_id,
        )

    async def forget_old(self, kept_for: timedelta) -> None:
        """Withdraw what has expired, and forget what was settled so long ago."""
        await self.tx.execute(
            """
            UPDATE ownership_transfers SET state = 'withdrawn', version = version + 1
            WHERE organization_id = $1 AND state = 'pending' AND expires_at <= kit_now()
            """,
            self.tx.organization_id,
        )
        await self.tx.execute(
            """
            DELETE FROM ownership_transfers
            WHERE organization_id = $1 AND state <> 'pending' AND created_at < kit_now() - $2::interval
            """,
            self.tx.organization_id,
            kept_for,
        )


@dataclass(frozen=True, slots=True)
class PersonsTransfers:
    """Offers to and by one user, of all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """What they give and get."""
        return await self.tx.fetch(
            f"""
            SELECT t.id, t.organization_id, t.state, t.expires_at, t.created_at,
                   CASE WHEN giver.user_id = $1 THEN 'given' ELSE 'received' END AS direction
            FROM {_FROM}
            WHERE t.organization_id = ANY ($2) AND $1 IN (giver.user_id, taker.user_id)
            ORDER BY t.id
            """,  # noqa: S608 - ours
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> list[Row]:
        """Forget them; which were open."""
        return await self.tx.fetch(
            """
            DELETE FROM ownership_transfers AS t
            USING members AS own
            WHERE own.user_id = $1 AND own.organization_id = ANY ($2) AND own.id IN (t.from_member_id, t.to_member_id)
            RETURNING t.id, t.organization_id, t.version, t.state
            """,
            user_id,
            self.tx.organization_ids,
        )


def _transfer(row: Row) -> Transfer:
    return Transfer(**{**row, "state": TransferState(row["state"])})
