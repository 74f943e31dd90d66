from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from inbox.attributes.repository import AttributeRepository
from inbox.exports.errors import ExportExpired, ExportNotReady, OneSelection
from inbox.exports.kind import KIND, PLAN
from inbox.exports.model import Export
from inbox.exports.repository import ExportRepository, sweep_exports
from inbox.exports.writing import heading
from inbox.media.addresses import check_signed, signed
from inbox.media.store import Kept, MediaStore
from inbox.segments.plan import Plan
from inbox.segments.service import SegmentService
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import BEFORE_ALL, new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Submission
from kit.seal import Keyring

_EVERYBODY: Final[Plan] = {"on": "all", "of": []}
_PURPOSE: Final = "exports of contacts"
_PARTS: Final = 100
_SWEPT: Final = 500
_NAMELESS: Final = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class ExportService:
    """Contacts as a file: written by a job, kept sealed for a day, handed out by addresses that last minutes."""

    database: Database
    keyring: Keyring
    segments: SegmentService
    store: MediaStore
    jobs: Jobs
    secret: str = field(repr=False)

    async def start(
        self, caller: MemberCaller, segment_id: UUID | None, query: Mapping[str, Any] | None, key: Idempotency
    ) -> Export:
        """Let a file of contacts be written: of whom a segment or a query means, or of all that are not blocked.

        Raises:
            OneSelection: there are both.
            NotArranged, SegmentOutdated, QueryRefused: there is no such segment, or it cannot be asked.
            TooManyJobs: too much is under way.
        """
        if segment_id is not None and query is not None:
            raise OneSelection
        async with self.database.transaction(caller.organization_id) as tx:
            exports = ExportRepository(tx)
            if earlier := await key.claim(tx):
                return await exports.find(earlier.resource_id)
            plan = await self._plan(tx, caller, segment_id, query)
            sealed = await self.keyring.seal(tx.organization_id, orjson.dumps(plan), PLAN)
            keys = [each.key for each in await AttributeRepository(tx).all("contact")]
            export_id = new_id()
            wanted = Submission(KIND, str(export_id), caller.organization_id, caller.user_id)
            job = await self.jobs.submit(tx, wanted)
            await exports.add(export_id, job.id, sealed, keys)
            await key.remember(tx, export_id)
            target = ("segment", segment_id) if segment_id else ("organization", caller.organization_id)
            await tx.emit(audited("inbox.contacts.exported", caller, *target, what="started", export=str(export_id)))
            return await exports.find(export_id)

    async def _plan(
        self, tx: Transaction, caller: MemberCaller, segment_id: UUID | None, query: Mapping[str, Any] | None
    ) -> Plan:
        if segment_id is not None:
            return await self.segments.plan(tx, caller.user_id, segment_id)
        return _EVERYBODY if query is None else await self.segments.planned(tx, query)

    async def find(self, caller: MemberCaller, export_id: UUID) -> Export:
        """One."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await ExportRepository(tx).find(export_id)

    async def page(self, caller: MemberCaller, before: UUID, limit: int) -> list[Export]:
        """The newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await ExportRepository(tx).page(before, limit)

    async def cancel(self, caller: MemberCaller, export_id: UUID) -> Export:
        """Write nothing more; what was written is handed to nobody.

        Raises:
            JobEnded: it has ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            export = await ExportRepository(tx).find(export_id)
            await self.jobs.cancel(tx, export.job_id)
            return await ExportRepository(tx).find(export_id)

    async def address(self, caller: MemberCaller, export_id: UUID) -> tuple[str, datetime]:
        """Where the file is to be had for a few minutes, and until when; on record.

        Raises:
            ExportNotReady, ExportExpired: it is not.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            _insist(await ExportRepository(tx).find(export_id))
            await tx.emit(audited("inbox.contacts.exported", caller, "export", export_id, what="handed-out"))
        named = _named(caller.organization_id, export_id)
        query, until = signed(self.secret, _PURPOSE, named, self.database.clock.now())
        return f"/v1/contact-export-files/{named}?{query}", until

    async def open(
        self, organization_id: UUID, export_id: UUID, expires: int, signature: str
    ) -> tuple[int, AsyncIterator[bytes]]:
        """The file to which an address leads, with its size in bytes.

        Raises:
            AddressExpired: the address leads to nothing, or not any more.
            ExportNotReady, ExportExpired: the file is not there.
        """
        named, now = _named(organization_id, export_id), self.database.clock.now()
        check_signed(self.secret, _PURPOSE, named, expires=expires, signature=signature, now=now)
        async with self.database.snapshot(organization_id) as tx:
            export = await ExportRepository(tx).find(export_id)
        _insist(export)
        first = heading(export.columns)
        return len(first) + export.size, self._pieces(organization_id, export, first)

    async def _pieces(self, organization_id: UUID, export: Export, first: bytes) -> AsyncIterator[bytes]:
        yield first
        after = BEFORE_ALL
        while True:
            async with self.database.snapshot(organization_id) as tx:
                parts = await ExportRepository(tx).written(export.id, after, _PARTS)
            for part in parts:
                if part.file_id is None or part.key_sealed is None:
                    raise LookupError("a part that is written has a file")
                opened = await self.store.open(organization_id, Kept(part.file_id, part.key_sealed))
                async for piece in opened.pieces(0, opened.file.size):
                    yield piece
            if len(parts) < _PARTS:
                return
            after = parts[-1].upto_id

    async def sweep(self) -> bool:
        """Take files away that nobody is handed any more, and such that no row names; true when there may be more."""
        async with self.database.transaction() as tx:
            swept = await sweep_exports(tx, _SWEPT)
        for row in swept:
            if row["file_id"] is not None:
                await self.store.remove(row["organization_id"], [row["file_id"]])
        if swept:
            return True
        before = (self.database.clock.now() - _NAMELESS).timestamp()
        async for _, paths in self.store.older_than(before, _SWEPT):
            await self.store.discard(paths)
        return False


def _named(organization_id: UUID, export_id: UUID) -> str:
    return f"{organization_id}/{export_id}"


def _insist(export: Export) -> None:
    if export.state == "expired":
        raise ExportExpired
    if export.state != "finished":
        raise ExportNotReady
