from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from inbox.broadcasts.errors import BroadcastNotFound
from inbox.broadcasts.model import Broadcast, Quiet, State, Variant
from kit.db.database import Database, Row, Transaction

_COLUMNS: Final = """
    id, channel_id, parent_id, kind, name, state, reason, waits_for, audience, variants, purpose, zone, quiet_from,
    quiet_until, start_at, local_start, fallback, prepared_after, prepared_at, started_at, ended_at, told_at, work_at,
    version, created_at, changed_at
"""
_PLAIN: Final = (
    "id",
    "channel_id",
    "parent_id",
    "kind",
    "name",
    "reason",
    "waits_for",
    "audience",
    "purpose",
    "zone",
    "start_at",
    "local_start",
    "fallback",
    "prepared_after",
    "prepared_at",
    "started_at",
    "ended_at",
    "told_at",
    "work_at",
    "version",
    "created_at",
    "changed_at",
)


@dataclass(frozen=True, slots=True)
class BroadcastRepository:
    """Broadcasts of the transaction's organization."""

    tx: Transaction

    async def add(self, broadcast: Broadcast) -> None:
        """Write a new one."""
        quiet = broadcast.quiet
        await self.tx.execute(
            """
            INSERT INTO broadcasts (
                id, organization_id, channel_id, parent_id, kind, name, state, audience, variants, purpose, zone,
                quiet_from, quiet_until, start_at, local_start, fallback, prepared_at, started_at, work_at,
                created_at, changed_at
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)
            """,
            broadcast.id,
            self.tx.organization_id,
            broadcast.channel_id,
            broadcast.parent_id,
            broadcast.kind,
            broadcast.name,
            broadcast.state,
            dict(broadcast.audience),
            [each.told() for each in broadcast.variants],
            broadcast.purpose,
            broadcast.zone,
            None if quiet is None else quiet.begins,
            None if quiet is None else quiet.ends,
            broadcast.start_at,
            broadcast.local_start,
            None if broadcast.fallback is None else dict(broadcast.fallback),
            broadcast.prepared_at,
            broadcast.started_at,
            broadcast.work_at,
            broadcast.created_at,
        )

    async def find(self, broadcast_id: UUID) -> Broadcast:
        """One broadcast.

        Raises:
            BroadcastNotFound: there is none.
        """
        return await self._one(broadcast_id, "")

    async def lock(self, broadcast_id: UUID) -> Broadcast:
        """One for update; whoever feeds it waits until we commit.

        Raises:
            BroadcastNotFound: there is none.
        """
        return await self._one(broadcast_id, "FOR UPDATE")

    async def lock_free(self, broadcast_id: UUID, *, due: bool = True) -> Broadcast | None:
        """One for update, unless somebody else has it just now; `due` asks whether it is its turn."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM broadcasts
            WHERE id = $1 AND organization_id = $2 AND (NOT $3 OR work_at <= kit_now()) FOR UPDATE SKIP LOCKED
            """,  # noqa: S608 - a constant of this file
            broadcast_id,
            self.tx.organization_id,
            due,
        )
        return None if row is None else broadcast_of(row)

    async def _one(self, broadcast_id: UUID, lock: str) -> Broadcast:
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM broadcasts WHERE id = $1 AND organization_id = $2 {lock}",  # noqa: S608
            broadcast_id,
            self.tx.organization_id,
        )
        if row is None:
            raise BroadcastNotFound
        return broadcast_of(row)

    async def several(self, broadcast_ids: Sequence[UUID]) -> dict[UUID, Broadcast]:
        """Those of these that are there, by id."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM broadcasts WHERE id = ANY ($1) AND organization_id = $2",  # noqa: S608
            list(broadcast_ids),
            self.tx.organization_id,
        )
        return {row["id"]: broadcast_of(row) for row in rows}

    async def page(self, before: UUID | None, limit: int, state: State | None = None) -> list[Broadcast]:
        """Broadcasts, the newest first, without those that try or that stand in for another."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM broadcasts
            WHERE organization_id = $1 AND ($2::uuid IS NULL OR id < $2) AND kind = 'broadcast'
              AND ($4::text IS NULL OR state = $4)
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            before,
            limit,
            state,
        )
        return [broadcast_of(row) for row in rows]

    async def children(self, parent_id: UUID) -> list[Broadcast]:
        """Those that try it or stand in for it."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM broadcasts WHERE parent_id = $1 AND organization_id = $2 ORDER BY id LIMIT 100
            """,  # noqa: S608 - a constant of this file
            parent_id,
            self.tx.organization_id,
        )
        return [broadcast_of(row) for row in rows]

    async def running(self, channel_id: UUID) -> int:
        """How many run on a channel just now: they share its pace."""
        found: int = await self.tx.fetchval(
            "SELECT count(*) FROM broadcasts WHERE channel_id = $1 AND state = 'running' AND organization_id = $2",
            channel_id,
            self.tx.organization_id,
        )
        return found

    async def save(self, broadcast: Broadcast) -> None:
        """Write what changes while it goes its way; the caller has locked it."""
        await self.tx.execute(
            """
            UPDATE broadcasts
            SET state = $3, reason = $4, waits_for = $5, variants = $6, prepared_after = $7, prepared_at = $8,
                started_at = $9, ended_at = $10, told_at = $11, work_at = $12, version = $13, changed_at = $14,
                audience = $15
            WHERE id = $1 AND organization_id = $2
            """,
            broadcast.id,
            self.tx.organization_id,
            broadcast.state,
            broadcast.reason,
            broadcast.waits_for,
            [each.told() for each in broadcast.variants],
            broadcast.prepared_after,
            broadcast.prepared_at,
            broadcast.started_at,
            broadcast.ended_at,
            broadcast.told_at,
            broadcast.work_at,
            broadcast.version,
            broadcast.changed_at,
            dict(broadcast.audience),
        )

    async def counts(self, broadcast_ids: Sequence[UUID]) -> list[Row]:
        """How many stand where, by broadcast and variant: what was added up, and what has changed since."""
        return await self.tx.fetch(
            """
            SELECT broadcast_id, variant, what, sum(n)::bigint AS n FROM broadcast_counts
            WHERE broadcast_id = ANY ($1) AND organization_id = $2
            GROUP BY broadcast_id, variant, what HAVING sum(n) <> 0
            """,
            list(broadcast_ids),
            self.tx.organization_id,
        )


async def due(database: Database, at_most: int) -> list[tuple[UUID, UUID]]:
    """Broadcasts somebody should look at, of all organizations, with whose they are; the longest waiting first."""
    rows = await database.statement("SELECT id, organization_id FROM broadcasts_due($1)", at_most)
    return [(row["id"], row["organization_id"]) for row in rows]


async def fold(database: Database, at_most: int) -> int:
    """Add up changes of counts, as many at once; how many there were."""
    async with database.transaction(durable=False) as tx:
        folded: int = await tx.fetchval("SELECT fold_broadcast_counts($1)", at_most)
    return folded


def broadcast_of(row: Row) -> Broadcast:
    """Read one from its row."""
    told: dict[str, Any] = {name: row[name] for name in _PLAIN}
    begins, ends = row["quiet_from"], row["quiet_until"]
    return Broadcast(
        **told,
        state=State(row["state"]),
        variants=[Variant.of(each) for each in row["variants"]],
        quiet=None if begins is None else Quiet(begins, ends),
    )
