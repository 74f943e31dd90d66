"""Rows of lanes and of the items that wait in them.

Leases and waits follow the server's own clock: moving the platform's in development ends none and lengthens none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.errors import TransientError

_MOST_ITEMS: Final = 500
_MOST_PER_LANE: Final = 50
_MOST_CONTENT: Final = 16 * 1024 * 1024


class LeaseLost(TransientError):
    """Another worker holds it now; nothing of this one may be committed."""


@dataclass(frozen=True, slots=True)
class HeldLane:
    """A lane under our lease; `lapsed` when its last holder never gave it back."""

    lane: bytes
    failures: int
    lapsed: bool


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An undecided item as it rests."""

    id: UUID
    lane: bytes
    item_id: str
    tenant: str
    kind: str
    content: bytes
    attempts: int
    traceparent: str | None
    occurred_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict on its way to its row."""

    item: StoredItem
    verdict: str
    reason: str | None = None
    organization_id: UUID | None = None


async def wake_lanes(tx: Transaction, source: str, lanes: set[bytes]) -> None:
    """See that these lanes are there; one that is held or waits for its time is left as it is.

    The row is locked even so: whoever is about to delete it as empty must look again after our commit.
    """
    await tx.execute(
        """
        INSERT INTO intake_keys (source, lane, wake_at)
        SELECT $1, lane, statement_timestamp() FROM unnest($2::bytea[]) AS lane ORDER BY lane
        ON CONFLICT (source, lane) DO UPDATE SET wake_at = intake_keys.wake_at
        """,
        source,
        list(lanes),
    )


class LaneRepository:
    """Lanes of one source and the items that wait in them."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    async def claim(self, holder: UUID, lease: float, most: int) -> list[HeldLane]:
        """Hold so many lanes whose time has come, those first that have waited longest."""
        rows = await self._database.statement(
            """
            UPDATE intake_keys AS held SET holder = $2, wake_at = statement_timestamp() + make_interval(secs => $3)
            FROM (SELECT source, lane, holder IS NOT NULL AS lapsed FROM intake_keys
                  WHERE source = $1 AND wake_at <= statement_timestamp()
                  ORDER BY wake_at LIMIT $4 FOR UPDATE SKIP LOCKED) AS due
            WHERE held.source = due.source AND held.lane = due.lane
            RETURNING held.lane, held.failures, due.lapsed
            """,
            self._source,
            holder,
            lease,
            most,
        )
        return [HeldLane(**row) for row in rows]

    async def count(self, item: StoredItem) -> None:
        """Note that an item is tried, before it is: it may kill the process."""
        await self._database.statement(
            "UPDATE intake_items SET attempts = $2 WHERE id = $1 AND verdict IS NULL", item.id, item.attempts + 1
        )

    async def waiting(self, lanes: Sequence[HeldLane]) -> dict[bytes, list[StoredItem]]:
        """Their first undecided items, in order, as many as fit."""
        rows = await self._database.statement(
            """
            WITH next AS (
                SELECT item.id, item.seq, octet_length(item.content) AS size
                FROM unnest($2::bytea[]) AS held (lane),
                LATERAL (SELECT id, seq, content FROM intake_items
                         WHERE source = $1 AND lane = held.lane AND verdict IS NULL ORDER BY seq LIMIT $3) AS item
                ORDER BY item.seq LIMIT $4
            )
            SELECT i.id, i.lane, i.item_id, i.tenant, i.kind, i.content, i.attempts, i.traceparent, i.occurred_at,
                   i.received_at
            FROM (SELECT id, seq, sum(size) OVER (ORDER BY seq) - size AS before FROM next) AS fits
            JOIN intake_items AS i ON i.id = fits.id
            WHERE fits.before <= $5
            ORDER BY fits.seq
            """,
            self._source,
            [each.lane for each in lanes],
            _MOST_PER_LANE,
            _MOST_ITEMS,
            _MOST_CONTENT,
        )
        found: dict[bytes, list[StoredItem]] = {}
        for row in rows:
            found.setdefault(row["lane"], []).append(StoredItem(**row))
        return found

    async def hold_on(self, tx: Transaction, holder: UUID, lane: bytes, lease: float) -> None:
        """The fence for one lane that is kept beyond this commit.

        Raises:
            LeaseLost: it is not ours any more.
        """
        held = await tx.execute(
            """
            UPDATE intake_keys SET wake_at = statement_timestamp() + make_interval(secs => $4)
            WHERE source = $1 AND lane = $2 AND holder = $3
            """,
            self._source,
            lane,
            holder,
            lease,
        )
        if not held:
            raise LeaseLost

    async def lock(self, tx: Transaction, holder: UUID, lanes: Collection[bytes]) -> None:
        """The fence: keep these lanes ours until the commit.

        Raises:
            LeaseLost: one of them is not ours any more.
        """
        rows = await tx.fetch(
            """
            SELECT FROM intake_keys WHERE source = $1 AND lane = ANY ($2::bytea[]) AND holder = $3
            ORDER BY lane FOR UPDATE
            """,
            self._source,
            list(lanes),
            holder,
        )
        if len(rows) != len(lanes):
            raise LeaseLost

    async def decide(self, tx: Transaction, decisions: Sequence[Decision]) -> None:
        """Write the verdicts down.

        Raises:
            LeaseLost: one of the items has a verdict already.
        """
        done = await tx.execute(
            """
            UPDATE intake_items AS item
            SET verdict = d.verdict, reason = d.reason, organization_id = d.organization_id, decided_at = kit_now(),
                attempts = d.attempts
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::integer[])
                AS d (id, verdict, reason, organization_id, attempts)
            WHERE item.id = d.id AND item.verdict IS NULL
            """,
            [each.item.id for each in decisions],
            [each.verdict for each in decisions],
            [each.reason for each in decisions],
            [each.organization_id for each in decisions],
            [each.item.attempts + 1 for each in decisions],
        )
        if done != len(decisions):
            raise LeaseLost

    async def give_back(self, tx: Transaction, lanes: Collection[bytes]) -> None:
        """Delete those of the locked lanes that are empty, and let anybody have the others at once."""
        await tx.execute(
            """
            WITH empty AS (
                DELETE FROM intake_keys AS lane
                WHERE source = $1 AND lane.lane = ANY ($2::bytea[])
                  AND NOT EXISTS (SELECT FROM intake_items AS item
                                  WHERE item.source = $1 AND item.lane = lane.lane AND item.verdict IS NULL)
                RETURNING lane.lane
            )
            UPDATE intake_keys SET holder = NULL, wake_at = statement_timestamp(), failures = 0
            WHERE source = $1 AND lane = ANY ($2::bytea[]) AND lane NOT IN (SELECT lane FROM empty)
            """,
            self._source,
            list(lanes),
        )

    async def postpone(self, holder: UUID, item: StoredItem, seconds: float, attempts: int) -> None:
        """Let nobody have the item's lane for so long; so many attempts are held against the item."""
        await self._database.statement(
            """
            WITH counted AS (UPDATE intake_items SET attempts = $5 WHERE id = $6 AND verdict IS NULL)
            UPDATE intake_keys
            SET holder = NULL, failures = failures + 1, wake_at = statement_timestamp() + make_interval(secs => $4)
            WHERE source = $1 AND lane = $2 AND holder = $3
            """,
            self._source,
            item.lane,
            holder,
            seconds,
            attempts,
            item.id,
        )

    async def release(self, holder: UUID, lanes: Collection[bytes]) -> None:
        """Give back what is still ours, without having decided anything."""
        await self._database.statement(
            """
            UPDATE intake_keys SET holder = NULL, wake_at = statement_timestamp()
            WHERE source = $1 AND lane = ANY ($2::bytea[]) AND holder = $3
            """,
            self._source,
            list(lanes),
            holder,
        )
