"""The kind of jobs `inbox.contact-export`: an item is a stretch of contacts, written as one sealed file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson

from inbox.exports.model import PART, Export, Part
from inbox.exports.repository import ExportRepository
from inbox.exports.writing import Lines
from inbox.media.store import Kept, MediaStore
from inbox.segments.plan import Plan
from inbox.segments.repository import SegmentRepository
from kit.db.database import Transaction
from kit.ids import BEFORE_ALL, new_id
from kit.jobs.kind import Kind
from kit.jobs.model import Done, Found, Item, Job, NewItem, Outcome, Skipped, State
from kit.seal import Keyring

KIND: Final = "inbox.contact-export"
PLAN: Final = b"contact_exports.plan_sealed"
_FOUND_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class Written:
    """A part as a file that no row names yet."""

    part: Part
    kept: Kept
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class ContactExports:
    """Finds stretches of contacts, and writes each to a file of its own; one that was not told of is written anew."""

    lines: Lines
    keyring: Keyring
    store: MediaStore
    name: str = KIND
    batch: int = 1
    prepares: bool = True
    part: int = PART
    preparing: set[UUID] = field(default_factory=set)
    """What one of this process's workers is just writing: another one leaves it alone."""

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """The next stretches, in the order of ids; who comes later has a later id, and is not in the file."""
        exports = ExportRepository(tx)
        export = await exports.of_job(job.id)
        plan, after, parts, all_found = await self._plan(tx.organization_id, export), _id(cursor), list[Part](), False
        while len(parts) < min(limit, _FOUND_AT_ONCE) and not all_found:
            ids = await SegmentRepository(tx).page(plan, after, self.part)
            if ids:
                parts.append(Part(new_id(), export.id, after, ids[-1]))
                after = ids[-1]
            all_found = len(ids) < self.part
        await exports.add_parts(parts)
        return Found([NewItem(each.id) for each in parts], None if all_found else str(after))

    async def prepare(self, job: Job, items: Sequence[Item]) -> Mapping[int, Written]:
        """Write files, with no transaction open."""
        organization_id, ready = _of(job), dict[int, Written]()
        async with self.lines.database.snapshot(organization_id) as tx:
            export = await ExportRepository(tx).of_job(job.id)
            parts = await ExportRepository(tx).several([each.subject_id for each in items if each.subject_id])
        plan = await self._plan(organization_id, export)
        for item in items:
            part = parts.get(item.subject_id) if item.subject_id else None
            if part is None or part.id in self.preparing:
                continue
            self.preparing.add(part.id)
            try:
                ready[item.number] = await self._write(organization_id, export, plan, part)
            finally:
                self.preparing.discard(part.id)
        return ready

    async def _write(self, organization_id: UUID, export: Export, plan: Plan, part: Part) -> Written:
        pieces, count = list[bytes](), 0
        async for piece, rows in self.lines.pages(organization_id, plan, export.columns, part.after_id, part.upto_id):
            pieces.append(piece)
            count += rows
        content = b"".join(pieces)
        kept = await self.store.keep(organization_id, content, f"export:{export.id}")
        return Written(part, kept, count, len(content))

    async def work(
        self, tx: Transaction, job: Job, items: Sequence[Item], prepared: Mapping[int, Written] | None
    ) -> Mapping[int, Outcome]:
        """Name what was written, in the commit that says so."""
        _ = job
        exports, outcomes = ExportRepository(tx), dict[int, Outcome]()
        there = await exports.several([each.subject_id for each in items if each.subject_id])
        for item in items:
            written = (prepared or {}).get(item.number)
            if item.subject_id not in there:
                outcomes[item.number] = Skipped("expired", "The export has expired.")
            elif written is not None:
                await exports.write(written.part, written.kept, written.rows, written.size)
                outcomes[item.number] = Done()
        return outcomes

    async def ended(self, tx: Transaction, job: Job) -> None:
        """The file is whole, or not: what failed can be tried again for a day."""
        exports = ExportRepository(tx)
        whole = job.state is State.FINISHED and not job.failed
        state = "finished" if whole else "cancelled" if job.state is State.CANCELLED else "failed"
        await exports.end((await exports.of_job(job.id)).id, state)

    async def _plan(self, organization_id: UUID, export: Export) -> Plan:
        opened = await self.keyring.open(organization_id, export.plan_sealed, PLAN)
        plan: Plan = orjson.loads(opened)
        return plan


def export_kind(lines: Lines, keyring: Keyring, store: MediaStore) -> "Kind[Any]":
    """What exports are worked by."""
    return ContactExports(lines, keyring, store)


def _id(cursor: Any) -> UUID:
    return BEFORE_ALL if cursor is None else UUID(cursor)


def _of(job: Job) -> UUID:
    if job.organization_id is None:
        raise LookupError("an export belongs to an organization")
    return job.organization_id
