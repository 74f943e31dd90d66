import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from compliance.audit.bundles import written
from compliance.audit.errors import SequenceNotReached, SizeNotReached
from compliance.audit.keys import LogKeys
from compliance.audit.merkle import Tree, consistency, inclusion, tiles_of
from compliance.audit.model import NOBODY, Checkpoint, Entry, Proven, Stretch, Wanted
from compliance.audit.notes import verifier_key
from compliance.audit.repository import LogRepository
from kit.audit import Operator, audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller

TRAIL: Final = "audit_trail"


@dataclass(frozen=True, slots=True)
class AuditService:
    """Reading the audit trail, which is itself put on record, and proving it."""

    database: Database
    keys: LogKeys

    async def page(
        self, caller: MemberCaller, wanted: Wanted, after: tuple[datetime, int] | None, limit: int
    ) -> list[Entry]:
        """The organization's entries, the newest first."""
        async with self.database.transaction(caller.organization_id) as tx:
            await tx.emit(audited("compliance.audit.read", caller, TRAIL, caller.organization_id, limit=limit))
            return await LogRepository(tx).page(wanted, after, limit)

    async def platform_page(self, wanted: Wanted, after: tuple[datetime, int] | None, limit: int) -> list[Entry]:
        """What was done on the platform and belongs to no organization, the newest first."""
        async with self.database.transaction(NOBODY) as tx:
            await tx.emit(audited("compliance.audit.read", Operator(), TRAIL, NOBODY, limit=limit))
            return await LogRepository(tx).page(wanted, after, limit)

    async def prove(self, caller: MemberCaller, entry_id: UUID) -> Proven:
        """An entry, with the proof that it is in the log.

        Raises:
            EntryNotFound: the organization has none of this id.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            entries = LogRepository(tx)
            entry = await entries.find(entry_id)
            await tx.emit(audited("compliance.audit.proved", caller, "audit_entry", entry_id))
            checkpoint = await entries.newest()
            spans = inclusion(entry.position, checkpoint.size)
            tiles = await entries.tiles(tiles_of(spans))
        return Proven(entry, tuple(Tree(tiles).hashes(spans)), checkpoint)

    async def checkpoint(self) -> Checkpoint:
        """What is signed about the log now."""
        async with self.database.transaction() as tx:
            return await LogRepository(tx).newest()

    async def consistency(self, from_size: int, to_size: int | None) -> tuple[int, list[bytes]]:
        """The proof that the log of the later size begins with that of the earlier one, and the later size.

        Raises:
            SizeNotReached: the log is not that large, or was never smaller.
        """
        async with self.database.transaction() as tx:
            return await _consistency(tx, from_size, to_size)

    async def verifier_keys(self) -> list[str]:
        """The public keys of all who ever signed, in the form to be pinned; the one that signs now first."""
        return [verifier_key(key.origin, key.public) for key in await self.keys.all()]

    async def export(
        self, caller: MemberCaller, first: int, limit: int, size: int | None, older_size: int | None
    ) -> str:
        """The organization's entries from one number on, with all that is needed to check them offline.

        That they were exported is on record before the first of them leaves. With `size` they are proven under that
        older checkpoint, so that bundles that are fetched one after the other fit together.

        Raises:
            CheckpointNotFound: none of that size was signed.
            SequenceNotReached: there is no such number.
            SizeNotReached: the log was not that large.
        """
        organization_id = caller.organization_id
        async with self.database.transaction(organization_id) as tx:
            await tx.emit(
                audited("compliance.audit.exported", caller, TRAIL, organization_id, first=first, limit=limit)
            )
        async with self.database.snapshot(organization_id) as tx:
            stretch = await _stretch(tx, first, limit, size)
            proof = None if older_size is None else await _consistency(tx, older_size, stretch.checkpoint.size)
            spans = [inclusion(entry.position, stretch.checkpoint.size) for entry in stretch.entries]
            tiles = await LogRepository(tx).tiles({tile for each in spans for tile in tiles_of(each)})
        older = None if proof is None or older_size is None else (older_size, proof[1])
        return await asyncio.to_thread(written, await self.keys.signer(), stretch, spans, tiles, older)


async def _stretch(tx: Transaction, first: int, limit: int, size: int | None) -> Stretch:
    entries = LogRepository(tx)
    checkpoint = await entries.newest()
    newest = (await entries.counts()).get(tx.organization_id, 0)
    if size is not None and size != checkpoint.size:
        checkpoint = await entries.checkpoint(size)
        newest = await entries.last_below(size)
    if first > newest + 1:
        raise SequenceNotReached
    last = min(newest, first + limit - 1)
    found = await entries.numbered(first, last)
    return Stretch(tx.organization_id, first, last, newest, checkpoint, tuple(found))


async def _consistency(tx: Transaction, from_size: int, to_size: int | None) -> tuple[int, list[bytes]]:
    entries = LogRepository(tx)
    present = (await entries.newest()).size
    later = present if to_size is None else to_size
    if not from_size <= later <= present:
        raise SizeNotReached
    spans: Sequence[tuple[int, int]] = consistency(from_size, later)
    return later, Tree(await entries.tiles(tiles_of(spans))).hashes(spans)
