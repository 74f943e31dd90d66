from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from inbox.messages.model import Status
from inbox.messages.repository import STANDING, Reported, Standing, standing_of
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Watermark:
    """Until when somebody, by what they are known, has received and has read."""

    kind: str
    blind: bytes
    delivered: datetime | None
    read: datetime | None


@dataclass(frozen=True, slots=True)
class OutgoingRepository:
    """Messages of ours while it is not yet known, or only learnt by the way, what became of them."""

    tx: Transaction

    async def on_their_way(self, conversation_id: UUID, kind: str) -> list[Row]:
        """Messages of ours of which the platform has given no id yet, the oldest first; at most 20."""
        return await self.tx.fetch(
            """
            SELECT id, content_sealed FROM messages
            WHERE conversation_id = $1 AND organization_id = $2 AND direction = 'out' AND kind = $3
              AND status IN ('queued', 'unconfirmed') AND provider_blind IS NULL
            ORDER BY sequence LIMIT 20
            """,
            conversation_id,
            self.tx.organization_id,
            kind,
        )

    async def drop_echo(self, channel_id: UUID, provider_blind: bytes, message_id: UUID) -> None:
        """What we took for written elsewhere was this message of ours: it stands in the conversation once."""
        await self.tx.execute(
            """
            WITH echo AS MATERIALIZED (
                SELECT id FROM messages
                WHERE channel_id = $1 AND provider_blind = $2 AND organization_id = $3 AND id <> $4
                  AND direction = 'out' AND author_id IS NULL AND fingerprint IS NULL
            ), shown AS (
                DELETE FROM media WHERE message_id IN (SELECT id FROM echo) AND organization_id = $3
            )
            DELETE FROM messages WHERE id IN (SELECT id FROM echo) AND organization_id = $3
            """,
            channel_id,
            provider_blind,
            self.tx.organization_id,
            message_id,
        )

    async def seen(self, channel_id: UUID, several: Sequence[Watermark]) -> list[Row]:
        """Note until when contacts have received and read; by whom it was and in which conversation, of those known.

        The rows of conversations are locked in the order of their ids.
        """
        return await self.tx.fetch(
            """
            WITH wanted AS (
                SELECT * FROM unnest($3::text[], $4::bytea[], $5::timestamptz[], $6::timestamptz[])
                    AS t (kind, blind, delivered, read)
            ), found AS MATERIALIZED (
                SELECT i.contact_id AS seer, wanted.delivered, wanted.read, (
                    SELECT v.id FROM conversations v
                    WHERE v.contact_id = coalesce(c.merged_into, c.id) AND v.channel_id = $1
                      AND v.continued_in IS NULL
                    ORDER BY (v.state <> 'resolved') DESC, v.last_message_at DESC LIMIT 1
                ) AS id
                FROM wanted
                JOIN contact_identities i
                  ON i.organization_id = $2 AND i.kind = wanted.kind AND i.blind = wanted.blind
                JOIN contacts c ON c.id = i.contact_id
                WHERE i.left_at IS NULL
            ), locked AS MATERIALIZED (
                SELECT id FROM conversations WHERE id = ANY (ARRAY(SELECT id FROM found)) AND organization_id = $2
                ORDER BY id FOR UPDATE
            ), noted AS (
                UPDATE conversations AS v
                SET delivered_until = greatest(v.delivered_until, t.delivered),
                    read_until = greatest(v.read_until, t.read)
                FROM (SELECT id, max(delivered) AS delivered, max(read) AS read FROM found GROUP BY id) AS t
                WHERE v.id = t.id AND v.id IN (SELECT id FROM locked)
            )
            SELECT id, seer, max(delivered) AS delivered, max(read) AS read FROM found
            WHERE id IS NOT NULL GROUP BY id, seer
            """,
            channel_id,
            self.tx.organization_id,
            [each.kind for each in several],
            [each.blind for each in several],
            [each.delivered for each in several],
            [each.read for each in several],
        )

    async def lock_sent_until(self, seen: Sequence[Row]) -> list[tuple[Standing, Row]]:
        """Messages of ours that were sent until then and stand lower, each with what was seen of it.

        At most 500 of each conversation, the newest.
        """
        rows = await self.tx.fetch(
            STANDING  # noqa: S608 - a constant
            + """
            WHERE m.id = ANY (ARRAY(
                SELECT sent.id
                FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
                    AS t (conversation_id, seer, delivered, read)
                JOIN conversations c ON c.id = t.conversation_id
                CROSS JOIN LATERAL (
                    SELECT s.id FROM messages s
                    WHERE s.conversation_id = t.conversation_id AND s.organization_id = $1 AND s.direction = 'out'
                      AND s.kind <> 'parts'
                      AND s.status IN ('queued', 'unconfirmed', 'sent', 'delivered')
                      AND coalesce(s.owner_id, c.origin_id, c.contact_id) = t.seer
                      AND (s.status = 'sent' AND s.status_at <= t.delivered + interval '1 second'
                           OR s.status IN ('sent', 'delivered') AND s.status_at <= t.read + interval '1 second')
                    ORDER BY s.sequence DESC LIMIT 500
                ) AS sent
            )) AND m.organization_id = $1
            ORDER BY m.id FOR UPDATE OF m
            """,
            self.tx.organization_id,
            [row["id"] for row in seen],
            [row["seer"] for row in seen],
            [row["delivered"] for row in seen],
            [row["read"] for row in seen],
        )
        by_whom = {(row["id"], row["seer"]): row for row in seen}
        found = [standing_of(row) for row in rows]
        return [
            (each, by_whom[each.conversation_id, each.contact_id])
            for each in found
            if (each.conversation_id, each.contact_id) in by_whom
        ]

    async def often(self, conversation_ids: Collection[UUID], more_than: int, within: timedelta) -> list[Row]:
        """Those of these conversations in which more was written than that; of the others nothing need be known.

        Of each: messages of the last day, also what still waits, and when broadcasts left by the same channel within
        that time.
        """
        return await self.tx.fetch(
            """
            SELECT v.id AS conversation_id, ours.ids AS message_ids, theirs.times AS broadcasts
            FROM conversations v
            CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(m.id), '{}') AS ids FROM messages m
                WHERE m.conversation_id = v.id AND m.organization_id = $2 AND m.direction = 'out'
                  AND m.kind <> 'parts' AND m.provider_time > (SELECT kit_now() - interval '1 day')
            ) AS ours
            CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(coalesce(r.sent_at, r.state_at)), '{}') AS times
                FROM broadcast_recipients r JOIN broadcasts b ON b.id = r.broadcast_id AND b.channel_id = v.channel_id
                WHERE r.contact_id = v.contact_id AND r.organization_id = $2
                  AND r.state IN ('handed', 'unknown', 'unconfirmed', 'sent', 'delivered', 'read')
                  AND coalesce(r.sent_at, r.state_at) > (SELECT kit_now() - $4::interval)
            ) AS theirs
            WHERE v.id = ANY ($1) AND v.organization_id = $2
              AND cardinality(ours.ids) + cardinality(theirs.times) > $3
            """,
            list(conversation_ids),
            self.tx.organization_id,
            more_than,
            within,
        )

    async def seen_until(self, conversation_id: UUID) -> tuple[datetime | None, datetime | None]:
        """Until when the contact has received, and read, what was sent."""
        row = await self.tx.fetchrow(
            "SELECT delivered_until, read_until FROM conversations WHERE id = $1 AND organization_id = $2",
            conversation_id,
            self.tx.organization_id,
        )
        return (None, None) if row is None else (row["delivered_until"], row["read_until"])

    async def lock(
        self, channel_id: UUID, message_ids: Collection[UUID], provider_blinds: Collection[bytes]
    ) -> dict[UUID | bytes | None, Standing]:
        """Messages of ours on this channel for update, by our id and by the platform's."""
        rows = await self.tx.fetch(
            STANDING  # noqa: S608 - constants
            + """
            WHERE m.id IN (
                SELECT id FROM messages WHERE id = ANY ($1) AND channel_id = $2 AND organization_id = $4
                UNION
                SELECT id FROM messages WHERE channel_id = $2 AND provider_blind = ANY ($3) AND organization_id = $4
            ) AND m.organization_id = $4 AND m.direction = 'out'
            ORDER BY m.id FOR UPDATE OF m
            """,
            list(message_ids),
            channel_id,
            list(provider_blinds),
            self.tx.organization_id,
        )
        found = [standing_of(row) for row in rows]
        by_blind: dict[UUID | bytes | None, Standing] = {each.provider_blind: each for each in found}
        by_blind.pop(None, None)
        return by_blind | {each.id: each for each in found}

    async def report(self, channel_id: UUID, reports: Sequence[Reported]) -> None:
        """Add reports; those that are there already change nothing."""
        await self.tx.execute(
            """
            INSERT INTO message_receipts (
                organization_id, channel_id, provider_blind, status, provider_time, code, reason
            )
            SELECT $1, $2, t.* FROM unnest($3::bytea[], $4::text[], $5::timestamptz[], $6::text[], $7::text[]) AS t
            ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            channel_id,
            [each.provider_blind for each in reports],
            [each.status for each in reports],
            [each.provider_time for each in reports],
            [each.code for each in reports],
            [each.reason for each in reports],
        )

    async def reports(self, channel_id: UUID, provider_blinds: Collection[bytes]) -> list[Reported]:
        """All that was reported of these messages, in the order of the platform's times."""
        rows = await self.tx.fetch(
            """
            SELECT provider_blind, status, provider_time, code, reason FROM message_receipts
            WHERE channel_id = $1 AND provider_blind = ANY ($2) AND organization_id = $3
            ORDER BY provider_time
            """,
            channel_id,
            list(provider_blinds),
            self.tx.organization_id,
        )
        return [
            Reported(row["provider_blind"], Status(row["status"]), row["provider_time"], row["code"], row["reason"])
            for row in rows
        ]

    async def stand(self, risen: Sequence[tuple[Standing, Reported]]) -> None:
        """Write new statuses with what raised them; the caller has locked the rows."""
        await self.tx.execute(
            """
            UPDATE messages AS m
            SET status = t.status, status_at = t.at, failure_code = t.code, failure_reason = t.reason,
                version = t.version
            FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bigint[])
                AS t (id, status, at, code, reason, version)
            WHERE m.id = t.id AND m.organization_id = $1
            """,
            self.tx.organization_id,
            [each.id for each, _ in risen],
            [each.status for each, _ in risen],
            [report.provider_time for _, report in risen],
            [report.code for _, report in risen],
            [report.reason for _, report in risen],
            [each.version for each, _ in risen],
        )
