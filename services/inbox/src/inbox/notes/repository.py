from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from inbox.notes.errors import NoteNotFound
from inbox.notes.model import Standing
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL, END_OF_TIME

_COLUMNS: Final = """
    id, conversation_id, contact_id, origin_id, author_id, content_sealed, version, created_at, edited_at, deleted_at
"""
_ABOUT: Final = f"""
    SELECT id FROM notes WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})
    UNION ALL
    SELECT id FROM notes
    WHERE contact_id IN (
        SELECT id FROM contacts WHERE id = {HEAD_OF} UNION ALL SELECT id FROM contacts WHERE merged_into = {HEAD_OF})
"""  # noqa: S608 - a constant
"""Notes about $1 and in the conversations of $1, and of all that are shown as the same."""

_MOST_REVISIONS: Final = 100
_MOST_UNREAD: Final = 1000

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class NoteRepository:
    """Notes of the transaction's organization."""

    tx: Transaction

    async def add(self, note_id: UUID, place: Standing, author_id: UUID, content_sealed: bytes) -> Row:
        """Write one."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO notes (id, organization_id, conversation_id, contact_id, author_id, content_sealed)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            note_id,
            self.tx.organization_id,
            place.conversation_id,
            place.contact_id,
            author_id,
            content_sealed,
        )
        if row is None:
            raise LookupError("the note was just written")
        return row

    async def find(self, note_id: UUID, *, for_update: bool = False) -> Row:
        """One note.

        Raises:
            NoteNotFound: there is none.
        """
        lock = "FOR UPDATE" if for_update else ""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM notes WHERE id = $1 AND organization_id = $2 {lock}",  # noqa: S608
            note_id,
            self.tx.organization_id,
        )
        if row is None:
            raise NoteNotFound
        return row

    async def about(self, members: Sequence[UUID], after: Place | None, limit: int) -> list[Row]:
        """Notes about contacts that are shown as one, the newest first."""
        at, note_id = after or (END_OF_TIME, AFTER_ALL)
        return await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM notes
            WHERE contact_id = ANY ($1) AND organization_id = $2
              AND (created_at, id) < ($3, $4::uuid)
            ORDER BY created_at DESC, id DESC LIMIT $5
            """,  # noqa: S608 - a constant of this file
            list(members),
            self.tx.organization_id,
            at,
            note_id,
            limit,
        )

    async def page(self, conversation_id: UUID, after: Place | None, limit: int) -> list[Row]:
        """Notes of a conversation, the newest first."""
        at, note_id = after or (END_OF_TIME, AFTER_ALL)
        return await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM notes
            WHERE conversation_id = $1 AND organization_id = $2
              AND (created_at, id) < ($3, $4::uuid)
            ORDER BY created_at DESC, id DESC LIMIT $5
            """,  # noqa: S608 - a constant of this file
            conversation_id,
            self.tx.organization_id,
            at,
            note_id,
            limit,
        )

    async def edit(self, note_id: UUID, content_sealed: bytes) -> Row:
        """Let it say something else, and keep what it said."""
        await self.tx.execute(
            """
            INSERT INTO note_revisions (note_id, number, organization_id, content_sealed)
            SELECT id, version, organization_id, content_sealed FROM notes WHERE id = $1 AND organization_id = $2
            """,
            note_id,
            self.tx.organization_id,
        )
        row = await self.tx.fetchrow(
            f"""
            UPDATE notes SET content_sealed = $3, version = version + 1, edited_at = kit_now()
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            note_id,
            self.tx.organization_id,
            content_sealed,
        )
        if row is None:
            raise NoteNotFound
        return row

    async def delete(self, note_id: UUID) -> Row:
        """Keep that it was there, and nothing that it ever said."""
        await self.tx.execute(
            "DELETE FROM note_revisions WHERE note_id = $1 AND organization_id = $2", note_id, self.tx.organization_id
        )
        row = await self.tx.fetchrow(
            f"""
            UPDATE notes SET content_sealed = '', version = version + 1, deleted_at = kit_now()
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant of this file
            note_id,
            self.tx.organization_id,
        )
        if row is None:
            raise NoteNotFound
        return row

    async def revisions(self, note_id: UUID) -> list[Row]:
        """What it said before, the newest first."""
        return await self.tx.fetch(
            """
            SELECT number, content_sealed, replaced_at FROM note_revisions
            WHERE note_id = $1 AND organization_id = $2 ORDER BY number DESC LIMIT $3
            """,
            note_id,
            self.tx.organization_id,
            _MOST_REVISIONS,
        )


@dataclass(frozen=True, slots=True)
class MentionRepository:
    """Whom notes of the transaction's organization call."""

    tx: Transaction

    async def settle(self, note_id: UUID, conversation_id: UUID | None, user_ids: Collection[UUID]) -> list[UUID]:
        """Let a note call exactly these; who was not called before."""
        await self.tx.execute(
            "DELETE FROM mentions WHERE note_id = $1 AND organization_id = $2 AND user_id <> ALL ($3)",
            note_id,
            self.tx.organization_id,
            list(user_ids),
        )
        rows = await self.tx.fetch(
            """
            INSERT INTO mentions (note_id, user_id, organization_id, conversation_id)
            SELECT $1, called.id, $2, $4 FROM unnest($3::uuid[]) AS called (id)
            ON CONFLICT DO NOTHING RETURNING user_id
            """,
            note_id,
            self.tx.organization_id,
            list(user_ids),
            conversation_id,
        )
        return [row["user_id"] for row in rows]

    async def of_notes(self, note_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
        """Whom each of these calls."""
        rows = await self.tx.fetch(
            """
            SELECT note_id, array_agg(user_id ORDER BY user_id) AS user_ids FROM mentions
            WHERE note_id = ANY ($1) AND organization_id = $2 GROUP BY note_id
            """,
            list(note_ids),
            self.tx.organization_id,
        )
        return {row["note_id"]: tuple(row["user_ids"]) for row in rows}

    async def page(self, user_id: UUID, after: Place | None, limit: int, *, unread: bool) -> list[Row]:
        """Notes that call a user, the newest first."""
        at, note_id = after or (END_OF_TIME, AFTER_ALL)
        only = "AND m.read_at IS NULL" if unread else ""
        return await self.tx.fetch(
            f"""
            SELECT m.note_id, m.conversation_id, n.contact_id, n.author_id, m.created_at, m.read_at
            FROM mentions AS m JOIN notes AS n ON n.id = m.note_id
            WHERE m.organization_id = $1 AND m.user_id = $2 {only}
              AND (m.created_at, m.note_id) < ($3, $4::uuid)
            ORDER BY m.created_at DESC, m.note_id DESC LIMIT $5
            """,  # noqa: S608 - a constant of this file
            self.tx.organization_id,
            user_id,
            at,
            note_id,
            limit,
        )

    async def unread(self, user_id: UUID) -> int:
        """How many a user has not seen, as far as is counted."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM (
                SELECT FROM mentions WHERE organization_id = $1 AND user_id = $2 AND read_at IS NULL LIMIT $3) AS n
            """,
            self.tx.organization_id,
            user_id,
            _MOST_UNREAD,
        )
        return count

    async def read(self, user_id: UUID, note_ids: Sequence[UUID] | None) -> None:
        """A user has seen these, or all."""
        await self.tx.execute(
            """
            UPDATE mentions SET read_at = kit_now()
            WHERE organization_id = $1 AND user_id = $2 AND read_at IS NULL
              AND ($3::uuid[] IS NULL OR note_id = ANY ($3))
            """,
            self.tx.organization_id,
            user_id,
            None if note_ids is None else list(note_ids),
        )

    async def answering(self, user_ids: Collection[UUID], roles: Sequence[str]) -> set[UUID]:
        """Those of these users who work on conversations here."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT user_id FROM members
            WHERE organization_id = $1 AND user_id = ANY ($2) AND role = ANY ($3)
            """,
            self.tx.organization_id,
            list(user_ids),
            list(roles),
        )
        return {row["user_id"] for row in rows}

    async def in_teams(self, team_ids: Collection[UUID], roles: Sequence[str]) -> dict[UUID, list[UUID]]:
        """Of those of these teams that are there, who is in them and works on conversations."""
        rows = await self.tx.fetch(
            """
            SELECT t.team_id, m.user_id FROM teams AS t
            LEFT JOIN team_members AS i ON i.team_id = t.team_id AND i.organization_id = $1 AND i.present
            LEFT JOIN members AS m ON m.organization_id = $1 AND m.user_id = i.user_id AND m.role = ANY ($3)
            WHERE t.team_id = ANY ($2) AND t.organization_id = $1 AND NOT t.gone
            """,
            self.tx.organization_id,
            list(team_ids),
            list(roles),
        )
        found: dict[UUID, list[UUID]] = {row["team_id"]: [] for row in rows}
        for row in rows:
            if row["user_id"] is not None:
                found[row["team_id"]].append(row["user_id"])
        return found


