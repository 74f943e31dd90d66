from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.contacts.errors import ContactNotFound
from kit.db.database import Row, Transaction
from kit.ids import new_id

HEAD_OF: Final = "(SELECT coalesce(merged_into, id) FROM contacts WHERE id = $1)"
"""The contact as which $1 is shown; conversations are always with such a one."""

MATCHES: Final = "contact-matches"
"""What wakes who merges contacts of which the platform has told that they are one."""


@dataclass(frozen=True, slots=True)
class Held:
    """An identity as its row holds it; `stale` when the row should be told that it was used."""

    kind: str
    blind: bytes
    contact_id: UUID
    scope: str
    left_at: datetime | None
    stale: bool
    name_sealed: bytes | None
    head: UUID
    """The contact as which it is shown: another one, once they were merged."""
    blocked: bool = False
    """Whether nobody wants to hear from the contact, or from the one as which it is shown."""

    def leads(self, at: datetime) -> bool:
        """Whether what was written at this time was written by the contact."""
        return self.left_at is None or at < self.left_at


@dataclass(frozen=True, slots=True)
class NewIdentity:
    """An identity to be kept."""

    kind: str
    blind: bytes
    scope: str
    sealed: bytes


@dataclass(slots=True)
class ContactRepository:
    """Contacts of the transaction's organization and by what they are known.

    What was read ahead answers until this writes something that `holders` would see.
    """

    tx: Transaction
    _ahead: dict[tuple[str, bytes], Held | None] = field(default_factory=dict)
    made: set[UUID] = field(default_factory=set)
    """Contacts that this transaction has made: nobody else knows of them yet."""

    async def read_ahead(self, identities: Collection[tuple[str, bytes]]) -> list[Held]:
        """Ask once for all that `holders` will be asked for."""
        kinds, blinds = [kind for kind, _ in identities], [blind for _, blind in identities]
        held = await self._holders(kinds, blinds)
        self._ahead = dict.fromkeys(identities) | {(each.kind, each.blind): each for each in held}
        return held

    async def alone(self, numbers: Sequence[bytes]) -> bool:
        """Let nobody else make contacts of these numbers until this commits; whether there was any such number.

        What another transaction has just made is seen from now on.
        """
        if not numbers:
            return False
        self._ahead.clear()
        await self.tx.execute(
            """
            SELECT pg_advisory_xact_lock(hashtextextended('contact ' || $1::uuid || encode(number, 'hex'), 0))
            FROM unnest($2::bytea[]) AS t (number)
            """,
            self.tx.organization_id,
            list(numbers),
        )
        return True

    async def holders(self, kinds: Sequence[str], blinds: Sequence[bytes]) -> list[Held]:
        """Who is known by any of these, or was, and what they are called."""
        wanted = dict.fromkeys(zip(kinds, blinds, strict=True))
        if self._ahead.keys() >= wanted.keys():
            return [held for each in wanted if (held := self._ahead[each]) is not None]
        return await self._holders(kinds, blinds)

    async def _holders(self, kinds: Sequence[str], blinds: Sequence[bytes]) -> list[Held]:
        rows = await self.tx.fetch(
            """
            SELECT held.kind, held.blind, held.contact_id, held.scope, held.left_at,
                   held.left_at IS NULL AND held.last_seen_at < kit_now() - interval '1 hour' AS stale,
                   contact.name_sealed, coalesce(contact.merged_into, held.contact_id) AS head,
                   coalesce(contact.blocked_at, shown.blocked_at) IS NOT NULL AS blocked
            FROM unnest($2::text[], $3::bytea[]) AS wanted (kind, blind)  -- one by one, whatever statistics say
            CROSS JOIN LATERAL (SELECT * FROM contact_identities
                WHERE organization_id = $1 AND kind = wanted.kind AND blind = wanted.blind LIMIT 1) AS held
            LEFT JOIN LATERAL (SELECT * FROM contacts
                WHERE id = held.contact_id AND organization_id = $1 LIMIT 1) AS contact ON true
            LEFT JOIN LATERAL (SELECT * FROM contacts
                WHERE id = contact.merged_into AND organization_id = $1 LIMIT 1) AS shown ON true
            """,
            self.tx.organization_id,
            list(kinds),
            list(blinds),
        )
        return [Held(**row) for row in rows]

    async def heads(self, contact_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """As whom each of these is shown just now."""
        rows = await self.tx.fetch(
            """
            SELECT id, coalesce(merged_into, id) AS head FROM contacts WHERE id = ANY ($1) AND organization_id = $2
            """,
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["head"] for row in rows}

    async def scopes(self, contact_id: UUID, kind: str) -> set[str]:
        """The business accounts in which a contact has an id of this kind."""
        rows = await self.tx.fetch(
            "SELECT scope FROM contact_identities WHERE contact_id = $1 AND organization_id = $2 AND kind = $3",
            contact_id,
            self.tx.organization_id,
            kind,
        )
        return {row["scope"] for row in rows}

    async def claim(self, contact_id: UUID, identity: NewIdentity, at: datetime) -> bool:
        """Let a contact be known by this; False when another one is, and had not left it by then.

        Waits for a transaction that is just taking the same identity.
        """
        self._ahead.clear()
        taken = await self.tx.execute(
            """
            INSERT INTO contact_identities AS held (organization_id, kind, blind, contact_id, scope, sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (organization_id, kind, blind) DO UPDATE
            SET contact_id = excluded.contact_id, scope = excluded.scope, sealed = excluded.sealed,
                last_seen_at = kit_now(), left_at = NULL
            WHERE held.left_at <= $7
            """,
            self.tx.organization_id,
            identity.kind,
            identity.blind,
            contact_id,
            identity.scope,
            identity.sealed,
            at,
        )
        return taken == 1

    async def hand_over(self, contact_id: UUID, identity: NewIdentity) -> UUID | None:
        """Let this contact be known by it from now on; who was before, when it was another."""
        self._ahead.clear()
        former: UUID | None = await self.tx.fetchval(
            """
            WITH before AS (
                SELECT contact_id FROM contact_identities WHERE organization_id = $1 AND kind = $2 AND blind = $3
            )
            INSERT INTO contact_identities AS held (organization_id, kind, blind, contact_id, scope, sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (organization_id, kind, blind) DO UPDATE
            SET contact_id = excluded.contact_id, scope = excluded.scope, sealed = excluded.sealed,
                last_seen_at = kit_now(), left_at = NULL
            RETURNING (SELECT nullif(contact_id, $4) FROM before)
            """,
            self.tx.organization_id,
            identity.kind,
            identity.blind,
            contact_id,
            identity.scope,
            identity.sealed,
        )
        return former

    async def leave(self, contact_id: UUID, blinds: Sequence[bytes], at: datetime) -> list[Row]:
        """The contact has not these numbers and ids any more since then; those it had."""
        self._ahead.clear()
        return await self.tx.fetch(
            """
            UPDATE contact_identities SET left_at = $4
            WHERE organization_id = $1 AND blind = ANY ($3) AND contact_id = $2 AND left_at IS NULL
            RETURNING kind, sealed
            """,
            self.tx.organization_id,
            contact_id,
            list(blinds),
            at,
        )

    async def journal(
        self, contact_id: UUID, former_id: UUID | None, change: str, told: Sequence[tuple[str, bytes]], at: datetime
    ) -> None:
        """Keep that identities (kind, sealed) were `left` by a contact, or `taken` over from another one."""
        await self.tx.execute(
            """
            INSERT INTO identity_changes (id, organization_id, contact_id, from_id, kind, change, sealed, at)
            SELECT t.id, $1, $2, $3, t.kind, $4, t.sealed, $5
            FROM unnest($6::uuid[], $7::text[], $8::bytea[]) AS t (id, kind, sealed)
            """,
            self.tx.organization_id,
            contact_id,
            former_id,
            change,
            at,
            [new_id() for _ in told],
            [kind for kind, _ in told],
            [sealed for _, sealed in told],
        )

    async def match(self, one: UUID, other: UUID, rule: str, *, due: bool) -> None:
        """Note that two contacts may be one; a pair that is noted stays as it was decided."""
        first, second = sorted((one, other))
        await self.tx.execute(
            """
            INSERT INTO contact_matches (id, organization_id, first_id, second_id, rule, state)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (organization_id, first_id, second_id) DO UPDATE SET state = 'due', rule = excluded.rule
            WHERE contact_matches.state = 'suggested' AND excluded.state = 'due'
            """,
            new_id(),
            self.tx.organization_id,
            first,
            second,
            rule,
            "due" if due else "suggested",
        )
        if due:
            self.tx.stir(MATCHES)

    async def vacate(self, *contact_ids: UUID) -> None:
        """Whatever these contacts were known by is free, whenever what comes now was written."""
        self._ahead.clear()
        await self.tx.execute(
            """
            UPDATE contact_identities SET left_at = 'epoch'
            WHERE contact_id = ANY ($1) AND organization_id = $2 AND left_at IS DISTINCT FROM 'epoch'
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def seen(self, contact_id: UUID, blinds: Sequence[bytes]) -> None:
        """These identities were used just now; at most one write an hour for each."""
        await self.tx.execute(
            """
            UPDATE contact_identities SET last_seen_at = kit_now()
            WHERE contact_id = $1 AND organization_id = $2 AND blind = ANY ($3)
              AND last_seen_at < kit_now() - interval '1 hour' AND left_at IS NULL
            """,
            contact_id,
            self.tx.organization_id,
            list(blinds),
        )

    async def add(self, contact_id: UUID, name_sealed: bytes | None) -> None:
        """A contact."""
        self._ahead.clear()
        self.made.add(contact_id)
        await self.tx.execute(
            "INSERT INTO contacts (id, organization_id, name_sealed) VALUES ($1, $2, $3)",
            contact_id,
            self.tx.organization_id,
            name_sealed,
        )

    async def rename(self, contact_id: UUID, name_sealed: bytes | None) -> None:
        """Call the contact something else from now on; with None only its version is new."""
        self._ahead.clear()
        await self.tx.execute(
            """
            UPDATE contacts SET name_sealed = coalesce($3, name_sealed), version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            contact_id,
            self.tx.organization_id,
            name_sealed,
        )

    async def nameless(self, contact_ids: Collection[UUID]) -> list[Row]:
        """Those who have no name, with a connected channel on which they wrote."""
        return await self.tx.fetch(
            """
            SELECT DISTINCT ON (t.id) t.id, c.kind AS channel_kind, c.phone_number_id, c.token_sealed
            FROM contacts t
            JOIN conversations v ON v.contact_id = t.id
            JOIN channels c ON c.id = v.channel_id
            WHERE t.id = ANY ($1) AND t.organization_id = $2 AND t.name_sealed IS NULL
              AND c.state = 'connected' AND c.token_sealed IS NOT NULL
            ORDER BY t.id, v.last_message_at DESC
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def name_first(self, contact_id: UUID, name_sealed: bytes) -> int | None:
        """Call the contact so who has no name yet; their version, None when they have one."""
        self._ahead.clear()
        version: int | None = await self.tx.fetchval(
            """
            UPDATE contacts SET name_sealed = $3, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND name_sealed IS NULL
            RETURNING version
            """,
            contact_id,
            self.tx.organization_id,
            name_sealed,
        )
        return version

    async def find(self, contact_id: UUID) -> Row:
        """One contact as its row.

        Raises:
            ContactNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            """
            SELECT id, name_sealed, version, created_at, merged_into FROM contacts
            WHERE id = $1 AND organization_id = $2
            """,
            contact_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ContactNotFound
        return row

    async def lock(self, contact_id: UUID) -> Row:
        """One contact for update.

        Raises:
            ContactNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            "SELECT id, version FROM contacts WHERE id = $1 AND organization_id = $2 FOR NO KEY UPDATE",
            contact_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ContactNotFound
        return row

    async def page(self, before: UUID, limit: int) -> list[Row]:
        """Contacts, the newest first by their ids; those that are shown as another one are left out."""
        return await self.tx.fetch(
            """
            SELECT id, name_sealed, version, created_at, merged_into
            FROM contacts
            WHERE organization_id = $1 AND merged_into IS NULL AND id < $2
            ORDER BY id DESC
            LIMIT $3
            """,
            self.tx.organization_id,
            before,
            limit,
        )

    async def known_as(self, contact_ids: Sequence[UUID]) -> list[Row]:
        """The identities of these contacts, the ones used last first."""
        return await self.tx.fetch(
            """
            SELECT contact_id, kind, sealed, last_seen_at
            FROM contact_identities
            WHERE contact_id = ANY ($1) AND organization_id = $2 AND left_at IS NULL
            ORDER BY contact_id, last_seen_at DESC, kind
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def people(self, heads: Sequence[UUID]) -> list[Row]:
        """Of each of these and of those shown as it: its name, and what it is known by, the last used first."""
        return await self.tx.fetch(
            """
            WITH whom AS MATERIALIZED (
                SELECT id FROM contacts WHERE id = ANY ($1) UNION SELECT id FROM contacts WHERE merged_into = ANY ($1)
            )
            SELECT c.id, coalesce(c.merged_into, c.id) AS head, c.name_sealed, i.kind, i.sealed, i.last_seen_at
            FROM contacts c LEFT JOIN contact_identities i ON i.contact_id = c.id AND i.left_at IS NULL
            WHERE c.id = ANY (ARRAY(SELECT id FROM whom)) AND c.organization_id = $2
            ORDER BY c.merged_into NULLS FIRST, c.id, i.last_seen_at DESC, i.kind
            """,
            list(heads),
            self.tx.organization_id,
        )

    async def identities(self, contact_ids: Sequence[UUID]) -> list[Row]:
        """All by which these contacts are or were known."""
        return await self.tx.fetch(
            """
            SELECT contact_id, kind, scope, sealed, last_seen_at, created_at, left_at
            FROM contact_identities
            WHERE contact_id = ANY ($1) AND organization_id = $2
            ORDER BY contact_id, created_at, kind
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def names(self, contact_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """The sealed names of those that have one, or of whom one that is shown as they has one."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT ON (coalesce(merged_into, id)) coalesce(merged_into, id) AS id, name_sealed FROM contacts
            WHERE (id = ANY ($1) OR merged_into = ANY ($1)) AND organization_id = $2 AND name_sealed IS NOT NULL
            ORDER BY coalesce(merged_into, id), merged_into NULLS FIRST, contacts.id
            """,
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["name_sealed"] for row in rows}


@dataclass(frozen=True, slots=True)
class PersonsContact:
    """One person on the way out: a contact, with all that are shown as the same."""

    tx: Transaction

    async def members(self, contact_id: UUID) -> list[UUID]:
        """The contacts that are one with this one, in the order of their ids; none when it is gone."""
        rows = await self.tx.fetch(
            f"""
            SELECT id FROM contacts
            WHERE (id = {HEAD_OF} OR merged_into = {HEAD_OF}) AND organization_id = ANY ($2) ORDER BY id
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )
        return [row["id"] for row in rows]

    async def lock(self, members: Sequence[UUID]) -> list[Row]:
        """Their rows for update, of those that are there."""
        sql = "SELECT id, version FROM contacts WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id FOR UPDATE"
        return await self.tx.fetch(sql, list(members), self.tx.organization_id)

    async def told(self, members: Sequence[UUID]) -> dict[str, list[Row]]:
        """What is on record of how they became one, and of numbers that moved; rows by table."""
        of = {
            "contact_merges": "SELECT id, kept_id, merged_id, rule, merged_at, undone_at FROM contact_merges "
            "WHERE (kept_id = ANY ($1) OR merged_id = ANY ($1)) AND organization_id = $2",
            "contact_matches": "SELECT id, first_id, second_id, rule, state, created_at FROM contact_matches "
            "WHERE (first_id = ANY ($1) OR second_id = ANY ($1)) AND organization_id = $2",
            "identity_changes": "SELECT id, contact_id, from_id, kind, change, at FROM identity_changes "
            "WHERE (contact_id = ANY ($1) OR from_id = ANY ($1)) AND organization_id = $2",
        }
        return {name: await self.tx.fetch(sql, list(members), self.tx.organization_id) for name, sql in of.items()}

    async def delete_told(self, members: Sequence[UUID]) -> dict[str, int]:
        """Delete what is on record of them; rows by table."""
        ways = {
            "contact_merges": "DELETE FROM contact_merges WHERE kept_id = ANY ($1) OR merged_id = ANY ($1)",
            "contact_matches": "DELETE FROM contact_matches WHERE first_id = ANY ($1) OR second_id = ANY ($1)",
            "identity_changes": "DELETE FROM identity_changes WHERE contact_id = ANY ($1) OR from_id = ANY ($1)",
        }
        return {name: await self.tx.execute(sql, list(members)) for name, sql in ways.items()}

    async def delete_identities(self, members: Sequence[UUID]) -> int:
        """Delete all by which they are or were known; how many."""
        return await self.tx.execute(
            "DELETE FROM contact_identities WHERE contact_id = ANY ($1) AND organization_id = $2",
            list(members),
            self.tx.organization_id,
        )

    async def delete(self, members: Sequence[UUID]) -> int:
        """Delete their rows, unless a conversation leads to one of them; how many."""
        return await self.tx.execute(
            """
            DELETE FROM contacts WHERE id = ANY ($1) AND organization_id = $2
              AND NOT EXISTS (SELECT FROM conversations WHERE contact_id = ANY ($1) OR origin_id = ANY ($1))
              AND NOT EXISTS (SELECT FROM contact_labels WHERE contact_id = ANY ($1))
              AND NOT EXISTS (SELECT FROM notes WHERE contact_id = ANY ($1))
            """,
            list(members),
            self.tx.organization_id,
        )

    async def empty(self, members: Sequence[UUID]) -> None:
        """Keep their rows without a name."""
        await self.tx.execute(
            """
            UPDATE contacts SET name_sealed = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = ANY ($1) AND organization_id = $2
            """,
            list(members),
            self.tx.organization_id,
        )
