from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from compliance.audit.errors import CheckpointNotFound, EntryNotFound, LogNotReady
from compliance.audit.merkle import TileId
from compliance.audit.model import NOBODY, Checkpoint, Entry, Line, Wanted
from contracts.audit import AuditEntry
from kit.db.database import Row, Transaction

_LOCK: Final = 0x617564  # "aud"


@dataclass(frozen=True, slots=True)
class PendingRepository:
    """What was heard of and is not in the log yet, of all organizations."""

    tx: Transaction

    async def add(self, lines: Sequence[AuditEntry]) -> None:
        """Take lines in; one that waits already is not taken twice."""
        await self.tx.execute(
            """
            INSERT INTO audit_pending (organization_id, id, at, action, actor_kind, actor_id, target_kind, target_id,
                                       details, request_id)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[],
                                 $7::text[], $8::text[], $9::jsonb[], $10::text[])
            ON CONFLICT (organization_id, id) DO NOTHING
            """,
            [line.organization_id or NOBODY for line in lines],
            [line.id for line in lines],
            [line.time for line in lines],
            [line.action for line in lines],
            [line.actor_kind for line in lines],
            [line.actor_id for line in lines],
            [line.target_kind for line in lines],
            [line.target_id for line in lines],
            [line.details for line in lines],
            [line.request_id for line in lines],
        )

    async def oldest(self, at_most: int) -> list[Line]:
        """What waits longest."""
        rows = await self.tx.fetch(
            """
            SELECT arrival, organization_id, id, at, action, actor_kind, actor_id, target_kind, target_id, details,
                   request_id
            FROM audit_pending
            ORDER BY arrival
            LIMIT $1
            """,
            at_most,
        )
        return [Line(*row) for row in rows]

    async def remove(self, lines: Sequence[Line]) -> None:
        """They have their place."""
        await self.tx.execute(
            "DELETE FROM audit_pending WHERE arrival = ANY ($1::bigint[])", [line.arrival for line in lines]
        )


