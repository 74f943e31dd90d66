from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL
from publisher.handovers.model import Handover


@dataclass(frozen=True, slots=True)
class HandoverRepository:
    """What is handed over to and by the transaction's organization."""

    tx: Transaction

    async def add(self, handover: Handover) -> None:
        """Take note, once: also when it is heard again after it was done."""
        await self.tx.execute(
            """
            INSERT INTO handovers (id, organization_id, what, user_id, account_ids, texts_sealed, at_most, state)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting')
            ON CONFLICT (id) DO NOTHING
            """,
            handover.id,
            self.tx.organization_id,
            handover.what,
            handover.user_id,
            list(handover.account_ids),
            handover.texts_sealed,
            handover.at_most,
        )

    async def find(self, handover_id: UUID, *, lock: bool = False) -> Handover | None:
        """One that is not done; locked for doing it where that is wanted."""
        row = await self.tx.fetchrow(
            f"""
            SELECT id, organization_id, what, user_id, account_ids, texts_sealed, at_most FROM handovers
            WHERE id = $1 AND organization_id = $2 AND state = 'waiting' {"FOR UPDATE" if lock else ""}
            """,  # noqa: S608 - a constant
            handover_id,
            self.tx.organization_id,
        )
        return None if row is None else Handover(**dict(row))

    async def end(self, handover_id: UUID, reason: str = "") -> None:
        """It is done, or comes to nothing for a reason: what it held goes, that it was stays."""
        await self.tx.execute(
            """
            UPDATE handovers SET state = CASE $3 WHEN '' THEN 'done' ELSE 'failed' END, reason = $3, user_id = NULL,
                texts_sealed = NULL, account_ids = '{}', ended_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'waiting'
            """,
            handover_id,
            self.tx.organization_id,
            reason,
        )

    async def published(self, at_most: int) -> list[str]:
        """The texts of the latest posts that were published."""
        rows = await self.tx.fetch(
            """
            SELECT text FROM posts WHERE organization_id = $1 AND status = 'published' AND text <> ''
            ORDER BY id DESC LIMIT $2
            """,
            self.tx.organization_id,
            at_most,
        )
        return [row["text"] for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsHandovers:
    """What one user handed over that is not done yet, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """In the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, what, created_at FROM handovers
            WHERE user_id = $1 AND organization_id = ANY ($2) AND id > $3 ORDER BY id LIMIT $4
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
            UPDATE handovers SET user_id = NULL
            WHERE id IN (
                SELECT id FROM handovers WHERE user_id = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


async def waiting(tx: Transaction, after: UUID | None, at_most: int) -> Sequence[Row]:
    """Those of all organizations that are not done, in the order of their ids."""
    return await tx.fetch("SELECT id, organization_id FROM handovers_waiting($1, $2)", after or BEFORE_ALL, at_most)
