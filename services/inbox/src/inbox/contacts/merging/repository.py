from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inbox.contacts.merging.errors import MatchNotFound, MergeNotFound
from inbox.contacts.merging.model import Match, Merge
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL, BEGINNING_OF_TIME, new_id


@dataclass(frozen=True, slots=True)
class PeopleRepository:
    """Which contacts are one, in the transaction's organization."""

    tx: Transaction

    async def members(self, heads: Collection[UUID]) -> list[Row]:
        """All that are shown as one of these, these included, in the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, coalesce(merged_into, id) AS head FROM contacts
            WHERE id = ANY ($1) AND organization_id = $2
            UNION
            SELECT id, merged_into FROM contacts WHERE merged_into = ANY ($1) AND organization_id = $2
            ORDER BY id
            """,
            list(heads),
            self.tx.organization_id,
        )

    async def rows(self, contact_ids: Collection[UUID]) -> list[Row]:
        """Those of these that are there."""
        return await self.tx.fetch(
            """
            SELECT id, name_sealed, version, created_at, merged_into FROM contacts
            WHERE id = ANY ($1) AND organization_id = $2
            """,
            list(contact_ids),
            self.tx.organization_id,
        )

    async def lock(self, heads: Collection[UUID]) -> None:
        """Nobody else writes the conversations of these people, or opens one, until we commit.

        Conversations before contacts, each in the order of their ids, as who applies messages locks them.
        """
        conversations = """
            SELECT id FROM conversations WHERE contact_id = ANY ($1) AND organization_id = $2 ORDER BY id FOR UPDATE
        """
        await self.tx.execute(conversations, list(heads), self.tx.organization_id)
        await self.tx.execute(
            "SELECT id FROM contacts WHERE id = ANY ($1) AND organization_id = $2 ORDER BY id FOR UPDATE",
            list(heads),
            self.tx.organization_id,
        )
        await self.tx.execute(conversations, list(heads), self.tx.organization_id)

    async def point(self, members: Collection[UUID], head: UUID) -> None:
        """Show these as `head`, and `head` as itself."""
        await self.tx.execute(
            """
            UPDATE contacts SET merged_into = nullif($2, id), version = version + 1, changed_at = kit_now()
            WHERE id = ANY ($1) AND organization_id = $3
            """,
            list(members),
            head,
            self.tx.organization_id,
        )

    async def versions(self, contact_ids: Collection[UUID]) -> dict[UUID, int]:
        """The versions of these contacts."""
        rows = await self.tx.fetch(
            "SELECT id, version FROM contacts WHERE id = ANY ($1) AND organization_id = $2",
            list(contact_ids),
            self.tx.organization_id,
        )
        return {row["id"]: row["version"] for row in rows}

    async def older(self, one: UUID, other: UUID) -> UUID:
        """Which of two contacts has been here longer."""
        found: UUID = await self.tx.fetchval(
            "SELECT id FROM contacts WHERE id = ANY ($1) AND organization_id = $2 ORDER BY created_at, id LIMIT 1",
            [one, other],
            self.tx.organization_id,
        )
        return found

    async def being_erased(self, contact_ids: Collection[UUID]) -> bool:
        """Whether one of these is just being let go of."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM privacy_tasks WHERE what = 'erasure' AND state = 'open' AND person_id = ANY ($1)
            )
            """,
            list(contact_ids),
        )
        return found


