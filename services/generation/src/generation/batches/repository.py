from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from generation.batches.errors import BatchNotFound
from generation.batches.model import LASTS, Batch, BatchState, Counts
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL

_COLUMNS: Final = """
    id, organization_id, created_by, provider, model, state, external_id, cancel_wanted, version, created_at, ended_at
"""


@dataclass(frozen=True, slots=True)
class BatchRepository:
    """Batches of the transaction's organization."""

    tx: Transaction

    async def add(self, batch_id: UUID, by: UUID, provider: str, model: str) -> Batch:
        """Begin one."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO batches (id, organization_id, created_by, provider, model, state)
            VALUES ($1, $2, $3, $4, $5, 'queued') RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            batch_id,
            self.tx.organization_id,
            by,
            provider,
            model,
        )
        return _batch(row)

    async def add_generations(
        self, batch_id: UUID, by: UUID, items: Collection[tuple[UUID, str, bytes, UUID]]
    ) -> None:
        """Its generations: id, kind, what is asked (sealed), and the call that pays for it."""
        await self.tx.execute(
            """
            INSERT INTO generations (id, organization_id, created_by, kind, state, asked_sealed, leased_until,
                                     batch_id, call_id)
            SELECT item.id, $1, $2, item.kind, 'running', item.asked, kit_now() + $3::interval, $4, item.call_id
            FROM unnest($5::uuid[], $6::text[], $7::bytea[], $8::uuid[]) AS item (id, kind, asked, call_id)
            """,
            self.tx.organization_id,
            by,
            LASTS,
            batch_id,
            *([item[place] for item in items] for place in range(4)),
        )

    async def find(self, batch_id: UUID, *, lock: bool = False) -> Batch:
        """Read one."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM batches WHERE id = $1 AND organization_id = $2"  # noqa: S608 - a constant
            + (" FOR UPDATE" if lock else ""),
            batch_id,
            self.tx.organization_id,
        )
        return _batch(row)

    async def page(self, after: UUID | None, limit: int) -> list[Batch]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM batches WHERE organization_id = $1 AND id < $2
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or AFTER_ALL,
            limit,
        )
        return [_batch(row) for row in rows]

    async def counts(self, batch_ids: Collection[UUID]) -> Mapping[UUID, Counts]:
        """How their generations stand."""
        rows = await self.tx.fetch(
            """
            SELECT batch_id, count(*) FILTER (WHERE state = 'running') AS running,
                   count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'done') AS done,
                   count(*) FILTER (WHERE state = 'failed') AS failed
            FROM generations WHERE organization_id = $1 AND batch_id = ANY ($2) GROUP BY 1
            """,
            self.tx.organization_id,
            list(batch_ids),
        )
        return {row["batch_id"]: Counts(row["running"], row["held"], row["done"], row["failed"]) for row in rows}

    async def submitted(self, batch_id: UUID, external_id: str) -> None:
        """It was begun over there, and is looked at from now on."""
        await self.tx.execute(
            """
            UPDATE batches SET state = 'submitted', external_id = $3, look_at = kit_now(), version = version + 1
            WHERE id = $1 AND organization_id = $2 AND state = 'queued'
            """,
            batch_id,
            self.tx.organization_id,
            external_id,
        )

    async def end(self, batch_id: UUID, state: BatchState) -> None:
        """It has ended."""
        await self.tx.execute(
            """
            UPDATE batches SET state = $3, look_at = NULL, version = version + 1, ended_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state IN ('queued', 'submitted')
            """,
            batch_id,
            self.tx.organization_id,
            state,
        )

    async def want_cancelled(self, batch_id: UUID) -> Batch:
        """Note that it is to be stopped, and look at it at once."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE batches SET cancel_wanted = true, version = version + 1,
                look_at = CASE state WHEN 'submitted' THEN kit_now() END
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            batch_id,
            self.tx.organization_id,
        )
        return _batch(row)

    async def look_now(self, external_ids: Collection[str]) -> None:
        """Have those that are under way looked at now."""
        await self.tx.execute(
            """
            UPDATE batches SET look_at = kit_now()
            WHERE organization_id = $1 AND external_id = ANY ($2) AND state = 'submitted'
            """,
            self.tx.organization_id,
            list(external_ids),
        )

    async def works(self, batch_ids: Collection[UUID]) -> list[Row]:
        """What is asked in these batches, of all organizations that the transaction is bound to."""
        return await self.tx.fetch(
            """
            SELECT one.batch_id, one.id, one.organization_id, one.created_by, one.kind, one.asked_sealed, one.call_id,
                   batch.model, batch.provider
            FROM generations AS one JOIN batches AS batch ON batch.id = one.batch_id
            WHERE one.batch_id = ANY ($1) AND one.organization_id = ANY ($2) AND one.state = 'running'
            ORDER BY one.batch_id, one.id
            """,
            list(batch_ids),
            self.tx.organization_ids,
        )


@dataclass(frozen=True, slots=True)
class PersonsBatches:
    """What one user asked for in bulk, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Batches in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, model, state, created_at, ended_at FROM batches
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
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
            UPDATE batches SET created_by = NULL, version = version + 1
            WHERE id IN (
                SELECT id FROM batches WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


async def organizations_named(tx: Transaction, external_ids: Collection[str]) -> Mapping[str, UUID]:
    """Whose batches these are, of all organizations; those that are not known are left out."""
    rows = await tx.fetch("SELECT external_id, organization_id FROM batches_named($1)", list(external_ids))
    return {row["external_id"]: row["organization_id"] for row in rows}


async def claim_due(tx: Transaction, at_most: int) -> list[Row]:
    """Batches of all organizations that are to be looked at now; nobody else has them for a minute."""
    return await tx.fetch("SELECT id, organization_id FROM batches_claim($1)", at_most)


def _batch(row: Row | None) -> Batch:
    if row is None:
        raise BatchNotFound
    return Batch(**dict(row) | {"state": BatchState(row["state"])})
