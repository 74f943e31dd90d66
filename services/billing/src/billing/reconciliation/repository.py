from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.reconciliation.model import Drift, Held, Reconciliation, Window
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, new_id

LEASE: Final = 600.0
_SHOWN: Final = """
    id, asked_by, state, due_at, object_type, compared_to, compared, found, trouble, started_at, ended_at, created_at
"""


@dataclass(frozen=True, slots=True)
class ReconciliationRepository:
    """Comparisons and what they found, of all tenants: staff read them."""

    tx: Transaction

    async def plan(self, asked_by: str, due_at: datetime) -> UUID | None:
        """Plan one; None when one of these is planned or running already."""
        planned: UUID | None = await self.tx.fetchval(
            """
            INSERT INTO reconciliations (id, asked_by, due_at) VALUES ($1, $2, $3)
            ON CONFLICT (asked_by) WHERE state <> 'done' DO NOTHING RETURNING id
            """,
            new_id(),
            asked_by,
            due_at,
        )
        return planned

    async def asked_by_staff(self) -> UUID:
        """The one that staff asked for and that goes on."""
        found: UUID = await self.tx.fetchval(
            "SELECT id FROM reconciliations WHERE asked_by = 'staff' ORDER BY state = 'done', id DESC LIMIT 1"
        )
        return found

    async def claim(self) -> Reconciliation | None:
        """Take one that is due and that nobody works on."""
        row = await self.tx.fetchrow(
            """
            UPDATE reconciliations
            SET state = 'running', fence = fence + 1, started_at = coalesce(started_at, kit_now()),
                leased_until = statement_timestamp() + make_interval(secs => $1)
            WHERE id = (
                SELECT id FROM reconciliations
                WHERE state <> 'done' AND due_at <= kit_now()
                  AND (leased_until IS NULL OR leased_until < statement_timestamp())
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING id, fence, object_type, compared_to, failures, asked_by
            """,
            LEASE,
        )
        return None if row is None else Reconciliation(**dict(row))

    async def advance(self, held: Reconciliation, window: Window, compared: int, found: int) -> bool:
        """A window is compared; False when somebody else works on it by now."""
        changed = await self.tx.execute(
            """
            UPDATE reconciliations
            SET object_type = $3, compared_to = $4, compared = compared + $5, found = found + $6, leased_until = NULL,
                failures = 0, trouble = ''
            WHERE id = $1 AND fence = $2 AND state = 'running'
            """,
            held.id,
            held.fence,
            window.type,
            window.until,
            compared,
            found,
        )
        return changed == 1

    async def end(self, held: Reconciliation) -> bool:
        """All is compared."""
        changed = await self.tx.execute(
            """
            UPDATE reconciliations SET state = 'done', ended_at = kit_now(), leased_until = NULL
            WHERE id = $1 AND fence = $2 AND state = 'running'
            """,
            held.id,
            held.fence,
        )
        return changed == 1

    async def put_off(self, held: Reconciliation, seconds: float, trouble: str) -> None:
        """It cannot go on now."""
        await self.tx.execute(
            """
            UPDATE reconciliations
            SET leased_until = NULL, due_at = kit_now() + make_interval(secs => $3), failures = failures + 1,
                trouble = $4
            WHERE id = $1 AND fence = $2 AND state = 'running'
            """,
            held.id,
            held.fence,
            seconds,
            trouble,
        )

    async def held(
        self, object_type: str, since: datetime, until: datetime, after: UUID, at_most: int
    ) -> Sequence[Held]:
        """What we hold of a type, by when Stripe has created it, of whatever tenant; `after` is an id of `since`."""
        rows = await self.tx.fetch(
            "SELECT * FROM held_of_stripe($1, $2, $3, $4, $5)", object_type, since, until, after, at_most
        )
        return [Held(**row) for row in rows]

    async def found(self, held: Reconciliation, object_type: str, drifts: Sequence[Drift]) -> Mapping[str, UUID]:
        """Write what was found, each object once until it is repaired; returns what is new, by the object's id."""
        rows = await self.tx.fetch(
            """
            INSERT INTO drifts (id, reconciliation_id, organization_id, object_type, object_id, finding, fields)
            SELECT d.id, $2, d.organization_id, $3, d.object_id, d.finding, string_to_array(d.fields, ',')
            FROM unnest($1::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[])
                AS d (id, organization_id, object_id, finding, fields)
            ORDER BY d.object_id
            ON CONFLICT (object_id) WHERE repaired_at IS NULL DO NOTHING RETURNING id, object_id
            """,
            [new_id() for _ in drifts],
            held.id,
            object_type,
            [each.organization_id for each in drifts],
            [each.object_id for each in drifts],
            [each.finding for each in drifts],
            [",".join(each.fields) for each in drifts],
        )
        return {row["object_id"]: row["id"] for row in rows}

    async def repaired(self, object_ids: Collection[str]) -> None:
        """These have been read again since, or were found to be the same."""
        await self.tx.execute(
            "UPDATE drifts SET repaired_at = kit_now() WHERE object_id = ANY ($1) AND repaired_at IS NULL",
            list(object_ids),
        )

    async def unrepaired(self) -> int:
        """How many findings are still open."""
        count: int = await self.tx.fetchval("SELECT count(*) FROM drifts WHERE repaired_at IS NULL")
        return count

    async def page(self, before: UUID | None, limit: int) -> Sequence[dict[str, Any]]:
        """Comparisons, the newest first, and one more than the limit if there is."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_SHOWN} FROM reconciliations WHERE id < $1 ORDER BY id DESC LIMIT $2
            """,  # noqa: S608 - a constant; values travel as parameters
            before or AFTER_ALL,
            limit + 1,
        )
        return [dict(row) for row in rows]

    async def find(self, reconciliation_id: UUID) -> dict[str, Any] | None:
        """One comparison."""
        row: Row | None = await self.tx.fetchrow(
            f"SELECT {_SHOWN} FROM reconciliations WHERE id = $1",  # noqa: S608
            reconciliation_id,
        )
        return None if row is None else dict(row)

    async def drifts(self, *, unrepaired: bool, before: UUID | None, limit: int) -> Sequence[dict[str, Any]]:
        """What was found, the newest first, and one more than the limit if there is."""
        rows = await self.tx.fetch(
            """
            SELECT id, reconciliation_id, organization_id, object_type, object_id, finding, fields, found_at,
                   repaired_at
            FROM drifts
            WHERE id < $1 AND (NOT $2 OR repaired_at IS NULL)
            ORDER BY id DESC LIMIT $3
            """,
            before or AFTER_ALL,
            unrepaired,
            limit + 1,
        )
        return [dict(row) for row in rows]

    async def now(self) -> datetime:
        """The platform's time."""
        at: datetime = await self.tx.fetchval("SELECT kit_now()")
        return at


async def mark_repaired(tx: Transaction, object_id: str) -> None:
    """What was found of this object is repaired: it has just been read again."""
    await ReconciliationRepository(tx).repaired([object_id])
