from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Transaction

_KEYED: Final[Mapping[str, tuple[str, str]]] = {
    "conversation_labels": ("label_id", "created_at"),
    "drafts": ("user_id", "changed_at"),
    "conversation_attributes": ("attribute_id", "changed_at"),
    "conversation_participants": ("user_id", "created_at"),
}
"""What a conversation has once for each of these, and how new it is."""

_OURS: Final = (
    "t.organization_id = $1 AND (t.origin_id = ANY ($2) OR (t.conversation_id = ANY ($2) AND t.origin_id IS NULL))"
)
"""What was put on one of these conversations, wherever it stands."""


@dataclass(frozen=True, slots=True)
class BelongingsRepository:
    """What the team has put on conversations that become one or two: notes, labels, drafts, values, followers."""

    tx: Transaction

    async def gather(self, conversation_ids: Collection[UUID], target: UUID) -> int:
        """Let all that was put on these stand in the one that goes on; how much was moved.

        A row keeps whose key seals it, and knows where it was put. Of two of which there can be one, that of the
        target stays, else the newest; the other one waits where it is, and is there when they are two again.
        """
        await self._make_room(conversation_ids, target)
        moved = await self._notes(conversation_ids, target)
        for table in _KEYED:
            moved += await self._keyed(table, conversation_ids, target)
        return moved

    async def _notes(self, conversation_ids: Collection[UUID], target: UUID) -> int:
        moved: int = await self.tx.fetchval(
            f"""
            WITH moved AS (
                UPDATE notes AS t
                SET conversation_id = $3, origin_id = nullif(coalesce(t.origin_id, t.conversation_id), $3)
                WHERE {_OURS} AND t.conversation_id <> $3
                RETURNING t.id
            ), calls AS (
                UPDATE mentions SET conversation_id = $3
                WHERE organization_id = $1 AND note_id IN (SELECT id FROM moved)
            ), words AS (
                UPDATE note_words SET conversation_id = $3
                WHERE organization_id = $1 AND note_id IN (SELECT id FROM moved)
            )
            SELECT count(*) FROM moved
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            list(conversation_ids),
            target,
        )
        return moved

    async def _keyed(self, table: str, conversation_ids: Collection[UUID], target: UUID) -> int:
        key, newest = _KEYED[table]
        return await self.tx.execute(
            f"""
            WITH chosen AS (
                SELECT DISTINCT ON (t.{key}) t.conversation_id, t.{key} AS key FROM {table} AS t
                WHERE ({_OURS}) OR (t.conversation_id = $3 AND t.organization_id = $1)
                ORDER BY t.{key}, t.conversation_id = $3 DESC, t.{newest} DESC, t.conversation_id
            )
            UPDATE {table} AS t
            SET conversation_id = $3, origin_id = nullif(coalesce(t.origin_id, t.conversation_id), $3)
            FROM chosen
            WHERE t.conversation_id = chosen.conversation_id AND t.{key} = chosen.key AND t.organization_id = $1
              AND t.conversation_id <> $3
            """,  # noqa: S608 - constants of this file
            self.tx.organization_id,
            list(conversation_ids),
            target,
        )

    async def _make_room(self, conversation_ids: Collection[UUID], target: UUID) -> None:
        """A draft that was sent gives way to one that was not, whose version is another than both had."""
        await self.tx.execute(
            f"""
            WITH gone AS (
                DELETE FROM drafts AS e
                WHERE e.conversation_id = $3 AND e.organization_id = $1 AND e.content_sealed = '' AND EXISTS (
                    SELECT FROM drafts AS t WHERE t.user_id = e.user_id AND t.content_sealed <> '' AND {_OURS}
                )
                RETURNING e.user_id, e.version
            )
            UPDATE drafts AS t SET version = t.version + gone.version FROM gone
            WHERE t.user_id = gone.user_id AND t.content_sealed <> '' AND {_OURS}
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            list(conversation_ids),
            target,
        )
