from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.consent.model import Answer, Asked, Purpose, Standing, Wish, shown
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, END_OF_TIME, new_id

_ONE: Final = """
    SELECT coalesce(merged_into, id) FROM contacts WHERE id = $1 AND organization_id = $2
    UNION ALL
    SELECT m.id FROM contacts AS asked JOIN contacts AS m ON m.merged_into = coalesce(asked.merged_into, asked.id)
    WHERE asked.id = $1 AND asked.organization_id = $2 AND m.organization_id = $2
"""
"""The contacts that are shown as the same one as $1."""


@dataclass(frozen=True, slots=True)
class ConsentRepository:
    """Wishes of the contacts of the transaction's organization; each stays with whom it was recorded of."""

    tx: Transaction

    async def record(
        self, wishes: Sequence[Wish], proofs: Sequence[bytes | None], import_id: UUID | None = None
    ) -> None:
        """Add these to the history; the newest becomes the state now, and of two of one time the withdrawal."""
        await self.tx.execute(
            """
            WITH told AS MATERIALIZED (
                SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                                     $8::text[], $9::bytea[], $10::timestamptz[])
                    AS t (id, contact_id, channel_kind, purpose, state, source, policy_version, proof, at)
            ), kept AS (
                INSERT INTO consent_entries (id, organization_id, contact_id, channel_kind, purpose, state, source,
                                             policy_version, proof_sealed, at, import_id)
                SELECT id, $1, contact_id, channel_kind, purpose, state, source, policy_version, proof, at, $11
                FROM told
            ), newest AS (
                SELECT DISTINCT ON (contact_id, channel_kind, purpose) *,
                       bool_or(state = 'granted') OVER (PARTITION BY contact_id, channel_kind, purpose) AS granted
                FROM told ORDER BY contact_id, channel_kind, purpose, at DESC, state = 'withdrawn' DESC, id DESC
            )
            INSERT INTO consents AS c (organization_id, contact_id, channel_kind, purpose, state, ever_granted,
                                       source, policy_version, at)
            SELECT $1, contact_id, channel_kind, purpose, state, granted, source, policy_version, at FROM newest
            ON CONFLICT (contact_id, channel_kind, purpose) DO UPDATE SET
                ever_granted = c.ever_granted OR excluded.ever_granted,
                (state, source, policy_version, at) = (
                    SELECT t.state, t.source, t.policy_version, t.at
                    FROM (VALUES (c.state, c.source, c.policy_version, c.at, 0),
                                 (excluded.state, excluded.source, excluded.policy_version, excluded.at, 1))
                        AS t (state, source, policy_version, at, later)
                    ORDER BY t.at DESC, t.state = 'withdrawn' DESC, t.later DESC LIMIT 1
                )
            """,
            self.tx.organization_id,
            [new_id() for _ in wishes],
            [each.contact_id for each in wishes],
            [each.channel_kind for each in wishes],
            [each.purpose for each in wishes],
            [each.state for each in wishes],
            [each.source for each in wishes],
            [each.policy_version for each in wishes],
            list(proofs),
            [each.at for each in wishes],
            import_id,
        )

    async def grant(
        self, contact_ids: Sequence[UUID], channel_kind: str, purpose: Purpose, policy_version: str, import_id: UUID
    ) -> None:
        """That these new contacts, of whom nothing was recorded before, have all agreed, as an import says."""
        await self.tx.execute(
            """
            WITH told AS MATERIALIZED (
                SELECT t.id, t.contact_id, now.at FROM (SELECT kit_now() AS at OFFSET 0) AS now
                CROSS JOIN unnest($2::uuid[], $3::uuid[]) AS t (id, contact_id)
            ), kept AS (
                INSERT INTO consent_entries (id, organization_id, contact_id, channel_kind, purpose, state, source,
                                             policy_version, at, created_at, import_id)
                SELECT id, $1, contact_id, $4, $5, 'granted', 'import', $6, at, at, $7 FROM told
            )
            INSERT INTO consents (organization_id, contact_id, channel_kind, purpose, state, ever_granted, source,
                                  policy_version, at)
            SELECT $1, contact_id, $4, $5, 'granted', true, 'import', $6, at FROM told
            """,
            self.tx.organization_id,
            [new_id() for _ in contact_ids],
            contact_ids,
            channel_kind,
            purpose,
            policy_version,
            import_id,
        )

    async def take_back(self, import_id: UUID, contact_ids: Sequence[UUID]) -> None:
        """What an import said of these was never said: what others recorded of them counts, or nothing does."""
        rows = await self.tx.fetch(
            """
            DELETE FROM consent_entries WHERE contact_id = ANY ($3) AND organization_id = $1 AND import_id = $2
            RETURNING contact_id, channel_kind, purpose
            """,
            self.tx.organization_id,
            import_id,
            list(contact_ids),
        )
        told = {(row["contact_id"], row["channel_kind"], row["purpose"]) for row in rows}
        await self.tx.execute(
            """
            WITH told AS MATERIALIZED (
                SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[]) AS t (contact_id, channel_kind, purpose)
            ), newest AS MATERIALIZED (
                SELECT DISTINCT ON (contact_id, channel_kind, purpose) contact_id, channel_kind, purpose, e.state,
                       e.source, e.policy_version, e.at,
                       bool_or(e.state = 'granted') OVER (PARTITION BY contact_id, channel_kind, purpose) AS granted
                FROM told JOIN consent_entries AS e USING (contact_id, channel_kind, purpose)
                WHERE e.organization_id = $1
                ORDER BY contact_id, channel_kind, purpose, e.at DESC, e.state = 'withdrawn' DESC, e.id DESC
            ), gone AS (
                DELETE FROM consents AS c USING told AS t
                WHERE (c.contact_id, c.channel_kind, c.purpose) = (t.contact_id, t.channel_kind, t.purpose)
                  AND c.organization_id = $1 AND NOT EXISTS (
                    SELECT FROM newest AS n WHERE (n.contact_id, n.channel_kind, n.purpose)
                                                = (t.contact_id, t.channel_kind, t.purpose))
            )
            UPDATE consents AS c SET state = n.state, source = n.source, policy_version = n.policy_version, at = n.at,
                                     ever_granted = n.granted
            FROM newest AS n
            WHERE (c.contact_id, c.channel_kind, c.purpose) = (n.contact_id, n.channel_kind, n.purpose)
              AND c.organization_id = $1
            """,
            self.tx.organization_id,
            [contact_id for contact_id, _, _ in told],
            [channel_kind for _, channel_kind, _ in told],
            [purpose for _, _, purpose in told],
        )

    async def ask(self, asked: Sequence[Asked]) -> Mapping[Asked, Answer]:
        """May these be written to, in one question; one who is not there is left out.

        To be asked in the transaction that orders the sending, or that hands it to the platform: what was withdrawn
        and committed before counts.
        """
        rows = await self.tx.fetch(
            """
            WITH asked AS MATERIALIZED (
                SELECT DISTINCT * FROM unnest($2::uuid[], $3::text[], $4::text[])
                    AS t (contact_id, channel_kind, purpose)
            ), heads AS MATERIALIZED (
                SELECT c.id AS contact_id, coalesce(c.merged_into, c.id) AS head
                FROM contacts AS c
                WHERE c.id = ANY ($2::uuid[]) AND c.organization_id = $1
            ), people AS MATERIALIZED (
                SELECT h.contact_id, m.id AS member, m.blocked_at FROM heads AS h JOIN contacts AS m ON m.id = h.head
                WHERE m.id = ANY (ARRAY(SELECT head FROM heads))
                UNION ALL
                SELECT h.contact_id, m.id, m.blocked_at FROM heads AS h JOIN contacts AS m ON m.merged_into = h.head
                WHERE m.merged_into = ANY (ARRAY(SELECT head FROM heads))
            ), blocked AS MATERIALIZED (
                SELECT contact_id, bool_or(blocked_at IS NOT NULL) AS barred FROM people GROUP BY contact_id
            ), newest AS MATERIALIZED (
                SELECT DISTINCT ON (p.contact_id, s.channel_kind, s.purpose)
                       p.contact_id, s.channel_kind, s.purpose, s.state,
                       bool_or(s.ever_granted) OVER (PARTITION BY p.contact_id, s.channel_kind, s.purpose) AS granted
                FROM people AS p JOIN consents AS s ON s.contact_id = p.member AND s.organization_id = $1
                WHERE s.contact_id = ANY (ARRAY(SELECT member FROM people))
                ORDER BY p.contact_id, s.channel_kind, s.purpose, s.at DESC, s.state = 'withdrawn' DESC
            )
            SELECT a.contact_id, a.channel_kind, a.purpose, b.barred AS blocked, n.state,
                   coalesce(n.granted, false) AS ever_granted
            FROM asked AS a
            JOIN blocked AS b USING (contact_id)
            LEFT JOIN newest AS n USING (contact_id, channel_kind, purpose)
            """,
            self.tx.organization_id,
            [each.contact_id for each in asked],
            [each.channel_kind for each in asked],
            [each.purpose for each in asked],
        )
        return {
            Asked(row["contact_id"], row["channel_kind"], row["purpose"]): Answer(
                shown(row["state"], ever_granted=row["ever_granted"]), row["blocked"]
            )
            for row in rows
        }

    async def ask_for(
        self, contact_ids: Sequence[UUID], channel_kind: str, purpose: Purpose
    ) -> Mapping[UUID, Answer]:
        """The same for many contacts and one purpose on one kind of channel, by contact."""
        answers = await self.ask([Asked(each, channel_kind, purpose) for each in contact_ids])
        return {each.contact_id: answer for each, answer in answers.items()}

    async def refused(
        self, contact_ids: Collection[UUID], channel_kind: str, purpose: Purpose, *, needs_grant: bool
    ) -> Mapping[UUID, Answer]:
        """The same for very many, of whom few are refused: those few, by contact."""
        rows = await self.tx.fetch(
            """
            WITH heads AS MATERIALIZED (
                SELECT id AS contact_id, coalesce(merged_into, id) AS head FROM contacts
                WHERE id = ANY ($2::uuid[]) AND organization_id = $1
            ), members AS MATERIALIZED (
                SELECT id, id AS head, blocked_at FROM contacts
                WHERE id = ANY (ARRAY(SELECT head FROM heads)) AND organization_id = $1
                UNION ALL
                SELECT id, merged_into, blocked_at FROM contacts
                WHERE merged_into = ANY (ARRAY(SELECT head FROM heads)) AND organization_id = $1
            ), standing AS MATERIALIZED (
                SELECT m.head, bool_or(m.blocked_at IS NOT NULL) AS blocked,
                       coalesce(bool_or(s.ever_granted), false) AS ever_granted,
                       (array_agg(s.state ORDER BY s.at DESC, s.state = 'withdrawn' DESC)
                            FILTER (WHERE s.state IS NOT NULL))[1] AS state
                FROM members AS m
                LEFT JOIN consents AS s ON s.contact_id = m.id AND s.channel_kind = $3 AND s.purpose = $4
                    AND s.contact_id = ANY (ARRAY(SELECT id FROM members)) AND s.organization_id = $1
                GROUP BY m.head
            )
            SELECT h.contact_id, t.blocked, t.ever_granted, t.state
            FROM standing AS t JOIN heads AS h USING (head)
            WHERE t.blocked OR t.state = 'withdrawn'
               OR ($5 AND (t.state IS NULL OR (t.state = 'resumed' AND NOT t.ever_granted)))
            """,
            self.tx.organization_id,
            list(contact_ids),
            channel_kind,
            purpose,
            needs_grant,
        )
        return {
            row["contact_id"]: Answer(shown(row["state"], ever_granted=row["ever_granted"]), row["blocked"])
            for row in rows
        }

    async def of(self, contact_id: UUID) -> list[Standing]:
        """How this contact, with all that are shown as the same, stands to each purpose that was spoken of."""
        rows = await self.tx.fetch(
            f"""
            SELECT DISTINCT ON (channel_kind, purpose) channel_kind, purpose, state, source, policy_version, at,
                   bool_or(ever_granted) OVER (PARTITION BY channel_kind, purpose) AS granted
            FROM consents WHERE organization_id = $2 AND contact_id IN ({_ONE})
            ORDER BY channel_kind, purpose, at DESC, state = 'withdrawn' DESC
            """,  # noqa: S608 - a constant of this file
            contact_id,
            self.tx.organization_id,
        )
        return [
            Standing(
                row["channel_kind"],
                row["purpose"],
                shown(row["state"], ever_granted=row["granted"]),
                row["source"],
                row["policy_version"],
                row["at"],
            )
            for row in rows
        ]

    async def history(self, contact_id: UUID, after: tuple[datetime, UUID] | None, limit: int) -> list[Row]:
        """What was recorded of them, the newest first."""
        at, entry_id = after or (END_OF_TIME, AFTER_ALL)
        return await self.tx.fetch(
            f"""
            SELECT id, contact_id, channel_kind, purpose, state, source, policy_version, proof_sealed, at, created_at
            FROM consent_entries
            WHERE organization_id = $2 AND contact_id IN ({_ONE}) AND (at, id) < ($3, $4)
            ORDER BY at DESC, id DESC LIMIT $5
            """,  # noqa: S608 - a constant of this file
            contact_id,
            self.tx.organization_id,
            at,
            entry_id,
            limit,
        )

    async def delete(self, members: Sequence[UUID], at_most: int) -> dict[str, int]:
        """Delete what is kept of these, of the history as many lines; rows by table."""
        entries = await self.tx.execute(
            """
            DELETE FROM consent_entries WHERE id IN (
                SELECT id FROM consent_entries WHERE contact_id = ANY ($1) AND organization_id = $2 LIMIT $3
            )
            """,
            list(members),
            self.tx.organization_id,
            at_most,
        )
        states = await self.tx.execute(
            "DELETE FROM consents WHERE contact_id = ANY ($1) AND organization_id = $2",
            list(members),
            self.tx.organization_id,
        )
        return {"consent_entries": entries, "consents": states}


