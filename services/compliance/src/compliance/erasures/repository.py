from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from compliance.erasures.model import Answer, Erasure, ErasureState, Way
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL
from kit.privacy.person import Person

_COLUMNS: Final = """
    id, owner_id, organization_id, person_kind, person_id, way, requested_by, state, begins_at, version, created_at,
    begun_at, finished_at
"""


@dataclass(frozen=True, slots=True)
class ErasureRepository:
    """Erasures of the owners that the transaction is bound to, and what the services answered."""

    tx: Transaction

    async def add(self, erasure: Erasure) -> UUID | None:
        """Keep a request; the id of the one under way for this person, if there is one already."""
        added: UUID | None = await self.tx.fetchval(
            """
            INSERT INTO erasures (id, owner_id, organization_id, person_kind, person_id, way, requested_by, begins_at,
                                  created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (owner_id, person_kind, person_id) WHERE state IN ('waiting', 'begun', 'destroying')
            DO NOTHING
            RETURNING id
            """,
            erasure.id,
            erasure.owner_id,
            erasure.person.organization_id,
            erasure.person.kind,
            erasure.person.id,
            erasure.way,
            erasure.requested_by,
            erasure.begins_at,
            erasure.created_at,
        )
        if added is not None:
            return None
        there: UUID | None = await self.tx.fetchval(
            """
            SELECT id FROM erasures
            WHERE owner_id = $1 AND person_kind = $2 AND person_id = $3
              AND state IN ('waiting', 'begun', 'destroying')
            """,
            erasure.owner_id,
            erasure.person.kind,
            erasure.person.id,
        )
        return there

    async def find(self, erasure_id: UUID) -> Erasure | None:
        """One erasure with its answers."""
        found = await self._with_answers(
            await self.tx.fetch(f"SELECT {_COLUMNS} FROM erasures WHERE id = $1", erasure_id)  # noqa: S608 - a constant
        )
        return found[0] if found else None

    async def lock(self, erasure_id: UUID) -> Erasure | None:
        """One erasure for update; whoever else changes it waits."""
        found = await self._with_answers(
            await self.tx.fetch(
                f"SELECT {_COLUMNS} FROM erasures WHERE id = $1 FOR UPDATE",  # noqa: S608 - a constant
                erasure_id,
            )
        )
        return found[0] if found else None

    async def page(self, owners: Collection[UUID], before: UUID | None, limit: int) -> list[Erasure]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM erasures
            WHERE owner_id = ANY ($1) AND id < $2
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            list(owners),
            before or AFTER_ALL,
            limit,
        )
        return await self._with_answers(rows)

    async def save(self, erasure: Erasure) -> None:
        """Write the state."""
        await self.tx.execute(
            """
            UPDATE erasures
            SET state = $2, version = $3,
                begun_at = CASE WHEN $2 = 'begun' THEN kit_now() ELSE begun_at END,
                finished_at = CASE WHEN $2 IN ('finished', 'cancelled') THEN kit_now() ELSE finished_at END
            WHERE id = $1
            """,
            erasure.id,
            erasure.state,
            erasure.version,
        )

    async def ask(self, erasure: Erasure, services: Collection[str]) -> None:
        """Note who is asked."""
        await self.tx.execute(
            """
            INSERT INTO erasure_answers (erasure_id, service, owner_id)
            SELECT $1, service, $2 FROM unnest($3::text[]) AS service
            ON CONFLICT DO NOTHING
            """,
            erasure.id,
            erasure.owner_id,
            sorted(services),
        )

    async def answer(self, erasure_id: UUID, answer: Answer, version: int) -> bool:
        """Keep what a service said, unless it has said something newer; True when it was kept."""
        kept = await self.tx.execute(
            """
            UPDATE erasure_answers
            SET state = $3, version = $4, removed = $5, anonymised = $6, kept = $7, kept_because = $8, keys = $9,
                blocked_by = $10, answered_at = kit_now()
            WHERE erasure_id = $1 AND service = $2 AND version < $4
            """,
            erasure_id,
            answer.service,
            answer.state,
            version,
            answer.removed,
            answer.anonymised,
            answer.kept,
            answer.because,
            list(answer.keys),
            answer.blocked_by,
        )
        return kept == 1

    async def all_done(self, erasure_id: UUID) -> bool:
        """When nobody who was asked is missing: from here on the keys are to be destroyed; True once."""
        moved = await self.tx.execute(
            """
            UPDATE erasures SET state = 'destroying', version = version + 1
            WHERE id = $1 AND state = 'begun'
              AND NOT EXISTS (SELECT FROM erasure_answers WHERE erasure_id = $1 AND state <> 'done')
            """,
            erasure_id,
        )
        return moved == 1

    async def _with_answers(self, rows: Sequence[Row]) -> list[Erasure]:
        answers = await self.tx.fetch(
            """
            SELECT erasure_id, service, state, removed, anonymised, kept, kept_because, keys, blocked_by, answered_at
            FROM erasure_answers WHERE erasure_id = ANY ($1) ORDER BY service
            """,
            [row["id"] for row in rows],
        )
        by_erasure: dict[UUID, list[Answer]] = {}
        for each in answers:
            by_erasure.setdefault(each["erasure_id"], []).append(_answer(each))
        return [_erasure(row, by_erasure.get(row["id"], ())) for row in rows]


async def due(tx: Transaction, at_most: int) -> Mapping[UUID, UUID]:
    """Erasures, whosever they are, with something to be done, and their owners."""
    rows = await tx.fetch("SELECT id, owner_id FROM due_erasures($1)", at_most)
    return {row["id"]: row["owner_id"] for row in rows}


def _answer(row: Row) -> Answer:
    return Answer(
        service=row["service"],
        state=row["state"],
        removed=row["removed"],
        anonymised=row["anonymised"],
        kept=row["kept"],
        because=row["kept_because"],
        keys=tuple(row["keys"]),
        blocked_by=row["blocked_by"],
        answered_at=row["answered_at"],
    )


def _erasure(row: Row, answers: Sequence[Answer]) -> Erasure:
    return Erasure(
        id=row["id"],
        owner_id=row["owner_id"],
        person=Person(row["person_kind"], row["person_id"], row["organization_id"]),
        way=Way(row["way"]),
        requested_by=row["requested_by"],
        state=ErasureState(row["state"]),
        begins_at=row["begins_at"],
        version=row["version"],
        created_at=row["created_at"],
        begun_at=row["begun_at"],
        finished_at=row["finished_at"],
        answers=tuple(answers),
    )
