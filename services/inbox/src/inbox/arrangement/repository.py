from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.arrangement.model import ArrangedKind
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL

_COLUMNS: Final = "id, key, owner_id, document_sealed, version, created_at, changed_at"


@dataclass(frozen=True, slots=True)
class ArrangementRepository:
    """What members of the transaction's organization have made of one kind, shared or their own."""

    tx: Transaction
    kind: ArrangedKind

    async def page(self, user_id: UUID, prefix: str, after: tuple[str, UUID] | None, limit: int) -> list[Row]:
        """What is shared and what is the user's own, by name; only names that begin so."""
        key, thing_id = after or (prefix, BEFORE_ALL)
        return await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM arrangements
            WHERE organization_id = $1 AND kind = $2 AND (owner_id IS NULL OR owner_id = $3)
              AND starts_with(key, $4) AND (key, id) > ($5, $6::uuid)
            ORDER BY key, id LIMIT $7
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            self.kind,
            user_id,
            prefix,
            key,
            thing_id,
            limit,
        )

    async def find(self, thing_id: UUID, user_id: UUID, *, for_update: bool = False) -> Row | None:
        """One that is shared or the user's own."""
        lock = "FOR UPDATE" if for_update else ""
        return await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM arrangements
            WHERE id = $1 AND organization_id = $2 AND kind = $3 AND (owner_id IS NULL OR owner_id = $4) {lock}
            """,  # noqa: S608 - a constant of this file
            thing_id,
            self.tx.organization_id,
            self.kind,
            user_id,
        )

    async def one_by_one(self, owner_id: UUID | None) -> int:
        """How many there are; nobody else makes one there until we commit."""
        await self.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($2 || $1::uuid, 0))",
            owner_id or self.tx.organization_id,
            f"arrangements {self.kind} ",
        )
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM arrangements
            WHERE organization_id = $1 AND kind = $2 AND owner_id IS NOT DISTINCT FROM $3
            """,
            self.tx.organization_id,
            self.kind,
            owner_id,
        )
        return count

    async def add(self, thing_id: UUID, owner_id: UUID | None, key: str, document_sealed: bytes) -> Row | None:
        """Make one; None when its name is taken."""
        return await self.tx.fetchrow(
            f"""
            INSERT INTO arrangements (id, organization_id, kind, owner_id, key, document_sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (organization_id, kind, owner_id, key) DO NOTHING RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            thing_id,
            self.tx.organization_id,
            self.kind,
            owner_id,
            key,
            document_sealed,
        )

    async def save(self, thing_id: UUID, key: str, document_sealed: bytes) -> Row | None:
        """Write one that the caller has locked; None when its name is another's."""
        return await self.tx.fetchrow(
            f"""
            UPDATE arrangements AS a
            SET key = $3, document_sealed = $4, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND NOT EXISTS (
                SELECT FROM arrangements AS other
                WHERE other.organization_id = $2 AND other.kind = a.kind AND other.key = $3 AND other.id <> $1
                  AND other.owner_id IS NOT DISTINCT FROM a.owner_id)
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            thing_id,
            self.tx.organization_id,
            key,
            document_sealed,
        )

    async def delete(self, thing_id: UUID) -> None:
        """Delete one that the caller has locked."""
        await self.tx.execute(
            "DELETE FROM arrangements WHERE id = $1 AND organization_id = $2", thing_id, self.tx.organization_id
        )


@dataclass(frozen=True, slots=True)
class PersonsArrangements:
    """What one user has for themselves, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def of_owner(self, user_id: UUID, organization_ids: Sequence[UUID]) -> list[Row]:
        """All of it; there are some hundred at most."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, kind, key, document_sealed, created_at, changed_at FROM arrangements
            WHERE owner_id = $1 AND organization_id = ANY ($2) ORDER BY id
            """,
            user_id,
            list(organization_ids),
        )

    async def delete(self, user_id: UUID) -> int:
        """Delete it; how many."""
        return await self.tx.execute(
            "DELETE FROM arrangements WHERE owner_id = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )
