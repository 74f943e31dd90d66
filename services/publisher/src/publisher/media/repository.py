from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL
from publisher.media.errors import MediaNotFound, UploadNotFound
from publisher.media.model import UPLOAD_WITHIN, Declared, MediaState, Medium, facts_of
from publisher.media.workshop.verdict import Facts

_COLUMNS = """
    id, organization_id, state, name, alt, declared_type, declared_bytes, received, facts, object, code, reason,
    created_by, version, created_at, changed_at, expires_at
"""


@dataclass(frozen=True, slots=True)
class MediaRepository:
    """Media of the transaction's organization."""

    tx: Transaction

    async def add(self, media_id: UUID, declared: Declared, created_by: UUID) -> Medium:
        """A new upload, of which nothing has come yet."""
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO media
                (id, organization_id, state, name, alt, declared_type, declared_bytes, created_by, expires_at)
            VALUES ($1, $2, 'uploading', $3, $4, $5, $6, $7, kit_now() + $8::interval)
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - ours
            media_id,
            self.tx.organization_id,
            declared.name,
            declared.alt,
            declared.mime,
            declared.size,
            created_by,
            UPLOAD_WITHIN,
        )
        return _medium(row)

    async def count_uploading(self, at_most: int) -> int:
        """How many uploads are under way, counted up to a number."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM (
                SELECT FROM media WHERE organization_id = $1 AND state = 'uploading' LIMIT $2
            ) AS found
            """,
            self.tx.organization_id,
            at_most,
        )
        return count

    async def find(self, media_id: UUID, *, lock: bool = False) -> Medium:
        """One medium, if wanted for update.

        Raises:
            MediaNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM media WHERE id = $1 AND organization_id = $2"  # noqa: S608 - ours
            + (" FOR UPDATE" if lock else ""),
            media_id,
            self.tx.organization_id,
        )
        return _medium(row)

    async def several(self, media_ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Medium]:
        """Those of them that there are in the transaction's organizations."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM media WHERE id = ANY ($1) AND organization_id = ANY ($2)
            ORDER BY id {"FOR SHARE" if lock else ""}
            """,  # noqa: S608 - ours
            list(media_ids),
            self.tx.organization_ids,
        )
        return {row["id"]: _medium(row) for row in rows}

    async def page(self, state: MediaState | None, before: UUID | None, limit: int) -> list[Medium]:
        """The newest first."""
        wished = [] if state is None else [state]
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM media
            WHERE organization_id = $1 AND id < $2{" AND state = $4" if wished else ""} ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - ours; what is wished for travels as a parameter
            self.tx.organization_id,
            before or AFTER_ALL,
            limit,
            *wished,
        )
        return [_medium(row) for row in rows]

    async def append(self, media_id: UUID, start: int, size: int, key: str) -> Medium:
        """A piece that lies in the store is part of the upload from now on; with the last one it is all there.

        Raises:
            UploadNotFound: the upload is not there any more, or does not stand at `start`: whoever asks reads why.
        """
        row = await self.tx.fetchrow(
            f"""
            WITH moved AS (
                UPDATE media
                SET received = received + $4,
                    state = CASE WHEN received + $4 = declared_bytes THEN 'examining' ELSE state END,
                    version = version + 1, changed_at = kit_now()
                WHERE id = $1 AND organization_id = $2 AND state = 'uploading' AND received = $3
                  AND expires_at > kit_now()
                RETURNING {_COLUMNS}
            ), noted AS (
                INSERT INTO media_pieces (media_id, start, organization_id, size, object)
                SELECT id, $3, organization_id, $4, $5 FROM moved
            )
            SELECT {_COLUMNS} FROM moved
            """,  # noqa: S608 - ours
            media_id,
            self.tx.organization_id,
            start,
            size,
            key,
        )
        if row is None:
            raise UploadNotFound
        return _medium(row)

    async def pieces(self, media_ids: Collection[UUID]) -> dict[UUID, list[tuple[str, int]]]:
        """The pieces of these uploads in their order: key and size."""
        rows = await self.tx.fetch(
            """
            SELECT media_id, object, size FROM media_pieces
            WHERE media_id = ANY ($1) AND organization_id = ANY ($2) ORDER BY media_id, start
            """,
            list(media_ids),
            self.tx.organization_ids,
        )
        found: dict[UUID, list[tuple[str, int]]] = {}
        for row in rows:
            found.setdefault(row["media_id"], []).append((row["object"], row["size"]))
        return found

    async def ready(self, media_id: UUID, facts: Facts, key: str) -> Medium | None:
        """It was looked at and may be published; None when it is not being looked at any more."""
        return await self._examined(media_id, MediaState.READY, facts, key, why=("", ""))

    async def refuse(self, media_id: UUID, code: str, reason: str) -> Medium | None:
        """It was looked at and is not taken; None when it is not being looked at any more."""
        return await self._examined(media_id, MediaState.REFUSED, None, "", why=(code, reason))

    async def _examined(
        self, media_id: UUID, state: MediaState, facts: Facts | None, key: str, *, why: tuple[str, str]
    ) -> Medium | None:
        row = await self.tx.fetchrow(
            f"""
            WITH gone AS (
                DELETE FROM media_pieces WHERE media_id = $1 AND organization_id = $2
            )
            UPDATE media
            SET state = $3, facts = $4, object = $5, code = $6, reason = $7, version = version + 1,
                changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 AND state = 'examining'
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - ours
            media_id,
            self.tx.organization_id,
            state,
            None if facts is None else facts.stored(),
            key,
            *why,
        )
        return None if row is None else _medium(row)

    async def describe(self, media_id: UUID, alt: str) -> Medium:
        """Give it another alternative text.

        Raises:
            MediaNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"""
            UPDATE media SET alt = $3, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 RETURNING {_COLUMNS}
            """,  # noqa: S608 - ours
            media_id,
            self.tx.organization_id,
            alt,
        )
        return _medium(row)

    async def remove(self, media_id: UUID) -> bool:
        """Delete the row, and with it those of its pieces and renditions."""
        return bool(
            await self.tx.execute(
                "DELETE FROM media WHERE id = $1 AND organization_id = $2", media_id, self.tx.organization_id
            )
        )

    async def lapse(self, media_id: UUID) -> Medium | None:
        """Delete an upload that nobody has finished in time; None when it is none."""
        row = await self.tx.fetchrow(
            f"""
            DELETE FROM media
            WHERE id = $1 AND organization_id = $2 AND state = 'uploading' AND expires_at <= kit_now()
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - ours
            media_id,
            self.tx.organization_id,
        )
        return None if row is None else _medium(row)

    async def used_by(self, media_id: UUID, at_most: int) -> list[UUID]:
        """Posts that use it and have not been published everywhere, at most so many."""
        rows = await self.tx.fetch(
            "SELECT post_id FROM posts_that_use($1, $2, $3)", self.tx.organization_id, media_id, at_most
        )
        return [row["post_id"] for row in rows]

    async def file(self, file_id: UUID) -> tuple[str, Facts] | None:
        """Where the bytes of a medium or of a rendition lie, and what they are; None when there are none."""
        row = await self.tx.fetchrow(
            """
            SELECT object, facts FROM media WHERE id = $1 AND organization_id = $2 AND state = 'ready'
            UNION ALL
            SELECT object, facts FROM renditions WHERE id = $1 AND organization_id = $2 AND state = 'ready'
            """,
            file_id,
            self.tx.organization_id,
        )
        return None if row is None else (row["object"], Facts(**row["facts"]))


@dataclass(frozen=True, slots=True)
class PersonsMedia:
    """Media that a user has uploaded, in the organizations of the transaction."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
        """In the order of their ids."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, state, name, alt, declared_type, declared_bytes, facts, object, code, reason,
                   created_at, changed_at
            FROM media
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """They are nobody's from now on."""
        return await self.tx.execute(
            """
            UPDATE media SET created_by = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = ANY (
                SELECT id FROM media WHERE created_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _medium(row: Row | None) -> Medium:
    if row is None:
        raise MediaNotFound
    return Medium(
        id=row["id"],
        organization_id=row["organization_id"],
        state=MediaState(row["state"]),
        declared=Declared(row["declared_bytes"], row["declared_type"], row["name"], row["alt"]),
        received=row["received"],
        facts=facts_of(row["facts"]),
        object=row["object"],
        code=row["code"],
        reason=row["reason"],
        created_by=row["created_by"],
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        expires_at=row["expires_at"],
    )
