from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from inbox.conversations.errors import ConversationContinued, ConversationNotFound
from inbox.conversations.model import Conversation, ConversationState, Priority
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL

COLUMNS: Final = """
    id, channel_id, contact_id, state, assignee_id, unread_count, last_sequence, read_sequence, last_message_at,
    window_open_until, version, created_at, channel_kind, opted_out, opted_at, team_id, priority, snoozed_until,
    muted, waiting_since, origin_id, speaker_id, continued_in,
    channel_kind = 'contact_form' AND EXISTS (
        SELECT FROM channels AS c WHERE c.id = conversations.channel_id AND c.silent
    ) AS silent
"""


@dataclass(frozen=True, slots=True)
class ConversationRepository:
    """Conversations of the transaction's organization."""

    tx: Transaction

    async def find(self, conversation_id: UUID) -> Conversation:
        """One conversation.

        Raises:
            ConversationNotFound: there is none.
        """
        return await self._one(conversation_id, "")

    async def lock(self, conversation_id: UUID) -> Conversation:
        """One conversation for update; other writers of it wait until we commit.

        Raises:
            ConversationNotFound: there is none.
            ConversationContinued: its contact was merged with another one, with whom it goes on elsewhere.
        """
        return _going_on(await self._one(conversation_id, "FOR UPDATE"))

    async def hold(self, conversation_id: UUID) -> Conversation:
        """One conversation, of which nobody makes another one's until we commit; others may write to it.

        Raises:
            ConversationNotFound: there is none.
            ConversationContinued: its contact was merged with another one, with whom it goes on elsewhere.
        """
        return _going_on(await self._one(conversation_id, "FOR KEY SHARE"))

    async def begun_with(self, conversation: Conversation, origin_id: UUID | None) -> UUID:
        """Under whose key a row of it is sealed: with whom that was begun in which it was put."""
        origin = conversation if origin_id is None else await self.find(origin_id)
        return origin.begun_with

    async def _one(self, conversation_id: UUID, lock: str) -> Conversation:
        row = await self.tx.fetchrow(
            f"SELECT {COLUMNS} FROM conversations WHERE id = $1 AND organization_id = $2 {lock}",  # noqa: S608
            conversation_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ConversationNotFound
        return conversation(row)

    async def lock_with(self, channel_id: UUID, contact_id: UUID) -> Conversation | None:
        """The newest conversation with a contact on a channel, for update; None when there was none yet."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {COLUMNS} FROM conversations
            WHERE contact_id = $1 AND channel_id = $2 AND organization_id = $3 AND continued_in IS NULL
            ORDER BY (state <> 'resolved') DESC, last_message_at DESC
            LIMIT 1
            FOR UPDATE
            """,  # noqa: S608 - a constant of this file
            contact_id,
            channel_id,
            self.tx.organization_id,
        )
        return None if row is None else conversation(row)

    async def lock_all_with(self, channel_id: UUID, contact_ids: Collection[UUID]) -> dict[UUID, Conversation]:
        """Likewise with several contacts, by contact; those with whom there was none yet are left out."""
        rows = await self.tx.fetch(
            f"""
            SELECT {COLUMNS} FROM conversations
            WHERE id = ANY (ARRAY(
                SELECT (SELECT id FROM conversations
                        WHERE contact_id = wanted.id AND channel_id = $1 AND organization_id = $3
                          AND continued_in IS NULL
                        ORDER BY (state <> 'resolved') DESC, last_message_at DESC LIMIT 1)
                FROM unnest($2::uuid[]) AS wanted (id)
            ))
            ORDER BY id FOR UPDATE
            """,  # noqa: S608 - a constant of this file
            channel_id,
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["contact_id"]: conversation(row) for row in rows}

    async def open(
        self, conversation_id: UUID, channel_id: UUID, contact_id: UUID, channel_kind: str
    ) -> Conversation | None:
        """Open one; None when somebody else just did: there is one active conversation for a channel and contact."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO conversations (id, organization_id, channel_id, contact_id, channel_kind)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (channel_id, contact_id) WHERE state <> 'resolved' DO NOTHING
            RETURNING {COLUMNS}
            """,  # noqa: S608 - a constant of this file
            conversation_id,
            self.tx.organization_id,
            channel_id,
            contact_id,
            channel_kind,
        )
        return None if row is None else conversation(row)

    async def save(self, *changed: Conversation) -> None:
        """Write everything of these that changes; the caller has locked them."""
        await self.tx.execute(
            """
            UPDATE conversations AS c
            SET state = t.state, assignee_id = t.assignee_id, unread_count = t.unread_count,
                last_sequence = t.last_sequence, read_sequence = t.read_sequence,
                last_message_at = t.last_message_at, window_open_until = t.window_open_until, version = t.version,
                opted_out = t.opted_out, opted_at = t.opted_at, speaker_id = t.speaker_id,
                team_id = t.team_id, priority = t.priority, snoozed_until = t.snoozed_until,
                muted = t.muted, waiting_since = t.waiting_since,
                queued_at = CASE WHEN t.state = 'open' AND t.assignee_id IS NULL
                                 THEN coalesce(c.queued_at, kit_now()) END,
                changed_at = kit_now()
            FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
                        $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::boolean[], $12::timestamptz[],
                        $13::uuid[], $14::smallint[], $15::timestamptz[], $16::boolean[], $17::timestamptz[],
                        $18::uuid[])
                AS t (id, state, assignee_id, unread_count, last_sequence, read_sequence, last_message_at,
                      window_open_until, version, opted_out, opted_at, team_id, priority, snoozed_until, muted,
                      waiting_since, speaker_id)
            WHERE c.id = t.id AND c.organization_id = $1
            """,
            self.tx.organization_id,
            [each.id for each in changed],
            [each.state for each in changed],
            [each.assignee_id for each in changed],
            [each.unread_count for each in changed],
            [each.last_sequence for each in changed],
            [each.read_sequence for each in changed],
            [each.last_message_at for each in changed],
            [each.window_open_until for each in changed],
            [each.version for each in changed],
            [each.opted_out for each in changed],
            [each.opted_at for each in changed],
            [each.team_id for each in changed],
            [each.priority for each in changed],
            [each.snoozed_until for each in changed],
            [each.muted for each in changed],
            [each.waiting_since for each in changed],
            [each.speaker_id for each in changed],
        )

    async def unread_after(self, conversation_id: UUID, sequence: int) -> int:
        """How many messages of the contact came after this one."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM messages
            WHERE conversation_id = $1 AND organization_id = $2 AND sequence > $3 AND direction = 'in'
            """,
            conversation_id,
            self.tx.organization_id,
            sequence,
        )
        return count


