from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from inbox.labels.model import Label
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL

_COLUMNS: Final = "id, name, colour, conversations, contacts, version, created_at"

Carrier = Literal["conversation", "contact"]
_TABLES: Final[Mapping[Carrier, tuple[str, str, str]]] = {
    "conversation": ("conversation_labels", "conversation_id", "conversations"),
    "contact": ("contact_labels", "contact_id", "contacts"),
}
"""The table of what is carried, its column of the carrier, and the counter of labels."""


@dataclass(frozen=True, slots=True)
class LabelRepository:
    """Labels of the transaction's organization. Conversations are locked before labels, by whoever locks both."""

    tx: Transaction

    async def page(self, after: tuple[str, UUID] | None, limit: int) -> list[Row]:
        """Labels by name."""
        key, label_id = after or ("", BEFORE_ALL)
        return await self.tx.fetch(
            f"""
            SELECT {_COLUMNS}, name_key FROM labels
            WHERE organization_id = $1 AND deleted_at IS NULL
              AND (name_key, id) > ($2, $3::uuid)
            ORDER BY name_key, id LIMIT $4
            """,  # noqa: S608 - constants of this file
            self.tx.organization_id,
            key,
            label_id,
            limit,
        )

    async def lock(self, label_ids: Collection[UUID]) -> list[Label]:
        """Those of these labels that are there, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM labels
            WHERE id = ANY ($1) AND organization_id = $2 AND deleted_at IS NULL ORDER BY id FOR UPDATE
            """,  # noqa: S608 - constants of this file
            list(label_ids),
            self.tx.organization_id,
        )
        return [label(row) for row in rows]

    async def one_by_one(self) -> None:
        """Nobody else makes a label of this organization until we commit."""
        await self.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('labels ' || $1::uuid, 0))", self.tx.organization_id
        )

    async def count(self) -> int:
        """How many there are."""
        found: int = await self.tx.fetchval(
            "SELECT count(*) FROM labels WHERE organization_id = $1 AND deleted_at IS NULL", self.tx.organization_id
        )
        return found

    async def add(self, label_id: UUID, name: str, name_key: str, colour: str) -> Label | None:
        """Make one; None when the name is taken."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO labels (id, organization_id, name, name_key, colour) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (organization_id, name_key) WHERE deleted_at IS NULL DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - constants of this file
            label_id,
            self.tx.organization_id,
            name,
            name_key,
            colour,
        )
        return None if row is None else label(row)

    async def is_taken(self, name_key: str, by_another_than: UUID) -> bool:
        """Whether another label has this name."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (SELECT FROM labels
                           WHERE organization_id = $1 AND name_key = $2 AND id <> $3 AND deleted_at IS NULL)
            """,
            self.tx.organization_id,
            name_key,
            by_another_than,
        )
        return found

    async def save(self, changed: Label, name_key: str) -> None:
        """Write name and colour of one that the caller has locked."""
        await self.tx.execute(
            """
            UPDATE labels SET name = $3, name_key = $4, colour = $5, version = $6, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            """,
            changed.id,
            self.tx.organization_id,
            changed.name,
            name_key,
            changed.colour,
            changed.version,
        )

    async def delete(self, label_id: UUID) -> None:
        """It is gone for everybody; a loop takes it off what carries it."""
        await self.tx.execute(
            "UPDATE labels SET deleted_at = kit_now(), version = version + 1 WHERE id = $1 AND organization_id = $2",
            label_id,
            self.tx.organization_id,
        )

    async def carried(self, carrier: Carrier, carrier_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
        """The labels of each of these."""
        table, column, _ = _TABLES[carrier]
        rows = await self.tx.fetch(
            f"""
            SELECT c.{column} AS carrier_id, c.label_id FROM {table} AS c JOIN labels AS l ON l.id = c.label_id
            WHERE c.{column} = ANY ($1) AND c.organization_id = $2 AND l.deleted_at IS NULL
            ORDER BY l.name_key
            """,  # noqa: S608 - constants of this file
            list(carrier_ids),
            self.tx.organization_id,
        )
        found: dict[UUID, list[UUID]] = {}
        for row in rows:
            found.setdefault(row["carrier_id"], []).append(row["label_id"])
        return found

    async def contacts_with(self, label_id: UUID, before: UUID, limit: int) -> list[Row]:
        """Contacts that carry a label, the newest first by their ids; those shown as another one are left out."""
        return await self.tx.fetch(
            """
            SELECT p.id, p.name_sealed, p.version, p.created_at, p.merged_into
            FROM contact_labels AS c JOIN contacts AS p ON p.id = c.contact_id AND p.organization_id = $2
            WHERE c.label_id = $1 AND c.organization_id = $2 AND c.contact_id < $3 AND p.merged_into IS NULL
              AND EXISTS (SELECT FROM labels AS l WHERE l.id = $1 AND l.organization_id = $2 AND l.deleted_at IS NULL)
            ORDER BY c.contact_id DESC LIMIT $4
            """,
            label_id,
            self.tx.organization_id,
            before,
            limit,
        )

    async def names_on(self, carrier: Carrier, carrier_ids: Collection[UUID]) -> dict[UUID, list[str]]:
        """The names of the labels of each of these."""
        table, column, _ = _TABLES[carrier]
        rows = await self.tx.fetch(
            f"""
            SELECT c.{column} AS carrier_id, array_agg(l.name ORDER BY l.name_key) AS names
            FROM {table} AS c JOIN labels AS l ON l.id = c.label_id
            WHERE c.{column} = ANY ($1) AND c.organization_id = $2 AND l.deleted_at IS NULL GROUP BY c.{column}
            """,  # noqa: S608 - constants of this file
            list(carrier_ids),
            self.tx.organization_id,
        )
        return {row["carrier_id"]: row["names"] for row in rows}

    async def worn(self, carrier: Carrier, carrier_ids: Collection[UUID]) -> list[UUID]:
        """The labels that any of these carries, also those that are just going."""
        table, column, _ = _TABLES[carrier]
        rows = await self.tx.fetch(
            f"SELECT DISTINCT label_id FROM {table} WHERE {column} = ANY ($1) AND organization_id = $2",  # noqa: S608
            list(carrier_ids),
            self.tx.organization_id,
        )
        return [row["label_id"] for row in rows]

    async def put_on(
        self, carrier: Carrier, carrier_ids: Collection[UUID], label_ids: Collection[UUID], by: UUID | None
    ) -> list[Row]:
        """Let each of these carry each label; what was added."""
        table, column, _ = _TABLES[carrier]
        return await self.tx.fetch(
            f"""
            INSERT INTO {table} (organization_id, {column}, label_id, labelled_by)
            SELECT $1, carrier.id, label.id, $4
            FROM unnest($2::uuid[]) AS carrier (id) CROSS JOIN unnest($3::uuid[]) AS label (id)
            ON CONFLICT DO NOTHING
            RETURNING {column} AS carrier_id, label_id
            """,  # noqa: S608 - constants of this file
            self.tx.organization_id,
            list(carrier_ids),
            list(label_ids),
            by,
        )

    async def take_off(
        self, carrier: Carrier, carrier_ids: Collection[UUID], label_ids: Collection[UUID]
    ) -> list[Row]:
        """Let none of these carry any of the labels; what was taken off."""
        table, column, _ = _TABLES[carrier]
        return await self.tx.fetch(
            f"""
            DELETE FROM {table} WHERE {column} = ANY ($2) AND label_id = ANY ($3) AND organization_id = $1
            RETURNING {column} AS carrier_id, label_id
            """,  # noqa: S608 - constants of this file
            self.tx.organization_id,
            list(carrier_ids),
            list(label_ids),
        )

    async def recount(self, carrier: Carrier, by: Mapping[UUID, int]) -> None:
        """Count what was added or taken off, by label; the caller has locked them."""
        counter = _TABLES[carrier][2]
        if not by:
            return
        await self.tx.execute(
            f"""
            UPDATE labels AS l SET {counter} = greatest(0, l.{counter} + t.difference)
            FROM unnest($2::uuid[], $3::integer[]) AS t (id, difference)
            WHERE l.id = t.id AND l.organization_id = $1
            """,  # noqa: S608 - constants of this file
            self.tx.organization_id,
            list(by),
            list(by.values()),
        )

    async def overloaded(self, carrier: Carrier, carrier_ids: Collection[UUID], most: int) -> bool:
        """Whether any of these carries more than so many."""
        table, column, _ = _TABLES[carrier]
        found: bool = await self.tx.fetchval(
            f"""
            SELECT EXISTS (
                SELECT FROM {table} AS c JOIN labels AS l ON l.id = c.label_id AND l.deleted_at IS NULL
                WHERE c.{column} = ANY ($1) AND c.organization_id = $2 GROUP BY c.{column} HAVING count(*) > $3)
            """,  # noqa: S608 - constants of this file
            list(carrier_ids),
            self.tx.organization_id,
            most,
        )
        return found

    async def lock_conversations(self, conversation_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
        """Those of these conversations that are there, and where each goes on, if it does.

        Nobody else changes them until we commit.
        """
        rows = await self.tx.fetch(
            """
            SELECT id, continued_in FROM conversations
            WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id FOR UPDATE
            """,
            list(conversation_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["continued_in"] for row in rows}

    async def lock_contacts(self, contact_ids: Collection[UUID]) -> list[UUID]:
        """Likewise contacts."""
        rows = await self.tx.fetch(
            "SELECT id FROM contacts WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id FOR UPDATE",
            list(contact_ids),
            self.tx.organization_id,
        )
        return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class PersonsLabels:
    """What a contact and their conversations carry, or a user has put on, wherever the transaction is bound to."""

    tx: Transaction

    async def of_contact(self, contact_id: UUID) -> list[Row]:
        """Labels of the contact, of those that are one with it, and of their conversations, with their names."""
        return await self.tx.fetch(
            f"""
            SELECT 'contact_labels' AS "table", c.contact_id AS carrier_id, c.label_id, l.name, c.created_at
            FROM contact_labels AS c JOIN labels AS l ON l.id = c.label_id
            WHERE c.contact_id IN (SELECT id FROM contacts WHERE id = {HEAD_OF} OR merged_into = {HEAD_OF})
              AND c.organization_id = ANY ($2)
            UNION ALL
            SELECT 'conversation_labels', c.conversation_id, c.label_id, l.name, c.created_at
            FROM conversation_labels AS c JOIN labels AS l ON l.id = c.label_id
            WHERE c.conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND c.organization_id = ANY ($2)
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )

    async def of_user(
        self, user_id: UUID, carrier: Carrier, after: tuple[UUID, UUID] | None, limit: int
    ) -> list[Row]:
        """What a user has put on, by carrier and label."""
        table, column, _ = _TABLES[carrier]
        carrier_id, label_id = after or (BEFORE_ALL, BEFORE_ALL)
        return await self.tx.fetch(
            f"""
            SELECT {column} AS carrier_id, label_id, created_at FROM {table}
            WHERE labelled_by = $1 AND organization_id = ANY ($2)
              AND ({column}, label_id) > ($3, $4::uuid)
            ORDER BY {column}, label_id LIMIT $5
            """,  # noqa: S608 - constants of this file
            user_id,
            self.tx.organization_ids,
            carrier_id,
            label_id,
            limit,
        )

    async def unlink(self, user_id: UUID, carrier: Carrier, at_most: int) -> int:
        """Let as many be put on by nobody; how many were."""
        table, column, _ = _TABLES[carrier]
        return await self.tx.execute(
            f"""
            UPDATE {table} AS c SET labelled_by = NULL
            FROM (SELECT {column}, label_id FROM {table}
                  WHERE labelled_by = $1 AND organization_id = ANY ($2) LIMIT $3) AS t
            WHERE c.{column} = t.{column} AND c.label_id = t.label_id
            """,  # noqa: S608 - constants of this file
            user_id,
            self.tx.organization_ids,
            at_most,
        )

    async def conversations(self, contact_id: UUID) -> Sequence[UUID]:
        """The contact's conversations, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT id FROM conversations WHERE contact_id = {HEAD_OF} AND organization_id = ANY ($2)
            ORDER BY id FOR UPDATE
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )
        return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class DeletedLabels:
    """Labels that are gone, of all organizations."""

    tx: Transaction

    async def sweep(self, at_most: int) -> int:
        """Take deleted labels off as many that carry them, and delete those that nothing carries; how much was."""
        swept: int = await self.tx.fetchval("SELECT labels_sweep($1)", at_most)
        return swept


def label(row: Row) -> Label:
    """A label from its row."""
    return Label(
        id=row["id"],
        name=row["name"],
        colour=row["colour"],
        conversations=row["conversations"],
        contacts=row["contacts"],
        version=row["version"],
        created_at=row["created_at"],
    )