@dataclass(frozen=True, slots=True)
class LogRepository:
    """The log: entries of the organizations the transaction is bound to, and the hashes over all."""

    tx: Transaction

    async def lock(self) -> bool:
        """Be the one who writes, until the transaction ends; False when somebody else is."""
        got: bool = await self.tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), $1)", _LOCK)
        return got

    async def known(self, lines: Sequence[Line]) -> set[tuple[UUID, UUID]]:
        """Which of these are in the log already, by organization and id."""
        rows = await self.tx.fetch(
            """
            SELECT organization_id, id FROM unnest($1::uuid[], $2::uuid[]) AS heard (organization_id, id)
            WHERE (
                SELECT true FROM audit_entries AS e
                WHERE e.organization_id = heard.organization_id AND e.id = heard.id
            )
            """,
            [line.organization_id for line in lines],
            [line.id for line in lines],
        )
        return {(row["organization_id"], row["id"]) for row in rows}

    async def counts(self) -> dict[UUID, int]:
        """How many entries each of the organizations has."""
        rows = await self.tx.fetch(
            "SELECT organization_id, last FROM audit_sequences WHERE organization_id = ANY ($1)",
            list(self.tx.organization_ids),
        )
        return {row["organization_id"]: row["last"] for row in rows}

    async def add(self, start: int, numbered: Sequence[tuple[int, Line, bytes]]) -> None:
        """Append entries, each with its number and its bytes, from this position on."""
        lines = [line for _, line, _ in numbered]
        await self.tx.execute(
            """
            INSERT INTO audit_entries (position, organization_id, sequence, id, at, action, actor_id, target_id, leaf)
            SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::uuid[], $5::timestamptz[], $6::text[],
                                 $7::uuid[], $8::text[], $9::bytea[])
            """,
            list(range(start, start + len(numbered))),
            [line.organization_id for line in lines],
            [sequence for sequence, _, _ in numbered],
            [line.id for line in lines],
            [line.at for line in lines],
            [line.action for line in lines],
            [line.actor_id for line in lines],
            [line.target_id for line in lines],
            [leaf for _, _, leaf in numbered],
        )

    async def save_counts(self, counts: Mapping[UUID, int]) -> None:
        """Write how many entries the organizations have now."""
        await self.tx.execute(
            """
            INSERT INTO audit_sequences (organization_id, last)
            SELECT * FROM unnest($1::uuid[], $2::bigint[])
            ON CONFLICT (organization_id) DO UPDATE SET last = excluded.last
            """,
            list(counts),
            list(counts.values()),
        )

    async def tiles(self, wanted: Collection[TileId]) -> dict[TileId, bytes]:
        """These tiles, as far as they are there."""
        rows = await self.tx.fetch(
            """
            SELECT level, number, (
                SELECT hashes FROM audit_tiles AS t WHERE t.level = asked.level AND t.number = asked.number
            ) AS hashes
            FROM unnest($1::smallint[], $2::bigint[]) AS asked (level, number)
            """,
            [level for level, _ in wanted],
            [number for _, number in wanted],
        )
        return {(row["level"], row["number"]): row["hashes"] for row in rows if row["hashes"] is not None}

    async def save_tiles(self, tiles: Mapping[TileId, bytes]) -> None:
        """Write new tiles, and longer ones over what they begin with."""
        await self.tx.execute(
            """
            INSERT INTO audit_tiles (level, number, hashes)
            SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
            ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes
            """,
            [level for level, _ in tiles],
            [number for _, number in tiles],
            list(tiles.values()),
        )

    async def newest(self) -> Checkpoint:
        """The present checkpoint.

        Raises:
            LogNotReady: there is none yet.
        """
        row = await self.tx.fetchrow("SELECT size, root, note FROM audit_checkpoints ORDER BY size DESC LIMIT 1")
        if row is None:
            raise LogNotReady
        return Checkpoint(*row)

    async def checkpoint(self, size: int) -> Checkpoint:
        """The checkpoint of that size.

        Raises:
            CheckpointNotFound: none was signed.
        """
        row = await self.tx.fetchrow("SELECT size, root, note FROM audit_checkpoints WHERE size = $1", size)
        if row is None:
            raise CheckpointNotFound
        return Checkpoint(*row)

    async def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep what was signed."""
        await self.tx.execute(
            "INSERT INTO audit_checkpoints (size, root, note) VALUES ($1, $2, $3)",
            checkpoint.size,
            checkpoint.root,
            checkpoint.note,
        )

    async def page(self, wanted: Wanted, after: tuple[datetime, int] | None, limit: int) -> list[Entry]:
        """The organization's entries, the newest first."""
        sql, args = page_query(self.tx.organization_id, wanted, after, limit)
        return [_entry(row) for row in await self.tx.fetch(sql, *args)]

    async def find(self, entry_id: UUID) -> Entry:
        """One of the organization's entries.

        Raises:
            EntryNotFound: there is none of this id.
        """
        row = await self.tx.fetchrow(
            "SELECT position, sequence, at, leaf FROM audit_entries WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            entry_id,
        )
        if row is None:
            raise EntryNotFound
        return _entry(row)

    async def last_below(self, size: int) -> int:
        """The organization's last number in the log as it was at that size; 0 when it had none."""
        last: int | None = await self.tx.fetchval(
            """
            SELECT sequence FROM audit_entries
            WHERE organization_id = $1 AND position < $2
            ORDER BY sequence DESC
            LIMIT 1
            """,
            self.tx.organization_id,
            size,
        )
        return last or 0

    async def numbered(self, first: int, last: int) -> list[Entry]:
        """The organization's entries with these numbers."""
        rows = await self.tx.fetch(
            """
            SELECT position, sequence, at, leaf FROM audit_entries
            WHERE organization_id = $1 AND sequence BETWEEN $2 AND $3
            ORDER BY sequence
            """,
            self.tx.organization_id,
            first,
            last,
        )
        return [_entry(row) for row in rows]


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it lies in the database."""

    id: str
    origin: str
    public: bytes
    sealed_private: bytes


@dataclass(frozen=True, slots=True)
class KeyRepository:
    """The keys that sign the log."""

    tx: Transaction

    async def lock(self) -> None:
        """Let only one process at a time make keys; held until the transaction ends."""
        await self.tx.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema()), $1)", _LOCK)

    async def all(self) -> list[StoredKey]:
        """All keys, the one that signs first."""
        rows = await self.tx.fetch(
            "SELECT id, origin, public_key, sealed_private FROM audit_keys ORDER BY created_at DESC, id"
        )
        return [StoredKey(*row) for row in rows]

    async def add(self, key: StoredKey) -> None:
        """Keep a key."""
        await self.tx.execute(
            "INSERT INTO audit_keys (id, origin, public_key, sealed_private) VALUES ($1, $2, $3, $4)",
            key.id,
            key.origin,
            key.public,
            key.sealed_private,
        )


def page_query(
    organization_id: UUID, wanted: Wanted, after: tuple[datetime, int] | None, limit: int
) -> tuple[str, list[object]]:
    """A page of entries, with the conditions that are asked for and no others, so that an index answers each."""
    asked = {
        "organization_id = ${}": organization_id,
        "action = ${}": wanted.action,
        "actor_id = ${}": wanted.actor_id,
        "target_id = ${}": wanted.target_id,
        "at >= ${}": wanted.since,
        "at < ${}": wanted.until,
    }
    known = {condition: value for condition, value in asked.items() if value is not None}
    conditions = [condition.format(number) for number, condition in enumerate(known, 1)]
    args: list[object] = [*known.values(), *(after or ()), limit]
    if after is not None:
        conditions.append(f"(at, sequence) < (${len(args) - 2}, ${len(args) - 1})")
    sql = f"""
        SELECT position, sequence, at, leaf FROM audit_entries
        WHERE {" AND ".join(conditions)}
        ORDER BY at DESC, sequence DESC
        LIMIT ${len(args)}
        """  # noqa: S608 - constants; values travel as parameters
    return sql, args


def _entry(row: Row) -> Entry:
    return Entry(row["position"], row["sequence"], row["at"], row["leaf"])
