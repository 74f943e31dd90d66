from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from compliance.exports.model import Export, ExportState, Part
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL
from kit.privacy.person import Person

_COLUMNS: Final = """
    id, owner_id, organization_id, person_kind, person_id, requested_by, state, attempt, size, sha256, version,
    created_at, ready_at, expires_at
"""


@dataclass(frozen=True, slots=True)
class ExportRepository:
    """Exports of the owners that the transaction is bound to, with their parts and archives."""

    tx: Transaction

    async def add(self, export: Export, password_sealed: bytes, services: Collection[str]) -> None:
        """Keep a request and whom it asks."""
        await self.tx.execute(
            """
            INSERT INTO exports (id, owner_id, organization_id, person_kind, person_id, requested_by,
                                 password_sealed, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            export.id,
            export.owner_id,
            export.person.organization_id,
            export.person.kind,
            export.person.id,
            export.requested_by,
            password_sealed,
            export.created_at,
            export.expires_at,
        )
        await self.tx.execute(
            """
            INSERT INTO export_parts (export_id, service, owner_id)
            SELECT $1, service, $2 FROM unnest($3::text[]) AS service
            """,
            export.id,
            export.owner_id,
            sorted(services),
        )

    async def find(self, export_id: UUID) -> Export | None:
        """One export and its parts."""
        found = await self._with_parts(
            await self.tx.fetch(f"SELECT {_COLUMNS} FROM exports WHERE id = $1", export_id)  # noqa: S608 - a constant
        )
        return found[0] if found else None

    async def page(self, owners: Collection[UUID], before: UUID | None, limit: int) -> list[Export]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM exports
            WHERE owner_id = ANY ($1) AND id < $2
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - a constant
            list(owners),
            before or AFTER_ALL,
            limit,
        )
        return await self._with_parts(rows)

    async def _with_parts(self, rows: Sequence[Row]) -> list[Export]:
        parts = await self.tx.fetch(
            """
            SELECT export_id, service, state, attempt, pieces, rows FROM export_parts
            WHERE export_id = ANY ($1) ORDER BY service
            """,
            [row["id"] for row in rows],
        )
        by_export: dict[UUID, list[Part]] = {}
        for each in parts:
            part = Part(each["service"], each["state"] == "ready", each["attempt"], each["pieces"], each["rows"])
            by_export.setdefault(each["export_id"], []).append(part)
        return [_export(row, by_export.get(row["id"], ())) for row in rows]

    async def being_erased(self, person: Person) -> bool:
        """Whether the erasure of this person has begun."""
        begun: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM erasures
                WHERE person_kind = $1 AND person_id = $2 AND state IN ('begun', 'destroying', 'finished')
            )
            """,
            person.kind,
            person.id,
        )
        return begun

    async def put(self, export_id: UUID, service: str, attempt: int, number: int, sealed: bytes) -> bool:
        """Keep a piece, or keep it again; False when nobody waits for it."""
        kept = await self.tx.execute(
            """
            INSERT INTO export_pieces (export_id, service, attempt, number, owner_id, sealed)
            SELECT export.id, part.service, $3, $4, export.owner_id, $5
            FROM exports AS export JOIN export_parts AS part ON part.export_id = export.id
            WHERE export.id = $1 AND part.service = $2 AND export.state = 'collecting' AND part.state = 'asked'
            ON CONFLICT (export_id, service, attempt, number) DO UPDATE SET sealed = excluded.sealed
            """,
            export_id,
            service,
            attempt,
            number,
            sealed,
        )
        return kept == 1

    async def part_ready(self, export_id: UUID, part: Part) -> bool:
        """Note that a part is whole; True when it was the last one, and the archive can be made."""
        noted = await self.tx.fetchval(
            """
            UPDATE export_parts SET state = 'ready', attempt = $3, pieces = $4, rows = $5
            WHERE export_id = $1 AND service = $2 AND state = 'asked'
            RETURNING true
            """,
            export_id,
            part.service,
            part.attempt,
            part.pieces,
            part.rows,
        )
        if not noted:
            return False
        await self.tx.execute(
            "DELETE FROM export_pieces WHERE export_id = $1 AND service = $2 AND attempt <> $3",
            export_id,
            part.service,
            part.attempt,
        )
        moved = await self.tx.execute(
            """
            UPDATE exports SET state = 'assembling', version = version + 1
            WHERE id = $1 AND state = 'collecting'
              AND NOT EXISTS (SELECT FROM export_parts WHERE export_id = $1 AND state = 'asked')
            """,
            export_id,
        )
        return moved == 1

    async def lock(self, export_id: UUID) -> None:
        """Let answers of several services to one export come one after the other."""
        await self.tx.execute("SELECT FROM exports WHERE id = $1 FOR UPDATE", export_id)

    async def claim(self, export_id: UUID, lease: timedelta) -> tuple[int, bytes] | None:
        """Take an export to make its archive: the attempt and the sealed password; None when somebody else has it."""
        row = await self.tx.fetchrow(
            """
            UPDATE exports SET attempt = attempt + 1, leased_until = kit_now() + $2::interval
            WHERE id = $1 AND state = 'assembling' AND (leased_until IS NULL OR leased_until < kit_now())
            RETURNING attempt, password_sealed
            """,
            export_id,
            lease,
        )
        return None if row is None else (row["attempt"], row["password_sealed"])

    async def hold(self, export_id: UUID, attempt: int, lease: timedelta) -> bool:
        """Extend the lease; False when somebody else has the export by now, or it is gone."""
        return (
            await self.tx.execute(
                """
                UPDATE exports SET leased_until = kit_now() + $3::interval
                WHERE id = $1 AND attempt = $2 AND state = 'assembling'
                """,
                export_id,
                attempt,
                lease,
            )
            == 1
        )

    async def release(self, export_id: UUID, attempt: int, after: timedelta) -> None:
        """Let another try begin after this while."""
        await self.tx.execute(
            "UPDATE exports SET leased_until = kit_now() + $3::interval WHERE id = $1 AND attempt = $2",
            export_id,
            attempt,
            after,
        )

    async def pieces(self, export_id: UUID, part: Part, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Pieces of a part in order, after that number."""
        rows = await self.tx.fetch(
            """
            SELECT number, sealed FROM export_pieces
            WHERE export_id = $1 AND service = $2 AND attempt = $3 AND number > $4
            ORDER BY number LIMIT $5
            """,
            export_id,
            part.service,
            part.attempt,
            after,
            limit,
        )
        return [(row["number"], row["sealed"]) for row in rows]

    async def keep_archive(self, export: Export, attempt: int, first: int, chunks: Sequence[bytes]) -> None:
        """Keep some chunks of the archive."""
        await self.tx.execute(
            """
            INSERT INTO export_archives (export_id, attempt, number, owner_id, sealed)
            SELECT $1, $2, $3 + chunk.place - 1, $4, chunk.sealed
            FROM unnest($5::bytea[]) WITH ORDINALITY AS chunk (sealed, place)
            """,
            export.id,
            attempt,
            first,
            export.owner_id,
            list(chunks),
        )

    async def ready(self, export_id: UUID, attempt: int, size: int, sha256: str, expires_at: datetime) -> int | None:
        """The archive is made; what it was made of goes. Returns the version, None if it is not ours."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE exports
            SET state = 'ready', size = $3, sha256 = $4, expires_at = $5, ready_at = kit_now(),
                password_sealed = NULL, leased_until = NULL, version = version + 1
            WHERE id = $1 AND attempt = $2 AND state = 'assembling'
            RETURNING version
            """,
            export_id,
            attempt,
            size,
            sha256,
            expires_at,
        )
        if version is not None:
            await self.tx.execute("DELETE FROM export_pieces WHERE export_id = $1", export_id)
            await self.tx.execute(
                "DELETE FROM export_archives WHERE export_id = $1 AND attempt <> $2", export_id, attempt
            )
        return version

    async def archive(self, export_id: UUID, attempt: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Chunks of the archive in order, after that number."""
        rows = await self.tx.fetch(
            """
            SELECT number, sealed FROM export_archives
            WHERE export_id = $1 AND attempt = $2 AND number > $3
            ORDER BY number LIMIT $4
            """,
            export_id,
            attempt,
            after,
            limit,
        )
        return [(row["number"], row["sealed"]) for row in rows]

    async def end(self, export_ids: Collection[UUID], state: ExportState = ExportState.EXPIRED) -> int:
        """Take everything away that these exports hold; the requests stay. Returns how many ended."""
        ids = list(export_ids)
        ended = await self.tx.execute(
            """
            UPDATE exports SET state = $2, password_sealed = NULL, leased_until = NULL, version = version + 1
            WHERE id = ANY ($1) AND state NOT IN ('expired', 'too_large')
            """,
            ids,
            state,
        )
        await self.tx.execute("DELETE FROM export_pieces WHERE export_id = ANY ($1)", ids)
        await self.tx.execute("DELETE FROM export_archives WHERE export_id = ANY ($1)", ids)
        return ended

    async def of_person(self, person: Person) -> list[UUID]:
        """All exports about this person."""
        rows = await self.tx.fetch(
            "SELECT id FROM exports WHERE person_kind = $1 AND person_id = $2", person.kind, person.id
        )
        return [row["id"] for row in rows]


async def due(tx: Transaction, at_most: int) -> Mapping[UUID, UUID]:
    """Exports, whosever they are, whose archive is to be made, with their owners."""
    rows = await tx.fetch("SELECT id, owner_id FROM due_exports($1)", at_most)
    return {row["id"]: row["owner_id"] for row in rows}


async def expired(tx: Transaction, at_most: int) -> Mapping[UUID, UUID]:
    """Exports, whosever they are, whose time is over, with their owners."""
    rows = await tx.fetch("SELECT id, owner_id FROM expired_exports($1)", at_most)
    return {row["id"]: row["owner_id"] for row in rows}


def _export(row: Row, parts: Sequence[Part]) -> Export:
    return Export(
        id=row["id"],
        owner_id=row["owner_id"],
        person=Person(row["person_kind"], row["person_id"], row["organization_id"]),
        requested_by=row["requested_by"],
        state=ExportState(row["state"]),
        attempt=row["attempt"],
        size=row["size"],
        sha256=row["sha256"],
        version=row["version"],
        created_at=row["created_at"],
        ready_at=row["ready_at"],
        expires_at=row["expires_at"],
        parts=tuple(parts),
    )
