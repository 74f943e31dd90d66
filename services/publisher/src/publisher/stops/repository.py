from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL
from publisher.stops.errors import StopNotFound
from publisher.stops.model import Overdue, Stop

_COLUMNS = """
    id, organization_id, account_id, reason, stopped_by, stopped_at, lifted_by, lifted_at, overdue, minutes_apart,
    affected, version
"""


@dataclass(frozen=True, slots=True)
class StopRepository:
    """The stops of one organization: the transaction's, unless it is bound to several and one is named."""

    tx: Transaction
    of: UUID | None = None

    @property
    def organization_id(self) -> UUID:
        """Whose stops these are."""
        return self.of or self.tx.organization_id

    async def add(self, stop_id: UUID, account_id: UUID | None, reason: str, by: UUID) -> Stop | None:
        """Add a stop; None when one of the same accounts stands already."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO publishing_stops (id, organization_id, account_id, reason, stopped_by)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            stop_id,
            self.organization_id,
            account_id,
            reason,
            by,
        )
        return None if row is None else _stop(row)

    async def standing(self, account_id: UUID | None) -> Stop:
        """The stop of just this account, or of all, that was not lifted."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM publishing_stops
            WHERE organization_id = $1 AND account_id IS NOT DISTINCT FROM $2 AND lifted_at IS NULL
            """,  # noqa: S608 - a constant
            self.organization_id,
            account_id,
        )
        return _stop(row)

    async def covering(self, account_id: UUID) -> list[Stop]:
        """Every stop that stands and concerns this account."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM publishing_stops
            WHERE organization_id = $1 AND (account_id = $2 OR account_id IS NULL) AND lifted_at IS NULL
            """,  # noqa: S608 - a constant
            self.organization_id,
            account_id,
        )
        return [_stop(row) for row in rows]

    async def lock(self, stop_id: UUID) -> Stop:
        """Read the stop for update."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM publishing_stops"  # noqa: S608 - a constant
            " WHERE id = $1 AND organization_id = $2 FOR UPDATE",
            stop_id,
            self.organization_id,
        )
        return _stop(row)

    async def find(self, stop_id: UUID) -> Stop:
        """Read the stop."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM publishing_stops WHERE id = $1 AND organization_id = $2",  # noqa: S608
            stop_id,
            self.organization_id,
        )
        return _stop(row)

    async def lifted(
        self, stop_id: UUID, by: UUID, overdue: Overdue, minutes_apart: int | None, affected: int
    ) -> Stop:
        """It was lifted."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE publishing_stops SET lifted_by = $3, lifted_at = kit_now(), overdue = $4, minutes_apart = $5,
                affected = $6, version = version + 1
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            stop_id,
            self.organization_id,
            by,
            overdue,
            minutes_apart,
            affected,
        )
        return _stop(row)

    async def page(self, after: UUID | None, limit: int, *, standing: bool | None) -> list[Stop]:
        """The newest first."""
        which = {None: "", True: " AND lifted_at IS NULL", False: " AND lifted_at IS NOT NULL"}[standing]
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM publishing_stops
            WHERE organization_id = $1 AND id < $2{which} ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - constants
            self.organization_id,
            after or AFTER_ALL,
            limit,
        )
        return [_stop(row) for row in rows]

    async def overdue(self, account_ids: Collection[UUID]) -> list[Row]:
        """Deliveries to these accounts that came due and have not left, by account in the order of their times."""
        return await self.tx.fetch(
            """
            SELECT one.id, one.account_id, one.post_id
            FROM deliveries AS one JOIN posts AS post ON post.id = one.post_id
            WHERE one.organization_id = $1 AND one.account_id = ANY ($2) AND one.status = 'scheduled'
              AND post.publish_at <= kit_now()
            ORDER BY one.account_id, post.publish_at, one.id
            """,
            self.organization_id,
            list(account_ids),
        )


@dataclass(frozen=True, slots=True)
class PersonsStops:
    """What one user stopped or lifted, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Stops in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, account_id, reason, stopped_at, lifted_at, overdue,
                   coalesce(stopped_by = $1, false) AS stopped_by_them,
                   coalesce(lifted_by = $1, false) AS lifted_by_them
            FROM publishing_stops
            WHERE (stopped_by = $1 OR lifted_by = $1) AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Keep as many of them as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE publishing_stops
            SET stopped_by = nullif(stopped_by, $1), lifted_by = nullif(lifted_by, $1), version = version + 1
            WHERE id IN (
                SELECT id FROM publishing_stops
                WHERE (stopped_by = $1 OR lifted_by = $1) AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _stop(row: Row | None) -> Stop:
    if row is None:
        raise StopNotFound
    return Stop(**dict(row))


def by_account(rows: Sequence[Row]) -> dict[UUID, list[UUID]]:
    """Deliveries by account, in their order."""
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row["id"])
    return found
