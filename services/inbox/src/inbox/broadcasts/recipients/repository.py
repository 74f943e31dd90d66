from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.broadcasts.model import OPEN
from kit.db.database import Row, Transaction

# From lowest to highest: what a report may raise, and never back.
_RANK: Final = """
    CASE {state} WHEN 'waiting' THEN 0 WHEN 'handed' THEN 1 WHEN 'unknown' THEN 2 WHEN 'cancelled' THEN 2
        WHEN 'skipped' THEN 2 WHEN 'unconfirmed' THEN 3 WHEN 'sent' THEN 4 WHEN 'failed' THEN 5
        WHEN 'delivered' THEN 6 ELSE 7 END
"""


@dataclass(frozen=True, slots=True)
class NewRecipient:
    """Somebody as they are written down."""

    id: UUID
    contact_id: UUID
    variant: int = 0
    country: str = ""
    zone: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: where it stands now, and why."""

    id: UUID
    state: str
    at: datetime
    code: str = ""
    sort: str = ""
    provider_blind: bytes | None = None
    provider_sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody has answered, has pressed a button, wants no more."""

    id: UUID
    at: datetime
    pressed: bool = False
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class RecipientRepository:
    """Recipients of the transaction's organization."""

    tx: Transaction

    async def add(self, broadcast_id: UUID, several: Sequence[NewRecipient]) -> int:
        """Write recipients down; who is one already stays as they are."""
        return await self.tx.execute(
            """
            INSERT INTO broadcast_recipients
                (id, organization_id, broadcast_id, contact_id, variant, country, zone, due_at)
            SELECT t.id, $1, $2, t.contact_id, t.variant, t.country, t.zone, t.due_at
            FROM unnest($3::uuid[], $4::uuid[], $5::smallint[], $6::text[], $7::text[], $8::timestamptz[])
                AS t (id, contact_id, variant, country, zone, due_at)
            ON CONFLICT (broadcast_id, contact_id) DO NOTHING
            """,
            self.tx.organization_id,
            broadcast_id,
            [each.id for each in several],
            [each.contact_id for each in several],
            [each.variant for each in several],
            [each.country for each in several],
            [each.zone for each in several],
            [each.due_at for each in several],
        )

    async def take(self, broadcast_id: UUID, at_most: int) -> list[Row]:
        """The next who are due, locked; nobody else takes them meanwhile."""
        return await self.tx.fetch(
            """
            SELECT id, contact_id, zone FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND state = 'waiting'
              AND (due_at IS NULL OR due_at <= (SELECT kit_now()))
            ORDER BY due_at NULLS FIRST, id LIMIT $3 FOR UPDATE SKIP LOCKED
            """,
            broadcast_id,
            self.tx.organization_id,
            at_most,
        )

    async def hand(self, recipient_ids: Sequence[UUID]) -> None:
        """They are with the ledger now."""
        await self.tx.execute(
            """
            UPDATE broadcast_recipients SET state = 'handed', state_at = (SELECT kit_now())
            WHERE id = ANY ($1) AND organization_id = $2 AND state = 'waiting'
            """,
            list(recipient_ids),
            self.tx.organization_id,
        )

    async def put_off(self, until: Mapping[UUID, datetime]) -> None:
        """Not before these times."""
        await self.tx.execute(
            """
            UPDATE broadcast_recipients AS r SET due_at = t.due_at
            FROM unnest($2::uuid[], $3::timestamptz[]) AS t (id, due_at)
            WHERE r.id = t.id AND r.organization_id = $1 AND r.state = 'waiting'
            """,
            self.tx.organization_id,
            list(until),
            list(until.values()),
        )

    async def handed(self, broadcast_id: UUID) -> list[UUID]:
        """Who is with the ledger and has not left, or not for certain."""
        rows = await self.tx.fetch(
            """
            SELECT id FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND state IN ('handed', 'unknown') ORDER BY id
            """,
            broadcast_id,
            self.tx.organization_id,
        )
        return [row["id"] for row in rows]

    async def count_handed(self, broadcast_id: UUID) -> int:
        """How many are with the ledger and wait to leave."""
        found: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND state = 'handed'
            """,
            broadcast_id,
            self.tx.organization_id,
        )
        return found

    async def next_due(self, broadcast_id: UUID) -> tuple[bool, datetime | None]:
        """Whether anybody waits, and from when on the first of them may be written to; None is at once."""
        row = await self.tx.fetchrow(
            """
            SELECT due_at FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND state = 'waiting'
            ORDER BY due_at NULLS FIRST, id LIMIT 1
            """,
            broadcast_id,
            self.tx.organization_id,
        )
        return (False, None) if row is None else (True, row["due_at"])

    async def unreached(self, broadcast_id: UUID, child_id: UUID, sorts: Sequence[str], at_most: int) -> list[UUID]:
        """Contacts whom it did not reach for reasons of these sorts, and who are not yet in the other one."""
        rows = await self.tx.fetch(
            """
            SELECT r.contact_id FROM broadcast_recipients r
            WHERE r.broadcast_id = $1 AND r.organization_id = $3 AND r.class = ANY ($4) AND NOT EXISTS (
                SELECT FROM broadcast_recipients c WHERE c.broadcast_id = $2 AND c.contact_id = r.contact_id)
            LIMIT $5
            """,
            broadcast_id,
            child_id,
            self.tx.organization_id,
            list(sorts),
            at_most,
        )
        return [row["contact_id"] for row in rows]

    async def any_open(self, broadcast_id: UUID) -> bool:
        """Whether anything may still become of somebody."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (SELECT FROM broadcast_recipients
                           WHERE broadcast_id = $1 AND organization_id = $2 AND state = ANY ($3))
            """,
            broadcast_id,
            self.tx.organization_id,
            list(OPEN),
        )
        return found

    async def cancel(self, broadcast_id: UUID, at_most: int) -> int:
        """Whoever waits gets it no more, as many at once; how many."""
        return await self.tx.execute(
            """
            UPDATE broadcast_recipients
            SET state = 'cancelled', state_at = kit_now(), code = 'cancelled', class = 'cancelled'
            WHERE id = ANY (ARRAY(
                SELECT id FROM broadcast_recipients
                WHERE broadcast_id = $1 AND organization_id = $2 AND state = 'waiting' LIMIT $3 FOR UPDATE
            )) AND organization_id = $2
            """,
            broadcast_id,
            self.tx.organization_id,
            at_most,
        )

    async def take_back(self, recipient_ids: Sequence[UUID]) -> None:
        """Those whose message was still with us and was cancelled."""
        await self.tx.execute(
            """
            UPDATE broadcast_recipients
            SET state = 'cancelled', state_at = kit_now(), code = 'cancelled', class = 'cancelled'
            WHERE id = ANY ($1) AND organization_id = $2 AND state = 'handed'
            """,
            list(recipient_ids),
            self.tx.organization_id,
        )

    async def to_send(self, recipient_ids: Sequence[UUID]) -> list[Row]:
        """What sending takes of each recipient, and whether they wanted no more of the channel."""
        return await self.tx.fetch(
            """
            SELECT r.id, r.broadcast_id, r.variant, r.zone, coalesce(c.merged_into, c.id) AS contact_id,
                   EXISTS (SELECT FROM conversations v
                           WHERE v.contact_id = coalesce(c.merged_into, c.id) AND v.channel_id = b.channel_id
                             AND v.continued_in IS NULL AND v.opted_out) AS opted_out
            FROM broadcast_recipients r
            JOIN contacts c ON c.id = r.contact_id
            JOIN broadcasts b ON b.id = r.broadcast_id
            WHERE r.id = ANY ($1) AND r.organization_id = $2
            """,
            list(recipient_ids),
            self.tx.organization_id,
        )

    async def lines(self, broadcast_ids: Collection[UUID]) -> dict[UUID, Row]:
        """By what these broadcasts leave, and what time it is, by broadcast."""
        rows = await self.tx.fetch(
            """
            SELECT b.id, ch.state, ch.kind, ch.phone_number_id, ch.token_sealed, ch.display_name, ch.display_number,
                   kit_now() AS now
            FROM broadcasts b JOIN channels ch ON ch.id = b.channel_id
            WHERE b.id = ANY ($1) AND b.organization_id = $2
            """,
            list(broadcast_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row for row in rows}

    async def settle(self, outcomes: Sequence[Outcome]) -> int:
        """Write what became of these; a lower standing changes nothing but what was not known yet.

        The rows are locked in the order of their ids.
        """
        rank_now, rank_then = _RANK.format(state="r.state"), _RANK.format(state="t.state")
        return await self.tx.execute(
            f"""
            WITH locked AS MATERIALIZED (
                SELECT id FROM broadcast_recipients WHERE id = ANY ($2::uuid[]) AND organization_id = $1
                ORDER BY id FOR UPDATE
            )
            UPDATE broadcast_recipients AS r
            SET state = CASE WHEN {rank_then} > {rank_now} THEN t.state ELSE r.state END,
                state_at = CASE WHEN {rank_then} > {rank_now} THEN t.at ELSE r.state_at END,
                code = CASE WHEN {rank_then} > {rank_now} THEN t.code ELSE r.code END,
                class = CASE WHEN {rank_then} > {rank_now} THEN t.class ELSE r.class END,
                sent_at = CASE WHEN t.state IN ('sent', 'delivered', 'read')
                    THEN least(coalesce(r.sent_at, t.at), t.at) ELSE r.sent_at END,
                provider_blind = coalesce(r.provider_blind, t.blind),
                provider_sealed = coalesce(r.provider_sealed, t.sealed)
            FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bytea[], $8::bytea[])
                AS t (id, state, at, code, class, blind, sealed)
            WHERE r.id = t.id AND r.id = ANY (ARRAY(SELECT id FROM locked)) AND r.organization_id = $1
              AND ({rank_then} > {rank_now} OR (r.provider_blind IS NULL AND t.blind IS NOT NULL))
            """,  # noqa: S608 - constants of this file
            self.tx.organization_id,
            [each.id for each in outcomes],
            [each.state for each in outcomes],
            [each.at for each in outcomes],
            [each.code for each in outcomes],
            [each.sort for each in outcomes],
            [each.provider_blind for each in outcomes],
            [each.provider_sealed for each in outcomes],
        )

    async def reopen(self, recipient_ids: Sequence[UUID]) -> None:
        """They are to be called again: a person has decided that, or it was found not to have left."""
        await self.tx.execute(
            """
            UPDATE broadcast_recipients SET state = 'handed', state_at = kit_now(), code = '', class = ''
            WHERE id = ANY ($1) AND organization_id = $2 AND state IN ('unknown', 'unconfirmed', 'failed')
            """,
            list(recipient_ids),
            self.tx.organization_id,
        )

    async def of(self, recipient_ids: Collection[UUID]) -> dict[UUID, Row]:
        """Whose these are and of which broadcast, by id."""
        rows = await self.tx.fetch(
            """
            SELECT id, broadcast_id, contact_id, state, provider_blind FROM broadcast_recipients
            WHERE id = ANY ($1) AND organization_id = $2
            """,
            list(recipient_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row for row in rows}

    async def lately_sent(self, channel_id: UUID, contact_ids: Collection[UUID], since: datetime) -> list[Row]:
        """The last broadcast that each of these contacts got on a channel since then, whoever is shown as them."""
        return await self.tx.fetch(
            """
            SELECT DISTINCT ON (head) r.id, r.broadcast_id, r.contact_id, r.variant, r.state, r.sent_at,
                   r.provider_blind, r.provider_sealed, r.replied_at, coalesce(c.merged_into, c.id) AS head
            FROM contacts c
            JOIN broadcast_recipients r ON r.contact_id = c.id
            JOIN broadcasts b ON b.id = r.broadcast_id
            WHERE (c.id = ANY ($2) OR c.merged_into = ANY ($2)) AND c.organization_id = $3 AND b.channel_id = $1
              AND r.state IN ('sent', 'delivered', 'read') AND r.sent_at > $4
            ORDER BY head, r.sent_at DESC
            """,
            channel_id,
            list(contact_ids),
            self.tx.organization_id,
            since,
        )

    async def answer(self, answers: Sequence[Answer]) -> None:
        """Note the first answer of each, the first press of a button, and that they want no more."""
        await self.tx.execute(
            """
            UPDATE broadcast_recipients AS r
            SET replied_at = coalesce(r.replied_at, t.at),
                clicked_at = CASE WHEN t.pressed THEN coalesce(r.clicked_at, t.at) ELSE r.clicked_at END,
                opted_out_at = CASE WHEN t.out THEN coalesce(r.opted_out_at, t.at) ELSE r.opted_out_at END
            FROM (
                SELECT id, min(at) AS at, bool_or(pressed) AS pressed, bool_or(out) AS out
                FROM unnest($2::uuid[], $3::timestamptz[], $4::boolean[], $5::boolean[]) AS t (id, at, pressed, out)
                GROUP BY id
            ) AS t
            WHERE r.id = t.id AND r.organization_id = $1
            """,
            self.tx.organization_id,
            [each.id for each in answers],
            [each.at for each in answers],
            [each.pressed for each in answers],
            [each.opted_out for each in answers],
        )

    async def page(
        self,
        broadcast_id: UUID,
        after: UUID | None,
        limit: int,
        *,
        states: Sequence[str] | None = None,
        sort: str | None = None,
    ) -> list[Row]:
        """Recipients by id, of some states or with one sort of reason."""
        return await self.tx.fetch(
            """
            SELECT id, contact_id, variant, country, state, state_at, code, class, sent_at, replied_at, clicked_at,
                   opted_out_at, due_at
            FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND ($3::uuid IS NULL OR id > $3)
              AND ($4::text[] IS NULL OR state = ANY ($4)) AND ($5::text IS NULL OR class = $5)
            ORDER BY id LIMIT $6
            """,
            broadcast_id,
            self.tx.organization_id,
            after,
            None if states is None else list(states),
            sort,
            limit,
        )

    async def reasons(self, broadcast_id: UUID) -> list[Row]:
        """Why people did not get it, by code, the most frequent first."""
        return await self.tx.fetch(
            """
            SELECT class, code, count(*) AS n FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND class <> ''
            GROUP BY class, code ORDER BY n DESC, code LIMIT 100
            """,
            broadcast_id,
            self.tx.organization_id,
        )

    async def unplaced(self, broadcast_id: UUID) -> int:
        """Of how many of those who wait nobody knows where they are."""
        found: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND state = 'waiting' AND zone = ''
            """,
            broadcast_id,
            self.tx.organization_id,
        )
        return found

    async def countries(self, broadcast_id: UUID) -> list[Row]:
        """How many are in which country, by variant, of those who wait."""
        return await self.tx.fetch(
            """
            SELECT country, variant, count(*) AS n FROM broadcast_recipients
            WHERE broadcast_id = $1 AND organization_id = $2 AND state = 'waiting' GROUP BY country, variant
            """,
            broadcast_id,
            self.tx.organization_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsBroadcasts:
    """What one person was sent, wherever the transaction is bound to; by the contacts that are one."""

    tx: Transaction

    async def page(self, members: Sequence[UUID], after: UUID | None, limit: int) -> list[Row]:
        """What they were sent, by id."""
        return await self.tx.fetch(
            """
            SELECT r.id, r.broadcast_id, b.name, r.contact_id, r.country, r.zone, r.state, r.state_at, r.code,
                   r.sent_at, r.replied_at, r.clicked_at, r.opted_out_at
            FROM broadcast_recipients r JOIN broadcasts b ON b.id = r.broadcast_id
            WHERE r.contact_id = ANY ($1) AND r.organization_id = ANY ($2) AND ($3::uuid IS NULL OR r.id > $3)
            ORDER BY r.id LIMIT $4
            """,
            list(members),
            self.tx.organization_ids,
            after,
            limit,
        )

    async def openings(self, members: Sequence[UUID]) -> list[Row]:
        """When they were last written to first."""
        return await self.tx.fetch(
            """
            SELECT portfolio, contact_id, opened_at FROM portfolio_openings
            WHERE contact_id = ANY ($1) AND organization_id = ANY ($2)
            """,
            list(members),
            self.tx.organization_ids,
        )

    async def delete(self, recipient_ids: Sequence[UUID]) -> int:
        """Delete these; how many."""
        return await self.tx.execute(
            "DELETE FROM broadcast_recipients WHERE id = ANY ($1) AND organization_id = ANY ($2)",
            list(recipient_ids),
            self.tx.organization_ids,
        )

    async def delete_openings(self, members: Sequence[UUID]) -> int:
        """Delete when they were written to first; how many."""
        return await self.tx.execute(
            "DELETE FROM portfolio_openings WHERE contact_id = ANY ($1) AND organization_id = ANY ($2)",
            list(members),
            self.tx.organization_ids,
        )
