from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from inbox.forms.errors import HeldNotFound
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, END_OF_TIME

State = Literal["held", "released", "discarded"]

_COLUMNS: Final = "id, channel_id, content_sealed, score, reasons, state, created_at"


@dataclass(frozen=True, slots=True)
class HeldSubmission:
    """A message that was held back."""

    id: UUID
    channel_id: UUID
    content_sealed: bytes = field(repr=False)
    score: int
    reasons: Sequence[str]
    state: State
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HeldRepository:
    """Messages of the transaction's organization that were held back."""

    tx: Transaction

    async def add(self, held_id: UUID, channel_id: UUID, sealed: bytes, score: int, reasons: Sequence[str]) -> None:
        """Hold one back; the same once more changes nothing."""
        await self.tx.execute(
            """
            INSERT INTO held_submissions (id, organization_id, channel_id, content_sealed, score, reasons)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (id) DO NOTHING
            """,
            held_id,
            self.tx.organization_id,
            channel_id,
            sealed,
            score,
            list(reasons),
        )

    async def find(self, held_id: UUID) -> HeldSubmission:
        """One of them.

        Raises:
            HeldNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM held_submissions WHERE id = $1 AND organization_id = $2",  # noqa: S608
            held_id,
            self.tx.organization_id,
        )
        if row is None:
            raise HeldNotFound
        return _held(row)

    async def page(self, state: State, after: tuple[datetime, UUID] | None, limit: int) -> list[HeldSubmission]:
        """Those in this state, the newest first."""
        at, held_id = after or (END_OF_TIME, AFTER_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM held_submissions
            WHERE organization_id = $1 AND state = $2
              AND (created_at, id) < ($3, $4::uuid)
            ORDER BY created_at DESC, id DESC
            LIMIT $5
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            state,
            at,
            held_id,
            limit,
        )
        return [_held(row) for row in rows]

    async def decide(self, held_id: UUID, state: State) -> bool:
        """Write what was decided; False when somebody has decided before."""
        written = await self.tx.execute(
            """
            UPDATE held_submissions SET state = $3, decided_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'held'
            """,
            held_id,
            self.tx.organization_id,
            state,
        )
        return written == 1


async def purge(tx: Transaction, older_than: timedelta, at_most: int) -> int:
    """Delete what is older, of whichever organization; how many."""
    gone: int = await tx.fetchval("SELECT held_submissions_purge($1, $2)", older_than, at_most)
    return gone


def _held(row: Row) -> HeldSubmission:
    return HeldSubmission(
        id=row["id"],
        channel_id=row["channel_id"],
        content_sealed=row["content_sealed"],
        score=row["score"],
        reasons=row["reasons"],
        state=row["state"],
        created_at=row["created_at"],
    )