@dataclass(frozen=True, slots=True)
class MergeRepository:
    """Merges of the transaction's organization."""

    tx: Transaction

    async def add(self, kept_id: UUID, merged_id: UUID, rule: str) -> Merge:
        """They are one from now on."""
        row = await self.tx.fetchrow(
            """
            INSERT INTO contact_merges (id, organization_id, kept_id, merged_id, rule) VALUES ($1, $2, $3, $4, $5)
            RETURNING id, kept_id, merged_id, rule, merged_at, undone_at
            """,
            new_id(),
            self.tx.organization_id,
            kept_id,
            merged_id,
            rule,
        )
        if row is None:
            raise LookupError("it was just written")
        return _merge(row)

    async def find(self, merge_id: UUID) -> Merge:
        """One merge.

        Raises:
            MergeNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            """
            SELECT id, kept_id, merged_id, rule, merged_at, undone_at FROM contact_merges
            WHERE id = $1 AND organization_id = $2
            """,
            merge_id,
            self.tx.organization_id,
        )
        if row is None:
            raise MergeNotFound
        return _merge(row)

    async def undo(self, merge_id: UUID) -> None:
        """They are two again."""
        await self.tx.execute(
            "UPDATE contact_merges SET undone_at = kit_now() WHERE id = $1 AND organization_id = $2",
            merge_id,
            self.tx.organization_id,
        )

    async def parents(self, members: Collection[UUID]) -> dict[UUID, UUID]:
        """Of each of these that is merged: into whom, as it was then."""
        rows = await self.tx.fetch(
            """
            SELECT merged_id, kept_id FROM contact_merges
            WHERE merged_id = ANY ($1) AND organization_id = $2 AND undone_at IS NULL
            """,
            list(members),
            self.tx.organization_id,
        )
        return {row["merged_id"]: row["kept_id"] for row in rows}

    async def of(self, members: Collection[UUID], limit: int) -> list[Merge]:
        """Merges of these contacts, also undone ones, the newest first."""
        rows = await self.tx.fetch(
            """
            SELECT id, kept_id, merged_id, rule, merged_at, undone_at FROM contact_merges
            WHERE (kept_id = ANY ($1) OR merged_id = ANY ($1)) AND organization_id = $2
            ORDER BY merged_at DESC, id DESC LIMIT $3
            """,
            list(members),
            self.tx.organization_id,
            limit,
        )
        return [_merge(row) for row in rows]


@dataclass(frozen=True, slots=True)
class MatchRepository:
    """What speaks for contacts being one, in the transaction's organization."""

    tx: Transaction

    async def find(self, match_id: UUID) -> Match:
        """One pair.

        Raises:
            MatchNotFound: there is none.
        """
        return (await self._one(match_id, ""))[0]

    async def lock(self, match_id: UUID) -> tuple[Match, str]:
        """One pair for update, and whether it is decided; to be locked after the contacts.

        Raises:
            MatchNotFound: there is none.
        """
        return await self._one(match_id, "FOR UPDATE")

    async def _one(self, match_id: UUID, lock: str) -> tuple[Match, str]:
        row = await self.tx.fetchrow(
            f"""
            SELECT id, first_id, second_id, rule, created_at, state FROM contact_matches
            WHERE id = $1 AND organization_id = $2 {lock}
            """,  # noqa: S608 - one of two constants
            match_id,
            self.tx.organization_id,
        )
        if row is None:
            raise MatchNotFound
        return _match(row), row["state"]

    async def decide(self, match_id: UUID, state: str) -> None:
        """Write what was decided."""
        await self.tx.execute(
            "UPDATE contact_matches SET state = $3 WHERE id = $1 AND organization_id = $2",
            match_id,
            self.tx.organization_id,
            state,
        )

    async def apart(self, these: Collection[UUID], those: Collection[UUID]) -> None:
        """Nobody of these is matched with one of those again by itself."""
        await self.tx.execute(
            """
            INSERT INTO contact_matches (id, organization_id, first_id, second_id, rule, state)
            SELECT gen_random_uuid(), $1, least(one, other), greatest(one, other), 'by_hand', 'dismissed'
            FROM unnest($2::uuid[]) AS one, unnest($3::uuid[]) AS other
            ON CONFLICT (organization_id, first_id, second_id) DO UPDATE SET state = 'dismissed'
            """,
            self.tx.organization_id,
            list(these),
            list(those),
        )

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Match]:
        """What waits for somebody to decide, the oldest first; those that became one meanwhile are left out."""
        at, match_id = after or (BEGINNING_OF_TIME, BEFORE_ALL)
        rows = await self.tx.fetch(
            """
            SELECT m.id, m.first_id, m.second_id, m.rule, m.created_at
            FROM contact_matches AS m
            JOIN contacts AS one ON one.id = m.first_id
            JOIN contacts AS other ON other.id = m.second_id
            WHERE m.organization_id = $1 AND m.state = 'suggested'
              AND coalesce(one.merged_into, one.id) <> coalesce(other.merged_into, other.id)
              AND (m.created_at, m.id) > ($2, $3::uuid)
            ORDER BY m.created_at, m.id LIMIT $4
            """,
            self.tx.organization_id,
            at,
            match_id,
            limit,
        )
        return [_match(row) for row in rows]


async def claim_matches(tx: Transaction, at_most: int) -> list[Row]:
    """Pairs that are to be merged, in whichever organization; each is put off, in case we do not come to it."""
    return await tx.fetch(
        "SELECT id, organization_id, first_id, second_id, rule FROM claim_contact_matches($1)", at_most
    )


def _merge(row: Row) -> Merge:
    return Merge(**row)


def _match(row: Row) -> Match:
    return Match(row["id"], row["first_id"], row["second_id"], row["rule"], row["created_at"])


@dataclass(frozen=True, slots=True)
class HistoryRepository:
    """How contacts came to be known by what they are known by."""

    tx: Transaction

    async def identities(self, members: Sequence[UUID], limit: int) -> list[Row]:
        """What they are or were known by, the newest first."""
        return await self.tx.fetch(
            """
            SELECT contact_id, kind, sealed, created_at, left_at FROM contact_identities
            WHERE contact_id = ANY ($1) AND organization_id = $2 ORDER BY created_at DESC LIMIT $3
            """,
            list(members),
            self.tx.organization_id,
            limit,
        )

    async def changes(self, members: Sequence[UUID], limit: int) -> list[Row]:
        """What they have left or taken over, or lost to others, the newest first."""
        return await self.tx.fetch(
            """
            SELECT contact_id, from_id, kind, change, sealed, at FROM identity_changes
            WHERE (contact_id = ANY ($1) OR from_id = ANY ($1)) AND organization_id = $2
            ORDER BY at DESC, id DESC LIMIT $3
            """,
            list(members),
            self.tx.organization_id,
            limit,
        )
