"""Rows of conversations of contacts that become one or two: where each goes on, and what moves with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as far as merging asks. `paused` is how it comes back when it goes on by itself again."""

    id: UUID
    channel_id: UUID
    channel_kind: str
    origin_id: UUID
    state: str
    assignee_id: UUID | None
    last_message_at: datetime
    read_sequence: int
    last_sequence: int
    unread_count: int
    window_open_until: datetime | None
    opted_out: bool
    opted_at: datetime | None
    snoozed_until: datetime | None
    waiting_since: datetime | None
    continued_in: UUID | None
    paused: Mapping[str, Any] | None

    @property
    def rank(self) -> tuple[bool, datetime, UUID]:
        """Which of several goes on: one that is active before one that is resolved, then the newest."""
        state = self.state if self.paused is None else self.paused["state"]
        return (state != "resolved", self.last_message_at, self.id)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A conversation in which messages of these contacts stand, though it is not theirs."""

    id: UUID
    channel_id: UUID
    channel_kind: str
    origin_id: UUID
    read_sequence: int
    window_open_until: datetime | None
    opted_out: bool
    opted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moved:
    """How many messages were moved; `seen` of them were read, when there was nothing in the target before."""

    messages: int
    seen: int | None


@dataclass(frozen=True, slots=True)
class ThreadRepository:
    """Conversations of the transaction's organization; whose they are is locked by the caller."""

    tx: Transaction

    async def begun_with(self, members: Collection[UUID]) -> list[Thread]:
        """All that were begun with one of these contacts, locked, in the order of their ids."""
        rows = await self.tx.fetch(
            """
            SELECT id, channel_id, channel_kind, coalesce(origin_id, contact_id) AS origin_id, state, assignee_id,
                   last_message_at, read_sequence, last_sequence, unread_count, window_open_until, opted_out,
                   opted_at, snoozed_until, waiting_since, continued_in, paused
            FROM conversations
            WHERE organization_id = $1
              AND (origin_id = ANY ($2) OR (contact_id = ANY ($2) AND origin_id IS NULL))
            ORDER BY id FOR UPDATE
            """,
            self.tx.organization_id,
            list(members),
        )
        return [Thread(**row) for row in rows]

    async def elsewhere(self, members: Collection[UUID], own: Collection[UUID]) -> list[Elsewhere]:
        """Other conversations in which something of these contacts stands."""
        rows = await self.tx.fetch(
            """
            SELECT id, channel_id, channel_kind, coalesce(origin_id, contact_id) AS origin_id, read_sequence,
                   window_open_until, opted_out, opted_at
            FROM conversations
            WHERE organization_id = $1 AND NOT id = ANY ($3) AND id IN (
                SELECT conversation_id FROM messages WHERE owner_id = ANY ($2) AND organization_id = $1
                UNION
                SELECT conversation_id FROM message_marks WHERE owner_id = ANY ($2) AND organization_id = $1
            )
            ORDER BY id FOR UPDATE
            """,
            self.tx.organization_id,
            list(members),
            list(own),
        )
        return [Elsewhere(**row) for row in rows]

    async def pause(self, conversation_id: UUID, into: UUID, paused: Mapping[str, Any]) -> None:
        """It goes on in another one; what it was is kept."""
        await self.tx.execute(
            """
            UPDATE conversations
            SET state = 'resolved', assignee_id = NULL, continued_in = $3, paused = $4, snoozed_until = NULL,
                waiting_since = NULL, queued_at = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            conversation_id,
            self.tx.organization_id,
            into,
            dict(paused),
        )

    async def resume(self, conversation_id: UUID, head: UUID, assignee_id: UUID | None) -> None:
        """It goes on by itself, with this contact, as it was when it was paused."""
        await self.tx.execute(
            """
            UPDATE conversations
            SET contact_id = $3, origin_id = nullif(coalesce(origin_id, contact_id), $3), continued_in = NULL,
                state = coalesce(paused->>'state', state),
                assignee_id = $4,
                snoozed_until = (paused->>'snoozed_until')::timestamptz,
                waiting_since = (paused->>'waiting_since')::timestamptz,
                queued_at = CASE WHEN paused->>'state' = 'open' AND $4::uuid IS NULL THEN kit_now() END,
                paused = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            conversation_id,
            self.tx.organization_id,
            head,
            assignee_id,
        )

    async def hand(self, conversation_ids: Collection[UUID], head: UUID) -> None:
        """These are with this contact; with whom they were begun is kept."""
        await self.tx.execute(
            """
            UPDATE conversations
            SET contact_id = $3, origin_id = nullif(coalesce(origin_id, contact_id), $3), changed_at = kit_now()
            WHERE id = ANY ($1) AND organization_id = $2
            """,
            list(conversation_ids),
            self.tx.organization_id,
            head,
        )

    async def begin(self, conversation_id: UUID, channel_id: UUID, channel_kind: str, head: UUID) -> None:
        """A conversation for what was said by somebody who had none here before they were merged."""
        await self.tx.execute(
            """
            INSERT INTO conversations (id, organization_id, channel_id, contact_id, channel_kind)
            VALUES ($1, $2, $3, $4, $5)
            """,
            conversation_id,
            self.tx.organization_id,
            channel_id,
            head,
            channel_kind,
        )

    async def wish(
        self,
        conversation_id: UUID,
        until: datetime | None,
        *,
        out: bool,
        at: datetime | None,
        waiting_since: datetime | None,
    ) -> None:
        """Until when the contact may be written to, whether they want to be, and since when they wait."""
        await self.tx.execute(
            """
            UPDATE conversations SET window_open_until = $3, opted_out = $4, opted_at = $5, waiting_since = $6
            WHERE id = $1 AND organization_id = $2
            """,
            conversation_id,
            self.tx.organization_id,
            until,
            out,
            at,
            waiting_since,
        )

    async def unwish(self, conversation_id: UUID, copied: datetime | None, *, out: bool, at: datetime | None) -> None:
        """What the contact wanted before the merge, unless they have said something since."""
        await self.tx.execute(
            """
            UPDATE conversations SET opted_out = $4, opted_at = $5
            WHERE id = $1 AND organization_id = $2 AND opted_at IS NOT DISTINCT FROM $3
            """,
            conversation_id,
            self.tx.organization_id,
            copied,
            out,
            at,
        )

    async def unwait(self, conversation_id: UUID, copied: datetime | None, before: datetime | None) -> None:
        """Since when the contact waited before the merge, unless that has changed since."""
        await self.tx.execute(
            """
            UPDATE conversations SET waiting_since = $4
            WHERE id = $1 AND organization_id = $2 AND waiting_since IS NOT DISTINCT FROM $3
            """,
            conversation_id,
            self.tx.organization_id,
            copied,
            before,
        )

    async def close_window(self, conversation_id: UUID, until: datetime | None) -> None:
        """Until when the contact may be written to."""
        await self.tx.execute(
            "UPDATE conversations SET window_open_until = $3 WHERE id = $1 AND organization_id = $2",
            conversation_id,
            self.tx.organization_id,
            until,
        )

    async def redirect(self, conversation_id: UUID, into: UUID) -> None:
        """One that went on elsewhere goes on in this one now."""
        await self.tx.execute(
            "UPDATE conversations SET continued_in = $3 WHERE id = $1 AND organization_id = $2",
            conversation_id,
            self.tx.organization_id,
            into,
        )

    async def last_wrote(self, conversation_id: UUID) -> datetime | None:
        """When the contact last wrote here, but for what opens no window."""
        found: datetime | None = await self.tx.fetchval(
            """
            SELECT max(provider_time) FROM messages
            WHERE conversation_id = $1 AND organization_id = $2 AND direction = 'in' AND kind <> 'system'
            """,
            conversation_id,
            self.tx.organization_id,
        )
        return found

    async def move(
        self, source: Thread | Elsewhere, target: UUID, target_origin: UUID, members: Collection[UUID]
    ) -> Moved:
        """Let what is of these contacts in one conversation stand in another.

        Numbers are drawn anew. What was read there comes before everything in the target, what was not comes after
        it, so that it stays read and unread; an empty target is numbered from 1.
        """
        row = await self.tx.fetchrow(
            """
            WITH mine AS MATERIALIZED (
                SELECT id, coalesce(owner_id, $3) AS owner, sequence > $4 AS unread,
                       row_number() OVER (PARTITION BY sequence > $4 ORDER BY sequence) AS place,
                       count(*) FILTER (WHERE sequence <= $4) OVER () AS seen
                FROM messages
                WHERE conversation_id = $2 AND organization_id = $1 AND coalesce(owner_id, $3) = ANY ($7)
            ), there AS MATERIALIZED (
                SELECT min(sequence) AS first, max(sequence) AS last FROM messages
                WHERE conversation_id = $5 AND organization_id = $1
            ), files AS (
                UPDATE media SET conversation_id = $5
                WHERE conversation_id = $2 AND organization_id = $1 AND message_id IN (SELECT id FROM mine)
            ), words AS (
                UPDATE message_words SET conversation_id = $5
                WHERE message_id IN (SELECT id FROM mine) AND organization_id = $1
            ), marks AS (
                UPDATE message_marks SET conversation_id = $5, owner_id = nullif(coalesce(owner_id, $3), $6)
                WHERE conversation_id = $2 AND organization_id = $1 AND coalesce(owner_id, $3) = ANY ($7)
            ), moved AS (
                UPDATE messages AS m
                SET conversation_id = $5, owner_id = nullif(mine.owner, $6),
                    sequence = CASE
                        WHEN there.first IS NULL THEN mine.place + CASE WHEN mine.unread THEN mine.seen ELSE 0 END
                        WHEN mine.unread THEN there.last + mine.place
                        ELSE there.first - mine.seen + mine.place - 1
                    END
                FROM mine, there
                WHERE m.id = mine.id AND m.organization_id = $1
                RETURNING mine.seen
            )
            SELECT count(*) AS messages, max(moved.seen) AS seen, (SELECT first IS NULL FROM there) AS empty
            FROM moved
            """,
            self.tx.organization_id,
            source.id,
            source.origin_id,
            source.read_sequence,
            target,
            target_origin,
            list(members),
        )
        if row is None:
            raise LookupError("a count is always given")
        return Moved(row["messages"], row["seen"] if row["messages"] and row["empty"] else None)

    async def recount(self, conversation_id: UUID, read_sequence: int | None = None) -> None:
        """Write what a conversation's row says of its messages, from them."""
        await self.tx.execute(
            """
            WITH counted AS (
                SELECT max(m.sequence) AS last, max(m.provider_time) AS newest,
                       count(*) FILTER (
                           WHERE m.direction = 'in' AND m.sequence > coalesce($3, v.read_sequence)
                       ) AS unread
                FROM conversations v LEFT JOIN messages m ON m.conversation_id = v.id
                WHERE v.id = $1
            )
            UPDATE conversations AS v
            SET last_sequence = greatest(coalesce(counted.last, 0), 0),
                read_sequence = coalesce($3, v.read_sequence),
                unread_count = counted.unread,
                last_message_at = coalesce(counted.newest, v.last_message_at),
                speaker_id = (
                    SELECT m.owner_id FROM messages m
                    WHERE m.conversation_id = $1 AND m.direction = 'in'
                    ORDER BY m.provider_time DESC, m.sequence DESC LIMIT 1
                ),
                version = v.version + 1, changed_at = kit_now()
            FROM counted
            WHERE v.id = $1 AND v.organization_id = $2
            """,
            conversation_id,
            self.tx.organization_id,
            read_sequence,
        )
