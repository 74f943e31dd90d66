from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction

_COLUMNS: Final = "id, channel_id, customer_sealed, introduced, token_at, created_at"
_SHOWN: Final = """
    SELECT m.id, m.direction, m.content_sealed, m.provider_time, m.sequence, m.status, m.kind
    FROM messages AS m JOIN conversations AS v ON v.id = m.conversation_id AND v.organization_id = $2
    WHERE m.conversation_id = ANY ($1) AND m.organization_id = $2 AND m.provider_time >= $4
      AND coalesce(m.owner_id, v.origin_id, v.contact_id) = ANY ($3) AND m.provider_blind IS NOT NULL
"""
"""Messages of visitors as they see them: a note of the team has no id of a platform, and what waits has none yet."""


@dataclass(frozen=True, slots=True)
class Own:
    """The conversations of a visitor, and as which contacts they stand in these."""

    conversations: list[UUID]
    contacts: list[UUID]


@dataclass(frozen=True, slots=True)
class NewVisitor:
    """A visitor as they are first written."""

    id: UUID
    channel_id: UUID
    token_hash: bytes = field(repr=False)
    visitor_blind: bytes
    customer_blind: bytes | None = None
    customer_sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class VisitorRepository:
    """Visitors of the transaction's organization, and what they may see."""

    tx: Transaction

    async def add(self, visitor: NewVisitor) -> Row:
        """Write one."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO chat_visitors (
                id, organization_id, channel_id, token_hash, visitor_blind, customer_blind, customer_sealed
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            visitor.id,
            self.tx.organization_id,
            visitor.channel_id,
            visitor.token_hash,
            visitor.visitor_blind,
            visitor.customer_blind,
            visitor.customer_sealed,
        )
        if row is None:
            raise LookupError("the visitor was just written")
        return row

    async def by_token(self, channel_id: UUID, token_hash: bytes) -> Row | None:
        """Who has this token, or had it moments ago."""
        return await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS}, customer_blind, token_hash = $3 AS present FROM chat_visitors
            WHERE channel_id = $1 AND organization_id = $2
              AND (token_hash = $3 OR (former_hash = $3 AND former_until > kit_now()))
            """,  # noqa: S608 - a constant of this file
            channel_id,
            self.tx.organization_id,
            token_hash,
        )

    async def seen(self, visitor_id: UUID) -> None:
        """They are here; at most one write an hour."""
        await self.tx.execute(
            """
            UPDATE chat_visitors SET seen_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND seen_at < kit_now() - interval '1 hour'
            """,
            visitor_id,
            self.tx.organization_id,
        )

    async def rotate(self, visitor_id: UUID, present: bytes, fresh: bytes, still_good: timedelta) -> bool:
        """Give them another token; False when another window has just been given one."""
        written = await self.tx.execute(
            """
            UPDATE chat_visitors
            SET former_hash = token_hash, former_until = kit_now() + $5::interval, token_hash = $4,
                token_at = kit_now(), seen_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND token_hash = $3
            """,
            visitor_id,
            self.tx.organization_id,
            present,
            fresh,
            still_good,
        )
        return written == 1

    async def prove(self, visitor_id: UUID, blind: bytes, sealed: bytes) -> None:
        """Whose browser it is, is proven now; once proven it is never somebody else."""
        await self.tx.execute(
            """
            UPDATE chat_visitors SET customer_blind = $3, customer_sealed = $4
            WHERE id = $1 AND organization_id = $2 AND customer_blind IS NULL
            """,
            visitor_id,
            self.tx.organization_id,
            blind,
            sealed,
        )

    async def take_turn(self, visitor_id: UUID, every: timedelta, burst: int) -> bool:
        """Count one message; False when they have sent too much lately (GCRA, by the platform's clock)."""
        taken = await self.tx.execute(
            """
            UPDATE chat_visitors SET next_at = greatest(next_at, kit_now()) + $3::interval, seen_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND next_at <= kit_now() + $3::interval * ($4::integer - 1)
            """,
            visitor_id,
            self.tx.organization_id,
            every,
            burst,
        )
        return taken == 1

    async def introduce(self, visitor_id: UUID) -> None:
        """They have answered what is asked before one writes."""
        await self.tx.execute(
            "UPDATE chat_visitors SET introduced = true WHERE id = $1 AND organization_id = $2",
            visitor_id,
            self.tx.organization_id,
        )

    async def own(self, channel_id: UUID, identities: Collection[tuple[str, bytes]]) -> Own:
        """What is theirs on this channel: by themselves, and by whose browser it is.

        A contact that was merged into another keeps what it said: a visitor sees that, and nothing of the other's.
        """
        rows = await self.tx.fetch(
            """
            SELECT held.contact_id, v.id AS conversation_id
            FROM unnest($2::text[], $3::bytea[]) AS wanted (kind, blind)
            JOIN contact_identities AS held
              ON held.organization_id = $1 AND held.kind = wanted.kind AND held.blind = wanted.blind
             AND held.left_at IS NULL
            JOIN contacts AS c ON c.id = held.contact_id AND c.organization_id = $1
            JOIN conversations AS v
              ON v.contact_id = coalesce(c.merged_into, c.id) AND v.channel_id = $4 AND v.organization_id = $1
            """,
            self.tx.organization_id,
            [kind for kind, _ in identities],
            [blind for _, blind in identities],
            channel_id,
        )
        return Own(
            list({row["conversation_id"] for row in rows}),
            list({row["contact_id"] for row in rows}),
        )

    async def newest(self, own: Own, since: datetime, limit: int) -> list[Row]:
        """The newest messages that they may see, the oldest first."""
        rows = await self.tx.fetch(
            f"""
            {_SHOWN}
              AND (m.direction = 'in' OR m.status IN ('sent', 'delivered', 'read'))
            ORDER BY m.provider_time DESC, m.sequence DESC
            LIMIT $5
            """,
            own.conversations,
            self.tx.organization_id,
            own.contacts,
            since,
            limit,
        )
        return rows[::-1]

    async def place(self, own: Own, message_id: UUID) -> tuple[datetime, int] | None:
        """Where a message of their conversations stands; None when it is none of them."""
        row = await self.tx.fetchrow(
            """
            SELECT provider_time, sequence FROM messages
            WHERE id = $1 AND conversation_id = ANY ($2) AND organization_id = $3
            """,
            message_id,
            own.conversations,
            self.tx.organization_id,
        )
        return None if row is None else (row["provider_time"], row["sequence"])

    async def beyond(self, own: Own, place: tuple[datetime, int], since: datetime, limit: int) -> list[Row]:
        """What came after a place, and what of ours was not received yet, wherever it stands; the oldest first."""
        return await self.tx.fetch(
            f"""
            SELECT * FROM (
                ({_SHOWN}
                   AND (m.provider_time, m.sequence) > ($6, $7::bigint)
                   AND (m.direction = 'in' OR m.status IN ('sent', 'delivered', 'read'))
                 ORDER BY m.provider_time, m.sequence LIMIT $5)
                UNION
                ({_SHOWN}
                   AND m.direction = 'out' AND m.status = 'sent'
                   AND m.status IN ('queued', 'unconfirmed', 'sent', 'delivered')
                 ORDER BY m.sequence LIMIT $5)
            ) AS found
            ORDER BY provider_time, sequence
            """,  # noqa: S608 - a constant of this file
            own.conversations,
            self.tx.organization_id,
            own.contacts,
            since,
            limit,
            *place,
        )

    async def theirs(
        self, own: Own, message_ids: Collection[UUID], below: Sequence[str], since: datetime
    ) -> list[UUID]:
        """Those of these messages that are ours, to them, and stand below."""
        rows = await self.tx.fetch(
            f"{_SHOWN} AND m.id = ANY ($5) AND m.direction = 'out' AND m.status = ANY ($6)",
            own.conversations,
            self.tx.organization_id,
            own.contacts,
            since,
            list(message_ids),
            list(below),
        )
        return [row["id"] for row in rows]

    async def sees_file(self, own: Own, media_id: UUID, since: datetime) -> bool:
        """Whether a file goes with a message that they may see."""
        rows = await self.tx.fetch(
            f"""
            {_SHOWN}
              AND m.id = (SELECT message_id FROM media WHERE id = $5 AND organization_id = $2)
              AND (m.direction = 'in' OR m.status IN ('sent', 'delivered', 'read'))
            """,  # noqa: S608 - a constant of this file
            own.conversations,
            self.tx.organization_id,
            own.contacts,
            since,
            media_id,
        )
        return bool(rows)

    async def of_contact(self, contact_id: UUID, limit: int) -> list[Row]:
        """The browsers by which a contact is known."""
        return await self.tx.fetch(
            """
            SELECT v.id, v.channel_id, v.customer_sealed, v.created_at, v.seen_at
            FROM contact_identities AS held
            JOIN chat_visitors AS v ON v.organization_id = $2 AND v.visitor_blind = held.blind
            WHERE held.contact_id = $1 AND held.organization_id = $2 AND held.kind = 'visitor'
            ORDER BY v.id
            LIMIT $3
            """,
            contact_id,
            self.tx.organization_id,
            limit,
        )

    async def delete(self, visitor_ids: Collection[UUID]) -> int:
        """Know these browsers no more; how many."""
        return await self.tx.execute(
            "DELETE FROM chat_visitors WHERE id = ANY ($1) AND organization_id = $2",
            list(visitor_ids),
            self.tx.organization_id,
        )


async def purge(tx: Transaction, older_than: timedelta, at_most: int) -> int:
    """Forget browsers that have not come for so long, whoever's visitors they are; how many."""
    gone: int = await tx.fetchval("SELECT chat_visitors_purge($1, $2)", older_than, at_most)
    return gone