@dataclass(frozen=True, slots=True)
class PersonsNotes:
    """Notes about a contact, or by a user and calling them, wherever the transaction is bound to."""

    tx: Transaction

    async def of_contact(self, contact_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Notes about the contact and in the contact's conversations, by id."""
        return await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM notes
            WHERE id IN ({_ABOUT}) AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant of this file
            contact_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def revisions(self, note_ids: Collection[UUID]) -> list[Row]:
        """What these said before."""
        return await self.tx.fetch(
            """
            SELECT note_id, number, content_sealed, replaced_at FROM note_revisions
            WHERE note_id = ANY ($1) AND organization_id = ANY ($2) ORDER BY note_id, number
            """,
            list(note_ids),
            self.tx.organization_ids,
        )

    async def words(self, note_ids: Collection[UUID]) -> list[Row]:
        """That these are found by words."""
        return await self.tx.fetch(
            """
            SELECT note_id, at, cardinality(tokens) AS tokens FROM note_words
            WHERE note_id = ANY ($1) AND organization_id = ANY ($2) ORDER BY note_id
            """,
            list(note_ids),
            self.tx.organization_ids,
        )

    async def mentions_in(self, note_ids: Collection[UUID]) -> list[Row]:
        """Whom these call."""
        return await self.tx.fetch(
            """
            SELECT note_id, user_id, created_at, read_at FROM mentions
            WHERE note_id = ANY ($1) AND organization_id = ANY ($2) ORDER BY note_id, user_id
            """,
            list(note_ids),
            self.tx.organization_ids,
        )

    async def of_author(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Which notes a user wrote, by id."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, conversation_id, contact_id, created_at, edited_at, deleted_at FROM notes
            WHERE author_id = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def mentions_of(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Which notes call a user, by id."""
        return await self.tx.fetch(
            """
            SELECT note_id, organization_id, conversation_id, created_at, read_at FROM mentions
            WHERE user_id = $1 AND organization_id = ANY ($2) AND note_id > $3
            ORDER BY note_id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def delete(self, contact_id: UUID, at_most: int) -> dict[str, int]:
        """Delete as many notes about a contact with all that belongs to them; how many rows of each table."""
        rows = await self.tx.fetch(
            f"""
            SELECT id FROM notes
            WHERE id IN ({_ABOUT}) AND organization_id = ANY ($2) ORDER BY id LIMIT $3 FOR UPDATE
            """,  # noqa: S608 - a constant
            contact_id,
            self.tx.organization_ids,
            at_most,
        )
        removed = {}
        for table, column in (
            ("note_words", "note_id"),
            ("mentions", "note_id"),
            ("note_revisions", "note_id"),
            ("notes", "id"),
        ):
            removed[table] = await self.tx.execute(
                f"DELETE FROM {table} WHERE {column} = ANY ($1) AND organization_id = ANY ($2)",  # noqa: S608
                [row["id"] for row in rows],
                self.tx.organization_ids,
            )
        return removed

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Let as many notes of a user be nobody's."""
        return await self.tx.execute(
            """
            UPDATE notes SET author_id = NULL WHERE id = ANY (ARRAY(
                SELECT id FROM notes WHERE author_id = $1 AND organization_id = ANY ($2) LIMIT $3))
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )

    async def call_no_more(self, user_id: UUID) -> int:
        """Nothing calls a user any more."""
        return await self.tx.execute(
            "DELETE FROM mentions WHERE user_id = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )
