from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from kit.db.database import Row, Transaction

Kind = Literal["message", "note", "contact"]
Place = tuple[datetime, UUID]

_MESSAGES: Final = """
    id, organization_id, conversation_id, channel_id, direction, kind, content_sealed, provider_blind, reply_to_blind,
    provider_time, sequence, status, status_at, failure_code, failure_reason, author_id, version, created_at
"""

_FROM: Final = """
    FROM (SELECT id, array_agg(token) AS tokens FROM unnest($5::uuid[], $6::bigint[]) AS told (id, token) GROUP BY id)
      AS w
    JOIN unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS t (id, conversation_id, at) USING (id)
"""
_INSERTS: Final[Mapping[Kind, str]] = {
    "message": "INSERT INTO message_words (message_id, organization_id, conversation_id, at, tokens) "
    f"SELECT t.id, $1, t.conversation_id, t.at, w.tokens {_FROM}",
    "note": "INSERT INTO note_words (note_id, organization_id, conversation_id, at, tokens) "
    f"SELECT t.id, $1, t.conversation_id, t.at, w.tokens {_FROM}",
    "contact": "INSERT INTO contact_words (contact_id, organization_id, at, tokens) "
    f"SELECT t.id, $1, t.at, w.tokens {_FROM}",
}

FIND: Final = "SELECT id, conversation_id, at FROM search_find($1, $2, $3, $4, $5, $6, $7)"


@dataclass(frozen=True, slots=True)
class DueRepository:
    """What is to be looked at anew, of all organizations; triggers write it, whoever changes what."""

    tx: Transaction

    async def claim(self, at_most: int) -> list[Row]:
        """Take as many; they are there again if this transaction comes to nothing."""
        return await self.tx.fetch("SELECT organization_id, kind, subject_id FROM search_claim($1)", at_most)


