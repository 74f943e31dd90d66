"""The operator's desk: what came in and what became of it, without its content; replay and discard."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.errors import Invalid, NotFound
from kit.ids import AFTER_ALL
from kit.intake.lanes import wake_lanes
from kit.intake.sealing import Sealing, place_of_delivery, place_of_item

State = Literal["pending", "applied", "duplicate", "quarantined", "discarded"]

_BATCH: Final = 500
_COLUMNS: Final = """
    id, delivery_id, position, source, item_id, kind, tenant, generation, coalesce(verdict, 'pending') AS state,
    reason, attempts, organization_id, occurred_at, received_at, decided_at
"""
_BY_ID: Final = "SELECT id FROM intake_items WHERE id = ANY ($1) AND source = $2 AND verdict = ANY ($3)"
_BY_REASON: Final = """
    SELECT id FROM intake_items
    WHERE source = $1 AND verdict = 'quarantined' AND id > $2 AND ($3::text IS NULL OR reason = $3)
      AND ($4::timestamptz IS NULL OR received_at >= $4)
    ORDER BY id LIMIT $5
"""


class NotReceived(NotFound):
    """There is no such item or delivery."""

    code = "not-received"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which quarantined items are meant: by id, or all of a source with a reason, or all received since then.

    By id also items that were applied or discarded may be replayed, and deliveries that could not be read.
    """

    ids: Sequence[UUID] = ()
    source: str | None = None
    reason: str | None = None
    since: datetime | None = None

    def check(self) -> None:
        """Raises `Invalid` when it would mean everything there is."""
        if not self.ids and self.since is None and (self.source is None or self.reason is None):
            raise Invalid("Give ids, or a source with a reason, or a time.")


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item as an operator sees it."""

    id: UUID
    delivery_id: UUID
    position: int
    source: str
    item_id: str
    kind: str
    tenant: str
    generation: int
    state: State
    reason: str | None
    attempts: int
    organization_id: UUID | None
    occurred_at: datetime | None
    received_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery as an operator sees it."""

    id: UUID
    source: str
    bytes: int
    state: str
    reason: str | None
    items: int
    attempts: int
    generation: int
    received_at: datetime


