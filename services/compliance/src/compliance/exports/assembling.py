"""Archives are made by a loop: claim, open what the services handed over, write, keep, record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from compliance.exports.archive import Archive, ArchiveTooLarge
from compliance.exports.model import Export, ExportState, Part
from compliance.exports.repository import ExportRepository, due, expired
from compliance.exports.service import archive_place, password_place
from compliance.persons.model import line
from contracts.compliance import ExportReady
from kit.audit import SYSTEM
from kit.db.database import Database
from kit.errors import TransientError
from kit.privacy.handover import place
from kit.process import cancelled
from kit.seal import Keyring, KeyShredded

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=1)
KEPT_FOR: Final = timedelta(days=7)
_AGAIN: Final = timedelta(seconds=30)
_READ: Final = 16  # pieces at a time
_WRITE: Final = 8  # chunks at a time


class Lost(Exception):
    """Somebody else makes this archive now, or nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class Assembling:
    """Makes archives, one at a time and each by one worker at a time, and takes those away whose time is over."""

    database: Database
    keyring: Keyring

    async def work(self) -> bool:
        """Make one archive, if one is to be made."""
        async with self.database.transaction() as tx:
            waiting = await due(tx, 10)
        for export_id, owner_id in waiting.items():
            if await self._claimed(export_id, owner_id):
                return True
        return False

    async def expire(self) -> bool:
        """Take away what nobody fetched in time."""
        async with self.database.transaction() as tx:
            over = await expired(tx, 100)
        for export_id, owner_id in over.items():
            async with self.database.transaction(owner_id) as tx:
                exports = ExportRepository(tx)
                export = await exports.find(export_id)
                if export is not None and await exports.end([export_id]):
                    await tx.emit_of_platform(
                        line("compliance.export.expired", SYSTEM, "export", export_id, export.person)
                    )
        return bool(over)

    async def _claimed(self, export_id: UUID, owner_id: UUID) -> bool:
        async with self.database.transaction(owner_id) as tx:
            claim = await ExportRepository(tx).claim(export_id, LEASE)
            export = await ExportRepository(tx).find(export_id)
        if claim is None or export is None:
            return False
        attempt, password_sealed = claim
        try:
            async with self._held(export, attempt):
                await self._make(export, attempt, password_sealed)
        except (Lost, KeyShredded):
            log.warning("export.given_up", export=str(export_id))
        except ArchiveTooLarge:
            async with self.database.transaction(owner_id) as tx:
                await ExportRepository(tx).end([export_id], ExportState.TOO_LARGE)
                await tx.emit_of_platform(
                    line("compliance.export.failed", SYSTEM, "export", export_id, export.person)
                )
        except TransientError as trouble:
            log.warning("export.postponed", export=str(export_id), trouble=type(trouble).__name__)
            async with self.database.transaction(owner_id) as tx:
                await ExportRepository(tx).release(export_id, attempt, _AGAIN)
        return True

    @asynccontextmanager
    async def _held(self, export: Export, attempt: int) -> AsyncIterator[None]:
        """Renew the lease while a large archive is written; whoever lost it finds out at the next step."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 3)
                with suppress(TransientError):
                    async with self.database.transaction(export.owner_id) as tx:
                        await ExportRepository(tx).hold(export.id, attempt, LEASE)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            await cancelled(renewing)

    async def _make(self, export: Export, attempt: int, password_sealed: bytes) -> None:
        opened = await self.keyring.open(export.person.organization_id, password_sealed, password_place(export.id))
        archive = Archive(opened)
        try:
            for part in export.parts:
                await self._take(export, part, attempt, archive)
            size, sha256 = await asyncio.to_thread(archive.end, _about(export))
            await self._keep(export, attempt, archive)
            await self._record(export, attempt, size, sha256)
        finally:
            archive.close()

    async def _take(self, export: Export, part: Part, attempt: int, archive: Archive) -> None:
        taken = 0
        while taken < part.pieces:
            async with self.database.transaction(export.owner_id) as tx:
                if not await ExportRepository(tx).hold(export.id, attempt, LEASE):
                    raise Lost
                found = await ExportRepository(tx).pieces(export.id, part, taken - 1, _READ)
            if not found:
                raise Lost
            sealed = [(each, place(export.id, part.service, part.attempt, number)) for number, each in found]
            for piece in await self.keyring.open_many(export.person.organization_id, sealed):
                if piece is None:
                    raise KeyShredded
                await asyncio.to_thread(archive.add, part.service, piece)
            taken += len(found)
        await asyncio.to_thread(archive.end_of, part.service)

    async def _keep(self, export: Export, attempt: int, archive: Archive) -> None:
        chunks, number = archive.chunks(), 0
        while batch := await asyncio.to_thread(lambda: [c for _, c in zip(range(_WRITE), chunks, strict=False)]):
            values = [(chunk, archive_place(export, attempt, number + at)) for at, chunk in enumerate(batch)]
            sealed = await self.keyring.seal_many(
                export.person.organization_id, values, subject=export.person.key_owner
            )
            async with self.database.transaction(export.owner_id) as tx:
                if not await ExportRepository(tx).hold(export.id, attempt, LEASE):
                    raise Lost
                await ExportRepository(tx).keep_archive(export, attempt, number, sealed)
            number += len(batch)

    async def _record(self, export: Export, attempt: int, size: int, sha256: str) -> None:
        expires_at = self.database.clock.now() + KEPT_FOR
        async with self.database.transaction(export.owner_id) as tx:
            version = await ExportRepository(tx).ready(export.id, attempt, size, sha256, expires_at)
            if version is None:
                raise Lost
            await tx.emit_of_platform(
                ExportReady(
                    organization_id=export.person.organization_id,
                    version=version,
                    export_id=export.id,
                    expires_at=expires_at,
                ),
                line("compliance.export.ready", SYSTEM, "export", export.id, export.person, size=size),
            )


def _about(export: Export) -> dict[str, object]:
    return {
        "export": str(export.id),
        "person": {"kind": export.person.kind, "id": str(export.person.id)},
        "organization": None if export.person.organization_id is None else str(export.person.organization_id),
        "requested_at": export.created_at.isoformat(),
        "services": {part.service: dict(part.rows) for part in export.parts},
    }