@dataclass(frozen=True, slots=True)
class IndexRepository:
    """The index of the transaction's organization, and what it is made of."""

    tx: Transaction

    async def messages(self, message_ids: Collection[UUID]) -> list[Row]:
        """Those that nobody is just changing or indexing; nobody does until we commit."""
        return await self.tx.fetch(
            f"""
            SELECT {_MESSAGES} FROM messages WHERE id = ANY ($1) AND organization_id = $2
            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
            """,  # noqa: S608 - a constant of this file
            list(message_ids),
            self.tx.organization_id,
        )

    async def contacts(self, contact_ids: Collection[UUID]) -> list[Row]:
        """Likewise contacts."""
        return await self.tx.fetch(
            """
            SELECT id, name_sealed, created_at FROM contacts WHERE id = ANY ($1) AND organization_id = $2
            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def notes(self, note_ids: Collection[UUID]) -> list[Row]:
        """Likewise notes."""
        return await self.tx.fetch(
            """
            SELECT id, conversation_id, content_sealed, created_at FROM notes
            WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
            """,
            list(note_ids),
            self.tx.organization_id,
        )

    async def again(self, kind: Kind, ids: Collection[UUID]) -> None:
        """Those of these that are there are to be looked at once more."""
        await self.tx.execute(
            f"""
            INSERT INTO search_due (organization_id, kind, subject_id)
            SELECT organization_id, $3, id FROM {kind}s WHERE id = ANY ($1) AND organization_id = $2
            """,  # noqa: S608 - a word of Kind
            list(ids),
            self.tx.organization_id,
            kind,
        )

    async def save(self, kind: Kind, rows: Sequence[tuple[UUID, UUID | None, datetime, Sequence[int]]]) -> None:
        """Write what each (id, conversation, time, tokens) is found by; without tokens it is not found."""
        filled = [each for each in rows if each[3]]
        await self.tx.execute(
            f"DELETE FROM {kind}_words WHERE {kind}_id = ANY ($1) AND organization_id = $2",  # noqa: S608 - of Kind
            [each[0] for each in rows],
            self.tx.organization_id,
        )
        await self.tx.execute(
            _INSERTS[kind],
            self.tx.organization_id,
            [each[0] for each in filled],
            [each[1] for each in filled],
            [each[2] for each in filled],
            [each[0] for each in filled for _ in each[3]],
            [token for each in filled for token in each[3]],
        )


@dataclass(frozen=True, slots=True)
class FindRepository:
    """What is found in the transaction's organization.

    The question is asked by a function of the loops' role: under row-level security no index would answer it.
    """

    tx: Transaction

    async def find(
        self, kind: Kind, tokens: Sequence[int], conversation_id: UUID | None, after: Place | None, limit: int
    ) -> list[Row]:
        """What has all of these tokens, the newest first."""
        at, last_id = after or (None, None)
        return await self.tx.fetch(
            FIND,
            kind,
            self.tx.organization_id,
            list(tokens),
            conversation_id,
            at,
            last_id,
            limit,
        )

    async def messages(self, message_ids: Sequence[UUID]) -> list[Row]:
        """These messages with their contacts, in this order."""
        columns = ", ".join(f"m.{each.strip()}" for each in _MESSAGES.split(","))
        return await self.tx.fetch(
            f"""
            SELECT {columns}, c.contact_id
            FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
            JOIN messages AS m ON m.id = wanted.id AND m.organization_id = $2
            JOIN conversations AS c ON c.id = m.conversation_id AND c.organization_id = $2
            ORDER BY wanted.place
            """,  # noqa: S608 - a constant of this file
            list(message_ids),
            self.tx.organization_id,
        )

    async def notes(self, note_ids: Sequence[UUID]) -> list[Row]:
        """These notes with their contacts, in this order."""
        return await self.tx.fetch(
            """
            SELECT n.id, n.conversation_id, n.content_sealed, n.author_id, n.created_at,
                   coalesce(c.contact_id, p.merged_into, p.id) AS contact_id
            FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
            JOIN notes AS n ON n.id = wanted.id AND n.organization_id = $2
            LEFT JOIN conversations AS c ON c.id = n.conversation_id AND c.organization_id = $2
            LEFT JOIN contacts AS p ON p.id = n.contact_id AND p.organization_id = $2
            ORDER BY wanted.place
            """,
            list(note_ids),
            self.tx.organization_id,
        )

    async def contacts(self, contact_ids: Sequence[UUID]) -> list[Row]:
        """These contacts, in this order."""
        return await self.tx.fetch(
            """
            SELECT c.id, c.name_sealed, c.created_at FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
            JOIN contacts AS c ON c.id = wanted.id AND c.organization_id = $2
            ORDER BY wanted.place
            """,
            list(contact_ids),
            self.tx.organization_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsWords:
    """What a contact, and what was said with them, is found by."""

    tx: Transaction

    async def counts(self, contact_id: UUID) -> list[Row]:
        """How many messages and whether the contact can be found by words."""
        return await self.tx.fetch(
            f"""
            SELECT message_id, at, cardinality(tokens) AS tokens FROM message_words
            WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
              AND organization_id = ANY ($2)
            ORDER BY at LIMIT 10000
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )

    async def of_contact(self, contact_id: UUID) -> list[Row]:
        """By how many parts of name and addresses they are found."""
        return await self.tx.fetch(
            f"""
            SELECT contact_id, at, cardinality(tokens) AS tokens FROM contact_words
            WHERE contact_id IN (SELECT id FROM contacts WHERE id = {HEAD_OF} OR merged_into = {HEAD_OF})
              AND organization_id = ANY ($2)
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )

    async def delete(self, contact_id: UUID, at_most: int) -> dict[str, int]:
        """Delete as many; how many of each table."""
        messages = await self.tx.execute(
            f"""
            DELETE FROM message_words WHERE message_id = ANY (ARRAY(
                SELECT message_id FROM message_words
                WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
                  AND organization_id = ANY ($2) LIMIT $3))
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
            at_most,
        )
        contacts = await self.tx.execute(
            f"""
            DELETE FROM contact_words
            WHERE contact_id IN (SELECT id FROM contacts WHERE id = {HEAD_OF} OR merged_into = {HEAD_OF})
              AND organization_id = ANY ($2)
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
        )
        return {"message_words": messages, "contact_words": contacts}