class Desk:
    """Works on the rows of every source, and needs none of them to be configured."""

    def __init__(self, database: Database, sealing: Sealing | None = None) -> None:
        self._database = database
        self._sealing = sealing

    async def list(
        self,
        *,
        state: State = "quarantined",
        source: str | None = None,
        reason: str | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[ItemRecord]:
        """Items in this state, newest first; continue with `before` the last one."""
        rows = await self._database.statement(
            f"""
            SELECT {_COLUMNS} FROM intake_items
            WHERE {"verdict IS NULL AND $1::text IS NOT NULL" if state == "pending" else "verdict = $1"}
              AND ($2::text IS NULL OR source = $2) AND ($3::text IS NULL OR reason = $3)
              AND id < $4
            ORDER BY id DESC LIMIT $5
            """,  # noqa: S608 - made of constants; values travel as parameters
            state,
            source,
            reason,
            before or AFTER_ALL,
            limit,
        )
        return [ItemRecord(**row) for row in rows]

    async def unreadable(
        self, *, source: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> Sequence[DeliveryRecord]:
        """Deliveries that nobody could take apart, newest first."""
        rows = await self._database.statement(
            """
            SELECT id, source, bytes, state, reason, items, attempts, generation, received_at FROM intake_deliveries
            WHERE state = 'unreadable' AND ($1::text IS NULL OR source = $1) AND id < $2
            ORDER BY id DESC LIMIT $3
            """,
            source,
            before or AFTER_ALL,
            limit,
        )
        return [DeliveryRecord(**row) for row in rows]

    async def show(self, record_id: UUID) -> ItemRecord | DeliveryRecord:
        """One item or delivery.

        Raises:
            NotReceived: there is none of this id, or its time is over.
        """
        rows = await self._database.statement(f"SELECT {_COLUMNS} FROM intake_items WHERE id = $1", record_id)  # noqa: S608
        if rows:
            return ItemRecord(**rows[0])
        rows = await self._database.statement(
            """
            SELECT id, source, bytes, state, reason, items, attempts, generation, received_at FROM intake_deliveries
            WHERE id = $1
            """,
            record_id,
        )
        if not rows:
            raise NotReceived
        return DeliveryRecord(**rows[0])

    async def payload(self, record: ItemRecord | DeliveryRecord) -> bytes | None:
        """What was received, opened: people's words and numbers. A duplicate has none of its own.

        Raises:
            NotReceived: it was purged meanwhile.
        """
        is_item = isinstance(record, ItemRecord)
        sealed = await self._database.statement(
            "SELECT content FROM intake_items WHERE id = $1"
            if is_item
            else "SELECT body FROM intake_deliveries WHERE id = $1",
            record.id,
        )
        if not sealed or self._sealing is None:
            raise NotReceived
        if not sealed[0][0]:
            return None
        place = place_of_item(record.id) if is_item else place_of_delivery(record.id)
        (opened,) = await self._sealing.open_many(None, [(sealed[0][0], place)])
        return opened.partition(b"\0")[2] if is_item and opened is not None else opened

    async def replay(self, choice: Choice) -> int:
        """Let items be applied again, as the next generation; returns how many items and deliveries.

        They take their place by arrival among what is still undecided of their key.
        """
        choice.check()
        count = 0
        async with self._database.transaction() as tx:
            count += await self._replay_deliveries(tx, choice.ids)
        for source in await self._sources():
            async for ids in self._chosen(source, choice, ("quarantined", "applied", "discarded")):
                async with self._database.transaction() as tx:
                    count += await self._replay_items(tx, source, ids)
                self._database.hint(f"intake-items:{source}")
            self._database.hint(f"intake:{source}")
        return count

    async def discard(self, choice: Choice) -> int:
        """Give up on quarantined items and unreadable deliveries; returns how many."""
        choice.check()
        async with self._database.transaction() as tx:
            count = await tx.execute(
                "UPDATE intake_deliveries SET state = 'discarded' WHERE id = ANY ($1) AND state = 'unreadable'",
                list(choice.ids),
            )
        for source in await self._sources():
            async for ids in self._chosen(source, choice, ("quarantined",)):
                async with self._database.transaction() as tx:
                    count += await tx.execute(
                        """
                        UPDATE intake_items SET verdict = 'discarded', decided_at = kit_now()
                        WHERE id = ANY ($1) AND verdict = 'quarantined'
                        """,
                        ids,
                    )
        return count

    async def _sources(self) -> Sequence[str]:
        rows = await self._database.statement("SELECT source FROM intake_sources ORDER BY source")
        return [row["source"] for row in rows]

    async def _chosen(self, source: str, choice: Choice, by_id: Sequence[str]) -> AsyncIterator[Sequence[UUID]]:
        """Those that are meant, batch by batch; each once, though it be quarantined again meanwhile."""
        if choice.source is not None and choice.source != source:
            return
        last = UUID(int=0)
        while True:
            if choice.ids:
                ids = [each for each in sorted(set(choice.ids)) if each > last][:_BATCH]
                rows = await self._database.statement(_BY_ID, ids, source, list(by_id))
            else:
                rows = await self._database.statement(_BY_REASON, source, last, choice.reason, choice.since, _BATCH)
                ids = [row["id"] for row in rows]
            if not ids:
                return
            last = ids[-1]
            yield [row["id"] for row in rows]

    async def _replay_items(self, tx: Transaction, source: str, ids: Sequence[UUID]) -> int:
        rows = await tx.fetch("SELECT lane FROM intake_items WHERE id = ANY ($1)", ids)
        await wake_lanes(tx, source, {row["lane"] for row in rows})
        return await tx.execute(
            """
            UPDATE intake_items
            SET verdict = NULL, reason = NULL, decided_at = NULL, attempts = 0, generation = generation + 1
            WHERE id = ANY ($1) AND verdict IN ('quarantined', 'applied', 'discarded')
            """,
            ids,
        )

    async def _replay_deliveries(self, tx: Transaction, ids: Sequence[UUID]) -> int:
        return await tx.execute(
            """
            UPDATE intake_deliveries SET state = 'received', reason = NULL, attempts = 0, generation = generation + 1
            WHERE id = ANY ($1) AND state IN ('unreadable', 'discarded')
            """,
            list(ids),
        )
