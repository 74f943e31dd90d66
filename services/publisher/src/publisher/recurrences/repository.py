from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL
from publisher.recurrences.errors import RecurrenceNotFound
from publisher.recurrences.model import Occurrence, Recurrence, Template
from publisher.recurrences.rules import Rule

_COLUMNS = """
    id, organization_id, rule, starts, zone, count, until, text, content, targets, ended_at, planned_until,
    created_by, version, created_at, changed_at
"""


@dataclass(frozen=True, slots=True)
class RecurrenceRepository:
    """The recurring posts of the transaction's organization."""

    tx: Transaction

    async def add(self, recurrence_id: UUID, rule: Rule, template: Template, by: UUID | None) -> Recurrence:
        """Add one; its posts are made at once, by a worker."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO recurrences (id, organization_id, rule, starts, zone, count, until, text, content, targets,
                created_by, look_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, kit_now())
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            recurrence_id,
            self.tx.organization_id,
            rule.text,
            rule.starts,
            rule.zone,
            rule.count,
            rule.until,
            template.text,
            template.content.stored(),
            template.stored_targets(),
            by,
        )
        return _recurrence(row)

    async def find(self, recurrence_id: UUID) -> Recurrence:
        """Read it."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM recurrences WHERE id = $1 AND organization_id = $2",  # noqa: S608
            recurrence_id,
            self.tx.organization_id,
        )
        return _recurrence(row)

    async def lock(self, recurrence_id: UUID) -> Recurrence:
        """Read it for update."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM recurrences WHERE id = $1 AND organization_id = $2 FOR UPDATE",  # noqa: S608
            recurrence_id,
            self.tx.organization_id,
        )
        return _recurrence(row)

    async def lock_due(self, recurrence_id: UUID) -> Recurrence | None:
        """Read it for update, if it is due and nobody else has it just now."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM recurrences
            WHERE id = $1 AND organization_id = $2 AND look_at <= kit_now() FOR UPDATE SKIP LOCKED
            """,  # noqa: S608 - a constant
            recurrence_id,
            self.tx.organization_id,
        )
        return None if row is None else _recurrence(row)

    async def page(self, after: UUID | None, limit: int) -> list[Recurrence]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM recurrences
            WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            self.tx.organization_id,
            after or AFTER_ALL,
            limit,
        )
        return [_recurrence(row) for row in rows]

    async def end(self, recurrence_id: UUID, rule: Rule) -> Recurrence:
        """No more posts are made of it."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE recurrences SET count = $3, until = $4, look_at = NULL, ended_at = kit_now(),
                version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            recurrence_id,
            self.tx.organization_id,
            rule.count,
            rule.until,
        )
        return _recurrence(row)

    async def planned(self, recurrence_id: UUID, until: datetime | None, look_at: datetime | None) -> None:
        """Posts were made of it up to a wall clock; when it is to be looked at next."""
        await self.tx.execute(
            "UPDATE recurrences SET planned_until = coalesce($3, planned_until), look_at = $4"
            " WHERE id = $1 AND organization_id = $2",
            recurrence_id,
            self.tx.organization_id,
            until,
            look_at,
        )

    async def known(self, recurrence_id: UUID, local: datetime) -> bool:
        """Whether it is known what became of this time; whoever asks holds the recurrence."""
        found: bool = await self.tx.fetchval(
            "SELECT EXISTS (SELECT FROM occurrences WHERE recurrence_id = $1 AND local = $2)", recurrence_id, local
        )
        return found

    async def note(self, recurrence_id: UUID, occurrence: Occurrence) -> bool:
        """Note what became of one time; False when that is known."""
        noted = await self.tx.execute(
            """
            INSERT INTO occurrences (recurrence_id, organization_id, local, at, fate, post_id, reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
            """,
            recurrence_id,
            self.tx.organization_id,
            occurrence.local,
            occurrence.at,
            occurrence.fate,
            occurrence.post_id,
            occurrence.reason,
        )
        return noted == 1

    async def occurrences(self, recurrence_id: UUID, after: datetime | None, limit: int) -> list[Occurrence]:
        """What came into the horizon, in order, after a wall clock."""
        rows = await self.tx.fetch(
            """
            SELECT local, at, fate, post_id, reason FROM occurrences
            WHERE recurrence_id = $1 AND organization_id = $2 AND local > $3
            ORDER BY local LIMIT $4
            """,
            recurrence_id,
            self.tx.organization_id,
            after or datetime.min,  # noqa: DTZ901 - a wall clock, before all others
            limit,
        )
        return [Occurrence(**dict(row)) for row in rows]

    async def waiting(self, recurrence_id: UUID, since: datetime) -> dict[UUID, UUID]:
        """The deliveries of its posts from a wall clock on that nobody changed and that have not left, with posts."""
        rows = await self.tx.fetch(
            """
            SELECT one.id, one.post_id FROM occurrences AS own
            JOIN posts AS post ON post.id = own.post_id JOIN deliveries AS one ON one.post_id = post.id
            WHERE own.recurrence_id = $1 AND own.organization_id = $2 AND own.local >= $3
              AND post.status = 'scheduled' AND post.publish_at = own.at AND one.status = 'scheduled'
              AND post.version = 1
            """,
            recurrence_id,
            self.tx.organization_id,
            since,
        )
        return {row["id"]: row["post_id"] for row in rows}

    async def keep(self, former: UUID, later: UUID, since: datetime, gone: Collection[UUID]) -> None:
        """Let the new rule know the times of the former one whose posts stay, so that it makes no others."""
        await self.tx.execute(
            """
            INSERT INTO occurrences (recurrence_id, organization_id, local, at, fate, post_id, reason)
            SELECT $2, own.organization_id, own.local, own.at, own.fate, own.post_id, own.reason
            FROM occurrences AS own
            WHERE own.recurrence_id = $1 AND own.organization_id = $3 AND own.local >= $4 AND own.fate = 'planned'
              AND own.post_id <> ALL ($5)
            """,
            former,
            later,
            self.tx.organization_id,
            since,
            list(gone),
        )


async def due(tx: Transaction, at_most: int = 50) -> list[tuple[UUID, UUID]]:
    """Recurring posts of any organization that are to be looked at, as (organization, recurrence)."""
    rows = await tx.fetch("SELECT id, organization_id FROM recurrences_due($1)", at_most)
    return [(row["organization_id"], row["id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsRecurrences:
    """What one user let recur, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Recurring posts in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, rule, starts, zone, count, until, text, content, targets, ended_at, created_at
            FROM recurrences
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
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
            UPDATE recurrences SET created_by = NULL, version = version + 1, changed_at = kit_now()
            WHERE id IN (
                SELECT id FROM recurrences WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _recurrence(row: Row | None) -> Recurrence:
    if row is None:
        raise RecurrenceNotFound
    return Recurrence(
        id=row["id"],
        organization_id=row["organization_id"],
        rule=Rule(row["rule"], row["starts"], row["zone"], row["count"], row["until"]),
        template=Template.read(row["text"], row["content"], row["targets"]),
        ended=row["ended_at"] is not None,
        planned_until=row["planned_until"],
        created_by=row["created_by"],
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
