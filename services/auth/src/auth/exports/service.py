from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from auth.exports.errors import (
    StaffExportExpired,
    StaffExportNotFound,
    StaffExportNotReady,
    StaffExportTooLarge,
)
from auth.exports.kind import KIND, PLACE
from auth.exports.model import COLUMNS, MOST_ROWS, StaffExport, State, What
from auth.exports.repository import StaffExportRepository
from auth.operations.audience import Audience
from auth.operations.repository import AudienceRepository
from auth.staff_sessions.fresh import insist_on_fresh_proof
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.http.idempotency import Idempotency
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Submission
from kit.jobs.report import csv_lines
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class StaffExportService:
    """Lists for staff: asked for with a fresh proof, made by a job, downloaded on record, gone after a day."""

    database: Database
    jobs: Jobs
    keyring: Keyring

    async def request(self, what: What, audience: Audience, staff: StaffCaller, key: Idempotency) -> StaffExport:
        """Begin a list."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            if earlier := await key.claim(tx):
                return await _own(tx, earlier.resource_id, staff)
            await _insist_on_bounds(tx, what, audience)
            export_id = new_id()
            wanted = Submission(KIND, str(export_id), submitted_by=staff.staff_id)
            exports = StaffExportRepository(tx)
            await exports.add(export_id, what, audience, wanted.id, staff.staff_id)
            await self.jobs.submit(tx, wanted)
            await key.remember(tx, export_id)
            await tx.emit_of_platform(
                audited("auth.staff_export.requested", staff, "staff_export", export_id, what=what.value)
            )
            return await _own(tx, export_id, staff)

    async def page(self, staff: StaffCaller, before: UUID | None, limit: int) -> list[StaffExport]:
        """The caller's own, the newest first."""
        async with self.database.transaction() as tx:
            return await StaffExportRepository(tx).page(staff.staff_id, before, limit)

    async def find(self, export_id: UUID, staff: StaffCaller) -> StaffExport:
        """One of the caller's own."""
        async with self.database.transaction() as tx:
            return await _own(tx, export_id, staff)

    async def file(self, export_id: UUID, staff: StaffCaller) -> tuple[StaffExport, AsyncIterator[bytes]]:
        """The list, piece by piece; each download is put on record before the first byte leaves."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            export = await _own(tx, export_id, staff)
            if export.state is State.EXPIRED or export.expires_at <= self.database.clock.now():
                raise StaffExportExpired
            if export.state is not State.READY:
                raise StaffExportNotReady
            await tx.emit_of_platform(
                audited("auth.staff_export.downloaded", staff, "staff_export", export_id, what=export.what.value)
            )
        return export, self._pieces(export)

    async def _pieces(self, export: StaffExport) -> AsyncIterator[bytes]:
        yield csv_lines([COLUMNS[export.what]])
        after = 0
        while True:
            async with self.database.transaction() as tx:
                piece = await StaffExportRepository(tx).next_piece(export.id, after)
            if piece is None:
                return
            after, sealed = piece
            yield await self.keyring.open(None, sealed, PLACE + export.id.bytes + after.to_bytes(8))

    async def expire(self) -> bool:
        """Delete a list whose time is over; true when there may be more."""
        async with self.database.transaction() as tx:
            expired = await StaffExportRepository(tx).expire()
            if expired is not None:
                await tx.emit_of_platform(audited("auth.staff_export.expired", SYSTEM, "staff_export", expired))
        return expired is not None


async def _insist_on_bounds(tx: Transaction, what: What, audience: Audience) -> None:
    rows = (
        await AudienceRepository(tx).count(audience)
        if what is What.USERS
        else await StaffExportRepository(tx).count_organizations()
    )
    if rows > MOST_ROWS:
        raise StaffExportTooLarge(f"It would have {rows} rows; {MOST_ROWS} are the most.")


async def _own(tx: Transaction, export_id: UUID, staff: StaffCaller) -> StaffExport:
    export = await StaffExportRepository(tx).find(export_id)
    if export is None or export.requested_by != staff.staff_id:
        raise StaffExportNotFound
    return export
