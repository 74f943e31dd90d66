from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from inbox.messages.model import Status
from kit.db.database import Row, Transaction
from kit.ids import BEGINNING_OF_TIME, END_OF_TIME

_COLUMNS: Final = """
    id, conversation_id, channel_id, direction, kind, content_sealed, provider_blind, reply_to_blind, provider_time,
    sequence, status, status_at, failure_code, failure_reason, author_id, fingerprint, version, created_at, whole_id
"""
_FIRST: Final = -(1 << 63)
_LAST: Final = (1 << 63) - 1
"""Before and after every sequence."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message as it is first written."""

    id: UUID
    conversation_id: UUID
    channel_id: UUID
    direction: Literal["in", "out"]
    kind: str
    content_sealed: bytes
    provider_blind: bytes | None
    provider_sealed: bytes | None
    reply_to_blind: bytes | None
    provider_time: datetime
    sequence: int
    status: Status
    author_id: UUID | None = None
    fingerprint: bytes | None = None
    template_id: UUID | None = None
    whole_id: UUID | None = None
    part_number: int | None = None
    part_attempt: int | None = None
    owner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewMark:
    """A reaction, an edit or a withdrawal as it is written."""

    id: UUID
    conversation_id: UUID
    channel_id: UUID
    kind: str
    provider_blind: bytes
    target_blind: bytes
    content_sealed: bytes
    provider_time: datetime
    owner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message of ours stands."""

    id: UUID
    conversation_id: UUID
    channel_id: UUID
    contact_id: UUID
    status: Status
    provider_blind: bytes | None
    version: int
    forgotten: bool
    """Whether its contact was forgotten: nothing is learnt of it any more."""
    whole_id: UUID | None = None
    """The message that it is a part of."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One report of the platform on a message."""

    provider_blind: bytes
    status: Status
    provider_time: datetime
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class MessageRepository:
    """Messages of the transaction's organization, what belongs to them, and what was reported of them."""

    tx: Transaction

    async def add(self, *messages: NewMessage) -> int:
        """Write messages; how many were written: one whose id, or the platform's, is there already is left out."""
        return await self.tx.execute(
            """
            INSERT INTO messages (
                id, organization_id, conversation_id, channel_id, direction, kind, content_sealed, provider_blind,
                provider_sealed, reply_to_blind, provider_time, sequence, status, author_id, fingerprint, template_id,
                whole_id, part_number, part_attempt, owner_id
            )
            SELECT t.id, $1, t.conversation_id, t.channel_id, t.direction, t.kind, t.content_sealed, t.provider_blind,
                   t.provider_sealed, t.reply_to_blind, t.provider_time, t.sequence, t.status, t.author_id,
                   t.fingerprint, t.template_id, t.whole_id, t.part_number, t.part_attempt, t.owner_id
            FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::bytea[],
                        $9::bytea[], $10::bytea[], $11::timestamptz[], $12::bigint[], $13::text[], $14::uuid[],
                        $15::bytea[], $16::uuid[], $17::uuid[], $18::smallint[], $19::smallint[],
                        $20::uuid[])
                AS t (id, conversation_id, channel_id, direction, kind, content_sealed, provider_blind,
                      provider_sealed, reply_to_blind, provider_time, sequence, status, author_id, fingerprint,
                      template_id, whole_id, part_number, part_attempt, owner_id)
            ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            [each.id for each in messages],
            [each.conversation_id for each in messages],
            [each.channel_id for each in messages],
            [each.direction for each in messages],
            [each.kind for each in messages],
            [each.content_sealed for each in messages],
            [each.provider_blind for each in messages],
            [each.provider_sealed for each in messages],
            [each.reply_to_blind for each in messages],
            [each.provider_time for each in messages],
            [each.sequence for each in messages],
            [each.status for each in messages],
            [each.author_id for each in messages],
            [each.fingerprint for each in messages],
            [each.template_id for each in messages],
            [each.whole_id for each in messages],
            [each.part_number for each in messages],
            [each.part_attempt for each in messages],
            [each.owner_id for each in messages],
        )

    async def known(self, channel_id: UUID, provider_blinds: Collection[bytes]) -> set[bytes]:
        """Those of these ids of the platform of which a message or mark is there."""
        rows = await self.tx.fetch(
            """
            SELECT provider_blind FROM messages
            WHERE channel_id = $1 AND provider_blind = ANY ($2) AND organization_id = $3
            UNION ALL
            SELECT provider_blind FROM message_marks
            WHERE channel_id = $1 AND provider_blind = ANY ($2) AND organization_id = $3
            """,
            channel_id,
            list(provider_blinds),
            self.tx.organization_id,
        )
        return {row["provider_blind"] for row in rows}

    async def mark(self, *marks: NewMark) -> int:
        """Write marks; how many were written: one that is there already is left out."""
        return await self.tx.execute(
            """
            INSERT INTO message_marks (
                organization_id, id, conversation_id, channel_id, kind, provider_blind, target_blind, content_sealed,
                provider_time, owner_id
            )
            SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::bytea[],
                                       $8::bytea[], $9::timestamptz[], $10::uuid[]) AS t
            ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            [each.id for each in marks],
            [each.conversation_id for each in marks],
            [each.channel_id for each in marks],
            [each.kind for each in marks],
            [each.provider_blind for each in marks],
            [each.target_blind for each in marks],
            [each.content_sealed for each in marks],
            [each.provider_time for each in marks],
            [each.owner_id for each in marks],
        )

    async def find(self, message_id: UUID) -> Row | None:
        """One message as its row."""
        return await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM messages WHERE id = $1 AND organization_id = $2",  # noqa: S608
            message_id,
            self.tx.organization_id,
        )

    async def page(
        self,
        conversation_id: UUID,
        place: tuple[datetime, int] | None,
        limit: int,
        *,
        newer: bool,
        parts: bool = False,
    ) -> list[Row]:
        """Messages beyond a place: older ones from the newest down, or newer ones from the oldest up.

        Parts of messages stand with these, unless they are asked for.
        """
        at, sequence = place or ((BEGINNING_OF_TIME, _FIRST) if newer else (END_OF_TIME, _LAST))
        beyond, order = (">", "ASC") if newer else ("<", "DESC")
        return await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM messages
            WHERE conversation_id = $1 AND organization_id = $2
              AND (provider_time, sequence) {beyond} ($3, $4::bigint)
              AND ($6 OR whole_id IS NULL)
            ORDER BY provider_time {order}, sequence {order}
            LIMIT $5
            """,  # noqa: S608 - constants of this file
            conversation_id,
            self.tx.organization_id,
            at,
            sequence,
            limit,
            parts,
        )

    async def marks(self, channel_id: UUID, targets: Collection[bytes]) -> list[Row]:
        """The newest reaction, edit and withdrawal of each of these messages, however often it was changed."""
        return await self.tx.fetch(
            """
            SELECT DISTINCT ON (target_blind, kind) target_blind, kind, content_sealed, provider_time
            FROM message_marks
            WHERE channel_id = $1 AND organization_id = $2 AND target_blind = ANY ($3)
            ORDER BY target_blind, kind, provider_time DESC, id DESC
            """,
            channel_id,
            self.tx.organization_id,
            list(targets),
        )

    async def ids_of(self, channel_id: UUID, provider_blinds: Collection[bytes]) -> dict[bytes, UUID]:
        """Our ids of messages by the platform's."""
        rows = await self.tx.fetch(
            """
            SELECT provider_blind, coalesce(whole_id, id) AS id FROM messages
            WHERE channel_id = $1 AND organization_id = $2 AND provider_blind = ANY ($3)
            """,
            channel_id,
            self.tx.organization_id,
            list(provider_blinds),
        )
        return {row["provider_blind"]: row["id"] for row in rows}

    async def to_mark(self, message_ids: Collection[UUID]) -> list[Row]:
        """What showing messages as read takes, of channels that are connected."""
        return await self.tx.fetch(
            """
            SELECT m.id, m.provider_sealed, c.kind AS channel_kind, c.phone_number_id, c.token_sealed,
                   coalesce(m.owner_id, v.origin_id, v.contact_id) AS contact_id
            FROM messages m
            JOIN channels c ON c.id = m.channel_id
            JOIN conversations v ON v.id = m.conversation_id
            WHERE m.id = ANY ($1) AND m.organization_id = $2 AND m.provider_sealed IS NOT NULL
              AND c.state = 'connected' AND c.token_sealed IS NOT NULL
            """,
            list(message_ids),
            self.tx.organization_id,
        )

    async def last_received(self, conversation_id: UUID) -> UUID | None:
        """The newest message of the contact."""
        found: UUID | None = await self.tx.fetchval(
            """
            SELECT id FROM messages
            WHERE conversation_id = $1 AND organization_id = $2 AND direction = 'in'
            ORDER BY provider_time DESC, sequence DESC LIMIT 1
            """,
            conversation_id,
            self.tx.organization_id,
        )
        return found

    async def lock_standing(self, message_id: UUID) -> Standing | None:
        """A message of ours for update; None when it is not one."""
        row = await self.tx.fetchrow(
            STANDING + "WHERE m.id = $1 AND m.organization_id = $2 AND m.direction = 'out' FOR UPDATE OF m",
            message_id,
            self.tx.organization_id,
        )
        return None if row is None else standing_of(row)

    async def reports(self, channel_id: UUID, provider_blind: bytes) -> list[Reported]:
        """All that was reported of one message, in the order of the platform's times."""
        rows = await self.tx.fetch(
            """
            SELECT provider_blind, status, provider_time, code, reason FROM message_receipts
            WHERE channel_id = $1 AND provider_blind = $2 AND organization_id = $3
            ORDER BY provider_time
            """,
            channel_id,
            provider_blind,
            self.tx.organization_id,
        )
        return [
            Reported(row["provider_blind"], Status(row["status"]), row["provider_time"], row["code"], row["reason"])
            for row in rows
        ]

    async def identify(self, message_id: UUID, provider_blind: bytes, provider_sealed: bytes) -> None:
        """Keep the platform's id of a message of ours."""
        await self.tx.execute(
            """
            UPDATE messages SET provider_blind = $3, provider_sealed = $4
            WHERE id = $1 AND organization_id = $2 AND provider_blind IS NULL
            """,
            message_id,
            self.tx.organization_id,
            provider_blind,
            provider_sealed,
        )

    async def contacts_of(self, message_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Whose these messages are, under whose key."""
        rows = await self.tx.fetch(
            """
            SELECT m.id, coalesce(m.owner_id, v.origin_id, v.contact_id) AS contact_id
            FROM messages m JOIN conversations v ON v.id = m.conversation_id
            WHERE m.id = ANY ($1) AND m.organization_id = $2
            """,
            list(message_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["contact_id"] for row in rows}

    async def sent(
        self, message_ids: Sequence[UUID], blinds: Sequence[bytes], sealed: Sequence[bytes], at: Sequence[datetime]
    ) -> list[Row]:
        """Mark as sent, with the platform's ids, those of which nothing else is known yet; returns these."""
        return await self.tx.fetch(
            """
            UPDATE messages AS m
            SET status = 'sent', status_at = t.at, version = m.version + 1, provider_blind = t.blind,
                provider_sealed = t.sealed
            FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::timestamptz[]) AS t (id, blind, sealed, at)
            WHERE m.id = t.id AND m.organization_id = $1 AND m.status IN ('queued', 'unconfirmed')
              AND m.provider_blind IS NULL
              AND NOT EXISTS (
                  SELECT FROM message_receipts AS r
                  WHERE r.channel_id = m.channel_id AND r.provider_blind = t.blind
              )
              AND NOT EXISTS (
                  SELECT FROM messages AS same WHERE same.channel_id = m.channel_id AND same.provider_blind = t.blind
              )
              AND NOT EXISTS (
                  SELECT FROM conversations AS v
                  WHERE v.id = m.conversation_id
                    AND greatest(v.delivered_until, v.read_until) >= t.at - interval '1 minute'
              )
            RETURNING m.id, m.conversation_id, m.version, m.status_at, m.whole_id
            """,
            self.tx.organization_id,
            list(message_ids),
            list(blinds),
            list(sealed),
            list(at),
        )

    async def release(self, conversation_ids: Collection[UUID], after: Mapping[UUID, int], at: datetime) -> list[Row]:
        """Let what waits in these conversations go on, in its order, as if it were written now."""
        return await self.tx.fetch(
            """
            UPDATE messages AS m
            SET status = 'queued', status_at = $5, provider_time = $5, version = m.version + 1,
                sequence = start.sequence + held.place
            FROM (
                SELECT id, row_number() OVER (PARTITION BY conversation_id ORDER BY sequence) AS place
                FROM messages
                WHERE conversation_id = ANY ($2) AND status = 'held' AND organization_id = $1
            ) AS held, unnest($3::uuid[], $4::bigint[]) AS start (conversation_id, sequence)
            WHERE m.id = held.id AND start.conversation_id = m.conversation_id AND m.organization_id = $1
            RETURNING m.id, m.conversation_id, m.sequence, m.version, m.kind, m.whole_id, m.part_number
            """,
            self.tx.organization_id,
            list(conversation_ids),
            list(after),
            list(after.values()),
            at,
        )

    async def stand(self, standing: Standing, at: datetime, code: str = "", reason: str = "") -> None:
        """Write a new status; the caller has locked the row and asked whether it rises."""
        await self.tx.execute(
            """
            UPDATE messages
            SET status = $3, status_at = $4, failure_code = $5, failure_reason = $6, version = $7
            WHERE id = $1 AND organization_id = $2
            """,
            standing.id,
            self.tx.organization_id,
            standing.status,
            at,
            code,
            reason,
            standing.version,
        )

    async def to_send(self, message_ids: Sequence[UUID]) -> list[Row]:
        """What sending messages takes, also of several organizations at once."""
        return await self.tx.fetch(
            """
            SELECT m.id, m.organization_id, m.kind, m.content_sealed, m.reply_to_blind, m.channel_id,
                   m.conversation_id, coalesce(m.owner_id, v.origin_id, v.contact_id) AS contact_id,
                   v.window_open_until, v.opted_out, kit_now() AS now,
                   c.state AS channel_state, c.kind AS channel_kind, c.phone_number_id, c.token_sealed,
                   template.status AS template_status, template.reason AS template_reason,
                   template.category AS template_category,
                   quoted.provider_sealed AS quoted_sealed
            FROM messages m
            JOIN conversations v ON v.id = m.conversation_id
            JOIN channels c ON c.id = m.channel_id
            LEFT JOIN message_templates template ON template.id = m.template_id
            LEFT JOIN messages quoted ON quoted.channel_id = m.channel_id AND quoted.provider_blind = m.reply_to_blind
            WHERE m.id = ANY ($1) AND m.organization_id = ANY (current_setting('app.orgs')::uuid[])
            """,
            list(message_ids),
        )


STANDING: Final = """
    SELECT m.id, m.conversation_id, m.channel_id, coalesce(m.owner_id, v.origin_id, v.contact_id) AS contact_id,
           m.status, m.provider_blind, m.version, m.content_sealed = '' AS forgotten, m.whole_id
    FROM messages m JOIN conversations v ON v.id = m.conversation_id
"""


def standing_of(row: Row) -> Standing:
    """Where a message of ours stands, from its row."""
    return Standing(
        id=row["id"],
        conversation_id=row["conversation_id"],
        channel_id=row["channel_id"],
        contact_id=row["contact_id"],
        status=Status(row["status"]),
        provider_blind=row["provider_blind"],
        version=row["version"],
        forgotten=row["forgotten"],
        whole_id=row["whole_id"],
    )
