"""Rows of deliveries that wait to be taken apart, under a lease that one worker at a time has.

Leases follow the server's own clock: moving the platform's in development ends none and lengthens none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.intake.lanes import LeaseLost, wake_lanes

MOST_DELIVERIES: Final = 200
_MOST_BODIES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery that waits to be taken apart; the body is sealed."""

    id: UUID
    body: bytes
    attempts: int
    traceparent: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item on its way into its table; the content is sealed and holds the key."""

    id: UUID
    delivery_id: UUID
    position: int
    item_id: str
    lane: bytes
    tenant: str
    kind: str
    content: bytes
    traceparent: str | None
    occurred_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ReadDelivery:
    """A delivery that was taken apart, or could not be for a reason."""

    id: UUID
    items: int
    reason: str | None = None


class SplitRepository:
    """Deliveries of one source, taken apart by one worker at a time."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    async def register(self) -> None:
        """Make the row that is leased."""
        await self._database.statement(
            "INSERT INTO intake_sources (source) VALUES ($1) ON CONFLICT DO NOTHING", self._source
        )

    async def claim(self, holder: UUID, lease: float) -> bool | None:
        """Hold the source if there is something to do: None when not, else whether the last holder's lease lapsed."""
        rows = await self._database.statement(
            """
            UPDATE intake_sources AS held
            SET holder = $2, leased_until = statement_timestamp() + make_interval(secs => $3)
            FROM (SELECT source, holder IS NOT NULL AS lapsed FROM intake_sources
                  WHERE source = $1 AND (holder IS NULL OR leased_until <= statement_timestamp())
                    AND EXISTS (SELECT FROM intake_deliveries WHERE source = $1 AND state = 'received')
                  FOR UPDATE SKIP LOCKED) AS free
            WHERE held.source = free.source
            RETURNING free.lapsed
            """,
            self._source,
            holder,
            lease,
        )
        return bool(rows[0]["lapsed"]) if rows else None

    async def count(self, delivery_id: UUID) -> None:
        """Note that a delivery is tried, before it is: it may kill the process."""
        await self._database.statement(
            "UPDATE intake_deliveries SET attempts = attempts + 1 WHERE id = $1", delivery_id
        )

    async def waiting(self, most: int = MOST_DELIVERIES) -> list[StoredDelivery]:
        """The next ones in order of arrival, as many as fit."""
        rows = await self._database.statement(
            """
            SELECT d.id, d.body, d.attempts, d.traceparent, d.received_at
            FROM (SELECT id, seq, sum(bytes) OVER (ORDER BY seq) - bytes AS before
                  FROM (SELECT id, seq, bytes FROM intake_deliveries
                        WHERE source = $1 AND state = 'received' ORDER BY seq LIMIT $2) AS first) AS next
            JOIN intake_deliveries AS d ON d.id = next.id
            WHERE next.before <= $3
            ORDER BY next.seq
            """,
            self._source,
            most,
            _MOST_BODIES,
        )
        return [StoredDelivery(**row) for row in rows]

    async def save(
        self,
        tx: Transaction,
        holder: UUID,
        lease: float,
        deliveries: Sequence[ReadDelivery],
        items: Sequence[NewItem],
    ) -> int:
        """Put items and verdicts on deliveries in, and hold the source on; returns how many were duplicates.

        Raises:
            LeaseLost: somebody else has the source.
        """
        held = await tx.execute(
            """
            UPDATE intake_sources SET leased_until = statement_timestamp() + make_interval(secs => $3)
            WHERE source = $1 AND holder = $2
            """,
            self._source,
            holder,
            lease,
        )
        if not held:
            raise LeaseLost
        duplicates = await self._add(tx, items) if items else 0
        done = await tx.execute(
            """
            UPDATE intake_deliveries AS d
            SET state = CASE WHEN read.reason IS NULL THEN 'split' ELSE 'unreadable' END,
                items = read.items, reason = read.reason
            FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS read (id, items, reason)
            WHERE d.id = read.id AND d.state = 'received'
            """,
            [each.id for each in deliveries],
            [each.items for each in deliveries],
            [each.reason for each in deliveries],
        )
        if done != len(deliveries):
            raise LeaseLost
        return duplicates

    async def _add(self, tx: Transaction, items: Sequence[NewItem]) -> int:
        added = await tx.fetch(
            """
            WITH incoming AS (
                SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::bytea[], $7::text[],
                    $8::text[], $9::bytea[], $10::text[], $11::timestamptz[], $12::timestamptz[])
                WITH ORDINALITY AS item (id, delivery_id, position, item_id, lane, tenant, kind, content, traceparent,
                    occurred_at, received_at, place)
            ),
            added AS (
                INSERT INTO intake_items (id, delivery_id, position, source, item_id, lane, tenant, kind, content,
                    traceparent, occurred_at, received_at)
                SELECT id, delivery_id, position, $1, item_id, lane, tenant, kind, content, traceparent,
                    occurred_at, received_at
                FROM incoming ORDER BY place
                ON CONFLICT (source, item_id) WHERE verdict IS DISTINCT FROM 'duplicate' DO NOTHING
                RETURNING id, lane
            ),
            again AS (
                INSERT INTO intake_items (id, delivery_id, position, source, item_id, lane, tenant, kind, content,
                    traceparent, occurred_at, received_at, verdict, decided_at)
                SELECT id, delivery_id, position, $1, item_id, lane, tenant, kind, '', traceparent,
                    occurred_at, received_at, 'duplicate', kit_now()
                FROM incoming WHERE NOT EXISTS (SELECT FROM added WHERE added.id = incoming.id)
            )
            SELECT lane FROM added
            """,
            self._source,
            [each.id for each in items],
            [each.delivery_id for each in items],
            [each.position for each in items],
            [each.item_id for each in items],
            [each.lane for each in items],
            [each.tenant for each in items],
            [each.kind for each in items],
            [each.content for each in items],
            [each.traceparent for each in items],
            [each.occurred_at for each in items],
            [each.received_at for each in items],
        )
        await wake_lanes(tx, self._source, {row["lane"] for row in added})
        return len(items) - len(added)

    async def release(self, holder: UUID) -> None:
        """Let others have the source."""
        await self._database.statement(
            "UPDATE intake_sources SET holder = NULL WHERE source = $1 AND holder = $2", self._source, holder
        )