@dataclass(frozen=True, slots=True)
class BlockRepository:
    """Contacts of whom nobody wants to hear, in the transaction's organization."""

    tx: Transaction

    async def block(self, contact_id: UUID) -> list[UUID]:
        """Block a contact and all that are shown as the same; those that were not."""
        rows = await self.tx.fetch(
            f"""
            UPDATE contacts SET blocked_at = kit_now(), version = version + 1, changed_at = kit_now()
            WHERE organization_id = $2 AND id IN ({_ONE}) AND blocked_at IS NULL RETURNING id
            """,  # noqa: S608 - a constant of this file
            contact_id,
            self.tx.organization_id,
        )
        return [row["id"] for row in rows]

    async def unblock(self, contact_id: UUID) -> list[UUID]:
        """Let them in again, and all that are shown as the same; those that were blocked."""
        rows = await self.tx.fetch(
            f"""
            UPDATE contacts SET blocked_at = NULL, version = version + 1, changed_at = kit_now()
            WHERE organization_id = $2 AND id IN ({_ONE}) AND blocked_at IS NOT NULL RETURNING id
            """,  # noqa: S608 - a constant of this file
            contact_id,
            self.tx.organization_id,
        )
        return [row["id"] for row in rows]

    async def put_away(self, contact_id: UUID) -> list[Row]:
        """Resolve what is open with them; those conversations, as `tell_all_changed` takes them."""
        return await self.tx.fetch(
            f"""
            UPDATE conversations
            SET state = 'resolved', snoozed_until = NULL, waiting_since = NULL, queued_at = NULL,
                version = version + 1, changed_at = kit_now()
            WHERE organization_id = $2 AND contact_id IN ({_ONE}) AND state <> 'resolved' AND continued_in IS NULL
            RETURNING id, organization_id, state, assignee_id, unread_count, version, team_id, priority
            """,  # noqa: S608 - a constant of this file
            contact_id,
            self.tx.organization_id,
        )

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Row]:
        """Blocked contacts, the one blocked last first."""
        at, contact_id = after or (END_OF_TIME, AFTER_ALL)
        return await self.tx.fetch(
            """
            SELECT id, blocked_at FROM contacts
            WHERE organization_id = $1 AND blocked_at IS NOT NULL AND merged_into IS NULL
              AND (blocked_at, id) < ($2, $3)
            ORDER BY blocked_at DESC, id DESC LIMIT $4
            """,
            self.tx.organization_id,
            at,
            contact_id,
            limit,
        )