def _going_on(found: Conversation) -> Conversation:
    if found.continued_in is not None:
        raise ConversationContinued(conversation_id=str(found.continued_in))
    return found


@dataclass(frozen=True, slots=True)
class AssignedRepository:
    """Conversations by whom they are assigned to, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def release(self, users: Sequence[tuple[UUID, UUID]], at_most: int) -> list[Row]:
        """Assign conversations of these (organization, user) to nobody, as many at once; those that were."""
        return await self.tx.fetch(
            """
            WITH held AS (
                SELECT c.id
                FROM conversations AS c
                JOIN unnest($1::uuid[], $2::uuid[]) AS gone (organization_id, user_id)
                  ON c.organization_id = gone.organization_id AND c.assignee_id = gone.user_id
                ORDER BY c.id LIMIT $3
                FOR UPDATE OF c
            )
            UPDATE conversations AS c
            SET assignee_id = NULL, version = c.version + 1, changed_at = kit_now(),
                queued_at = CASE WHEN c.state = 'open' THEN kit_now() END
            FROM held WHERE c.id = held.id
            RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id,
                      c.priority
            """,
            [organization_id for organization_id, _ in users],
            [user_id for _, user_id in users],
            at_most,
        )

    async def release_teams(self, team_ids: Sequence[UUID], at_most: int) -> list[Row]:
        """Take conversations from teams that are gone, as many at once; those that were."""
        return await self.tx.fetch(
            """
            WITH held AS (
                SELECT id FROM conversations
                WHERE organization_id = ANY ($1) AND team_id = ANY ($2)
                ORDER BY id LIMIT $3
                FOR UPDATE
            )
            UPDATE conversations AS c SET team_id = NULL, version = c.version + 1, changed_at = kit_now()
            FROM held WHERE c.id = held.id
            RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id,
                      c.priority
            """,
            self.tx.organization_ids,
            team_ids,
            at_most,
        )

    async def wake(self, at_most: int) -> list[Row]:
        """Open those whose time has come, in whichever organization, as many at once; those that were."""
        return await self.tx.fetch("SELECT * FROM wake_conversations($1)", at_most)


def conversation(row: Row) -> Conversation:
    """A conversation from its row."""
    return Conversation(
        id=row["id"],
        channel_id=row["channel_id"],
        contact_id=row["contact_id"],
        state=ConversationState(row["state"]),
        assignee_id=row["assignee_id"],
        unread_count=row["unread_count"],
        last_sequence=row["last_sequence"],
        read_sequence=row["read_sequence"],
        last_message_at=row["last_message_at"],
        window_open_until=row["window_open_until"],
        version=row["version"],
        created_at=row["created_at"],
        channel_kind=row["channel_kind"],
        opted_out=row["opted_out"],
        opted_at=row["opted_at"],
        origin_id=row["origin_id"],
        speaker_id=row["speaker_id"],
        continued_in=row["continued_in"],
        team_id=row["team_id"],
        priority=Priority(row["priority"]),
        snoozed_until=row["snoozed_until"],
        muted=row["muted"],
        waiting_since=row["waiting_since"],
        silent=row["silent"],
    )


@dataclass(frozen=True, slots=True)
class PersonsConversations:
    """Conversations with one contact, or of one user's, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def of_contact(self, contact_id: UUID, *, for_update: bool = False) -> list[Row]:
        """All with this contact; for update, other writers of them wait until we commit."""
        lock = "FOR UPDATE" if for_update else ""
        return await self.tx.fetch(
            f"""
            SELECT {COLUMNS} FROM conversations
            WHERE contact_id = {HEAD_OF} AND organization_id = ANY ($2) ORDER BY id {lock}
            """,  # noqa: S608 - constants of this file
            contact_id,
            self.tx.organization_ids,
        )

    async def of_assignee(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Those that a user has, in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, state, last_message_at FROM conversations
            WHERE assignee_id = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def delete(self, contact_id: UUID) -> list[UUID]:
        """Delete those in which nothing was said; which."""
        rows = await self.tx.fetch(
            f"""
            DELETE FROM conversations AS c
            WHERE c.contact_id = {HEAD_OF} AND c.organization_id = ANY ($2)
              AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = c.id)
              AND NOT EXISTS (SELECT FROM message_marks WHERE conversation_id = c.id)
              AND NOT EXISTS (SELECT FROM conversation_labels WHERE conversation_id = c.id)
              AND NOT EXISTS (SELECT FROM notes WHERE conversation_id = c.id)
              AND NOT EXISTS (SELECT FROM drafts WHERE conversation_id = c.id)
              AND NOT EXISTS (SELECT FROM macro_runs WHERE conversation_id = c.id)
              AND NOT EXISTS (SELECT FROM conversation_attributes WHERE conversation_id = c.id)
            RETURNING c.id
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )
        return [row["id"] for row in rows]

    async def touch(self, conversation_ids: Collection[UUID]) -> list[Row]:
        """Something of their messages has changed: each has a new version."""
        return await self.tx.fetch(
            """
            UPDATE conversations SET version = version + 1, changed_at = kit_now()
            WHERE id = ANY ($1) AND organization_id = ANY ($2)
            RETURNING id, organization_id, state, assignee_id, unread_count, version, team_id, priority
            """,
            sorted(conversation_ids),
            self.tx.organization_ids,
        )
