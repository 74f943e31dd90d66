from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from generation.generations.errors import GenerationNotFound
from generation.generations.model import LEASE, Generation, Said, State, Sums
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL

_COLUMNS: Final = """
    id, organization_id, created_by, kind, state, reason, detail, asked_sealed, texts_sealed, input_tokens,
    output_tokens, cost, plain, attempts, model, version, created_at, ended_at
"""


@dataclass(frozen=True, slots=True)
class GenerationRepository:
    """Generations of the transaction's organization."""

    tx: Transaction

    async def add(self, generation_id: UUID, kind: str, by: UUID, asked_sealed: bytes) -> Generation:
        """Begin one, with a lease."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO generations (id, organization_id, created_by, kind, state, asked_sealed, leased_until)
            VALUES ($1, $2, $3, $4, 'running', $5, kit_now() + $6::interval)
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            generation_id,
            self.tx.organization_id,
            by,
            kind,
            asked_sealed,
            LEASE,
        )
        return _generation(row)

    async def find(self, generation_id: UUID) -> Generation:
        """Read one."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM generations WHERE id = $1 AND organization_id = $2",  # noqa: S608
            generation_id,
            self.tx.organization_id,
        )
        return _generation(row)

    async def lock(self, generation_id: UUID) -> Generation:
        """Read one for update."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM generations WHERE id = $1 AND organization_id = $2 FOR UPDATE",  # noqa: S608
            generation_id,
            self.tx.organization_id,
        )
        return _generation(row)

    async def page(self, after: UUID | None, limit: int, state: State | None) -> list[Generation]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM generations
            WHERE organization_id = $1 AND id < $2 {"" if state is None else "AND state = $4"}
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or AFTER_ALL,
            limit,
            *(() if state is None else (state,)),
        )
        return [_generation(row) for row in rows]

    async def end(self, generation_id: UUID, said: Said, texts_sealed: bytes | None, sums: Sums) -> Generation | None:
        """Record what came of it, once; None when that was recorded before."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE generations SET state = $3, reason = $4, detail = $5, texts_sealed = $6, input_tokens = $7,
                output_tokens = $8, cost = $9, plain = $10, attempts = $11, model = $12, leased_until = NULL,
                version = version + 1, ended_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'running'
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            generation_id,
            self.tx.organization_id,
            said.state,
            said.reason,
            said.detail,
            texts_sealed,
            sums.input_tokens,
            sums.output_tokens,
            sums.cost,
            sums.plain,
            sums.attempts,
            sums.model,
        )
        return None if row is None else _generation(row)

    async def decide(self, generation_id: UUID, state: State, reason: str, by: UUID) -> Generation:
        """A person has decided on one that was held back; what is refused loses its texts."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE generations SET state = $3, reason = $4, decided_by = $5, version = version + 1,
                texts_sealed = CASE $3 WHEN 'failed' THEN NULL ELSE texts_sealed END
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            generation_id,
            self.tx.organization_id,
            state,
            reason,
            by,
        )
        return _generation(row)

    async def delete(self, generation_id: UUID) -> bool:
        """Delete one, with its pieces."""
        return (
            await self.tx.execute(
                "DELETE FROM generations WHERE id = $1 AND organization_id = $2",
                generation_id,
                self.tx.organization_id,
            )
            == 1
        )

    async def add_piece(self, generation_id: UUID, number: int, sealed: bytes) -> None:
        """Keep a piece of its stream."""
        await self.tx.execute(
            """
            INSERT INTO generation_pieces (generation_id, organization_id, number, piece_sealed)
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
            """,
            generation_id,
            self.tx.organization_id,
            number,
            sealed,
        )

    async def pieces(self, generation_id: UUID, after: int, limit: int) -> list[Row]:
        """Pieces of its stream after a number."""
        return await self.tx.fetch(
            """
            SELECT number, piece_sealed FROM generation_pieces
            WHERE generation_id = $1 AND organization_id = $2 AND number > $3 ORDER BY number LIMIT $4
            """,
            generation_id,
            self.tx.organization_id,
            after,
            limit,
        )


@dataclass(frozen=True, slots=True)
class PersonsGenerations:
    """What one user had written, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Generation]:
        """Generations in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM generations
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )
        return [_generation(row) for row in rows]

    async def decided(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Those of others that they decided on."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, kind, state, reason, ended_at FROM generations
            WHERE decided_by = $1 AND created_by IS DISTINCT FROM $1 AND organization_id = ANY ($2)
              AND id > $3
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
            UPDATE generations SET created_by = nullif(created_by, $1), decided_by = nullif(decided_by, $1),
                version = version + 1
            WHERE id IN (
                SELECT id FROM generations
                WHERE (created_by = $1 OR decided_by = $1) AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


async def lapsed(tx: Transaction, at_most: int) -> Sequence[Row]:
    """Generations of all organizations whose process is gone."""
    return await tx.fetch("SELECT id, organization_id FROM generations_lapsed($1)", at_most)


async def forget_pieces(tx: Transaction, older_than: timedelta, at_most: int) -> int:
    """Delete pieces of streams that ended, of all organizations; how many."""
    return int(await tx.fetchval("SELECT generation_pieces_forget($1, $2)", older_than, at_most))


def _generation(row: Row | None) -> Generation:
    if row is None:
        raise GenerationNotFound
    return Generation(
        id=row["id"],
        organization_id=row["organization_id"],
        created_by=row["created_by"],
        kind=row["kind"],
        state=State(row["state"]),
        reason=row["reason"],
        detail=row["detail"],
        asked_sealed=row["asked_sealed"],
        texts_sealed=row["texts_sealed"],
        sums=Sums(
            row["input_tokens"], row["output_tokens"], row["cost"], row["plain"], row["attempts"], row["model"]
        ),
        version=row["version"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
