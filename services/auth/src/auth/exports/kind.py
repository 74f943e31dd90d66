from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from auth.accounts.sealing import Addresses
from auth.exports.model import StaffExport, State, What
from auth.exports.repository import StaffExportRepository
from auth.operations.repository import AudienceRepository
from kit.db.database import Database, Transaction
from kit.jobs import model as jobs
from kit.jobs.model import Done, Found, Item, Job, NewItem, Outcome, Skipped
from kit.jobs.report import csv_lines

KIND: Final = "auth.staff-export"
PLACE: Final = b"staff_export_pieces.sealed:"
_ENDS: Final = {
    jobs.State.FINISHED: State.READY,
    jobs.State.CANCELLED: State.FAILED,
    jobs.State.FAILED: State.FAILED,
}
_FIRST: Final = UUID(int=0)
Lines = Mapping[int, Sequence[object]]


@dataclass(frozen=True, slots=True)
class StaffExportKind:
    """Writes a list in pieces of one batch each, sealed under the key of the platform."""

    database: Database
    addresses: Addresses
    name: str = KIND
    batch: int = 500
    prepares: bool = True

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """The users of the audience, or all organizations, by id."""
        export = await _of(tx, job)
        after = _FIRST if cursor is None else UUID(cursor)
        if export.what is What.USERS:
            found = await AudienceRepository(tx).page(export.audience, after, limit)
        else:
            found = await StaffExportRepository(tx).organizations(after, limit)
        return Found([NewItem(each) for each in found], str(found[-1]) if len(found) == limit else None)

    async def prepare(self, job: Job, items: Sequence[Item]) -> Lines:
        """The lines of these items, with addresses opened."""
        ids = [item.subject_id for item in items if item.subject_id is not None]
        async with self.database.transaction() as tx:
            export, exports = await _of(tx, job), StaffExportRepository(tx)
            users = await exports.users(ids) if export.what is What.USERS else {}
            organizations = {} if export.what is What.USERS else await exports.organization_lines(ids)
        lines: dict[UUID, Sequence[object]] = {each: _shown(line) for each, line in organizations.items()}
        sealed = {each: line.address for each, line in users.items() if line.address is not None}
        opened = dict(zip(sealed, await self.addresses.open(list(sealed.values())), strict=True))
        for each, line in users.items():
            moments = (line.created_at, line.verified_at, line.last_active_at, line.suspended_at)
            lines[each] = _shown((each, opened.get(each), line.language, *moments))
        return {item.number: lines[item.subject_id] for item in items if item.subject_id in lines}

    async def work(
        self, tx: Transaction, job: Job, items: Sequence[Item], prepared: Lines | None
    ) -> Mapping[int, Outcome]:
        """Write what was prepared of these items as one piece."""
        export, known = await _of(tx, job), prepared or {}
        written = [item.number for item in items if item.number in known]
        if written:
            content = csv_lines([known[number] for number in written])
            place = PLACE + export.id.bytes + written[0].to_bytes(8)
            sealed = await self.addresses.keyring.seal(None, content, place)
            await StaffExportRepository(tx).add_piece(export.id, written[0], sealed, len(content))
        return {item.number: Done() if item.number in known else Skipped("gone") for item in items}

    async def ended(self, tx: Transaction, job: Job) -> None:
        """The export ends as its job does."""
        await StaffExportRepository(tx).end(job.id, _ENDS[job.state])


async def _of(tx: Transaction, job: Job) -> StaffExport:
    export = await StaffExportRepository(tx).of_job(job.id)
    if export is None:
        raise LookupError("a job without its export")
    return export


def _shown(values: Sequence[object]) -> list[object]:
    return [each.isoformat().replace("+00:00", "Z") if isinstance(each, datetime) else each for each in values]
