from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from inbox.contacts.errors import ContactNotFound
from kit.db.database import Row, Transaction


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

    async def read_ahead(self, identities: Collection[tuple[str, bytes]]) -> list[Held]:
        """Ask once for all that `holders` will be asked for."""
        kinds, blinds = [kind for kind, _ in identities], [blind for _, blind in identities]
        held = await self._holders(kinds, blinds)
        self._ahead = dict.fromkeys(identities) | {(each.kind, each.blind): each for each in held}
        return held

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
                   contact.name_sealed
            FROM unnest($2::text[], $3::bytea[]) AS wanted (kind, blind)
            JOIN contact_identities AS held
              ON held.organization_id = $1 AND held.kind = wanted.kind AND held.blind = wanted.blind
            LEFT JOIN contacts AS contact ON contact.id = held.contact_id AND contact.organization_id = $1
            """,
            self.tx.organization_id,
            list(kinds),
            list(blinds),
        )
        return [Held(**row) for row in rows]

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

    async def hand_over(self, contact_id: UUID, identity: NewIdentity) -> None:
        """Let this contact be known by it from now on, whoever was before."""
        self._ahead.clear()
        await self.tx.execute(
            """
            INSERT INTO contact_identities AS held (organization_id, kind, blind, contact_id, scope, sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (organization_id, kind, blind) DO UPDATE
            SET contact_id = excluded.contact_id, scope = excluded.scope, sealed = excluded.sealed,
                last_seen_at = kit_now(), left_at = NULL
            """,
            self.tx.organization_id,
            identity.kind,
            identity.blind,
            contact_id,
            identity.scope,
            identity.sealed,
        )

    async def leave(self, contact_id: UUID, blinds: Sequence[bytes], at: datetime) -> None:
        """The contact has not these numbers any more since then."""
        self._ahead.clear()
        await self.tx.execute(
            """
            UPDATE contact_identities SET left_at = $4
            WHERE organization_id = $1 AND kind = 'whatsapp_id' AND blind = ANY ($3) AND contact_id = $2
              AND left_at IS NULL
            """,
            self.tx.organization_id,
            contact_id,
            list(blinds),
            at,
        )

    async def vacate(self, contact_id: UUID) -> None:
        """Whatever this contact was known by is free, whenever what comes now was written."""
        self._ahead.clear()
        await self.tx.execute(
            """
            UPDATE contact_identities SET left_at = 'epoch'
            WHERE contact_id = $1 AND organization_id = $2 AND left_at IS DISTINCT FROM 'epoch'
            """,
            contact_id,
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
        await self.tx.execute(
            "INSERT INTO contacts (id, organization_id, name_sealed) VALUES ($1, $2, $3)",
            contact_id,
            self.tx.organization_id,
            name_sealed,
        )

    async def rename(self, contact_id: UUID, name_sealed: bytes) -> None:
        """Call the contact something else from now on."""
        self._ahead.clear()
        await self.tx.execute(
            """
            UPDATE contacts SET name_sealed = $3, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            contact_id,
            self.tx.organization_id,
            name_sealed,
        )

    async def find(self, contact_id: UUID) -> Row:
        """One contact as its row.

        Raises:
            ContactNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            "SELECT id, name_sealed, version, created_at FROM contacts WHERE id = $1 AND organization_id = $2",
            contact_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ContactNotFound
        return row

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Row]:
        """Contacts, the newest first."""
        at, contact_id = after or (None, None)
        return await self.tx.fetch(
            """
            SELECT id, name_sealed, version, created_at
            FROM contacts
            WHERE organization_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
            ORDER BY created_at DESC, id DESC
            LIMIT $4
            """,
            self.tx.organization_id,
            at,
            contact_id,
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
        """The sealed names of those that have one."""
        rows = await self.tx.fetch(
            """
            SELECT id, name_sealed FROM contacts
            WHERE id = ANY ($1) AND organization_id = $2 AND name_sealed IS NOT NULL
            """,
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["name_sealed"] for row in rows}


@dataclass(frozen=True, slots=True)
class PersonsContact:
    """One contact on the way out."""

    tx: Transaction

    async def lock(self, contact_id: UUID) -> Row | None:
        """Their row for update; None when it is gone."""
        return await self.tx.fetchrow(
            "SELECT id, version FROM contacts WHERE id = $1 AND organization_id = $2 FOR UPDATE",
            contact_id,
            self.tx.organization_id,
        )

    async def delete_identities(self, contact_id: UUID) -> int:
        """Delete all by which they are or were known; how many."""
        return await self.tx.execute(
            "DELETE FROM contact_identities WHERE contact_id = $1 AND organization_id = $2",
            contact_id,
            self.tx.organization_id,
        )

    async def delete(self, contact_id: UUID) -> int:
        """Delete their row, unless a conversation leads to it."""
        return await self.tx.execute(
            """
            DELETE FROM contacts WHERE id = $1 AND organization_id = $2
              AND NOT EXISTS (SELECT FROM conversations WHERE contact_id = $1)
            """,
            contact_id,
            self.tx.organization_id,
        )

    async def empty(self, contact_id: UUID) -> None:
        """Keep their row without a name."""
        await self.tx.execute(
            """
            UPDATE contacts SET name_sealed = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            contact_id,
            self.tx.organization_id,
        )
