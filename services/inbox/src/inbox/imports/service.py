import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final
from uuid import UUID

from inbox.attributes.model import Attribute
from inbox.attributes.repository import AttributeRepository
from inbox.imports.errors import (
    FileRefused,
    ImportBegun,
    MappingRefused,
    NothingToUndo,
    NotUploaded,
    TooLateToUndo,
    UploadElsewhere,
    UploadTooLarge,
)
from inbox.imports.files import PIECE, ImportFiles
from inbox.imports.kind import KIND, UNDO
from inbox.imports.mapping import has_heading, suggested
from inbox.imports.model import FAULTS, KEPT, UNDO_WITHIN, Fault, Import, Options
from inbox.imports.persons import people
from inbox.imports.reading import Format, first_rows, rows, sniff
from inbox.imports.repository import ImportRepository, sweep_parts
from inbox.imports.undoing.repository import UndoRepository, settle
from inbox.media.sweeping import Sweeping
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import BEFORE_ALL, new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import NewItem, Submission
from kit.jobs.report import csv_lines

_SAMPLE: Final = 20
_LOOKED_AT: Final = 10_000
_SHOWN: Final = 100
_PAGE: Final = 1000
_SWEPT: Final = 500


@dataclass(frozen=True, slots=True)
class Inspection:
    """As what a file is read and what its columns may be."""

    form: Format
    heading: bool
    columns: list[str]
    sample: list[list[str]]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the first rows would come to."""

    rows: int
    good: int
    faulty: int
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class ImportService:
    """What people ask of imports."""

    database: Database
    files: ImportFiles
    jobs: Jobs

    async def begin(self, caller: MemberCaller, size: int, key: Idempotency) -> Import:
        """A new import, of which nothing is there yet."""
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await key.claim(tx):
                return await ImportRepository(tx).find(earlier.resource_id)
            begun = await ImportRepository(tx).add(new_id(), size)
            await key.remember(tx, begun.id)
            await tx.emit(audited("inbox.contacts.imported", caller, "import", begun.id, what="begun", bytes=size))
        return begun

    async def find(self, caller: MemberCaller, import_id: UUID) -> Import:
        """One."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await ImportRepository(tx).find(import_id)

    async def page(self, caller: MemberCaller, before: UUID, limit: int) -> list[Import]:
        """The newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await ImportRepository(tx).page(before, limit)

    async def append(self, caller: MemberCaller, import_id: UUID, offset: int, body: AsyncIterator[bytes]) -> Import:
        """Take bytes from where the upload stands; what was answered for is stored, whatever dies.

        Raises:
            UploadElsewhere: it stands elsewhere.
            UploadTooLarge: more came than there is of the file.
        """
        held, now = bytearray(), await self.find(caller, import_id)
        if now.received != offset or now.state != "uploading":
            raise UploadElsewhere(offset=now.received)
        async for piece in body:
            held += piece
            while len(held) >= PIECE:
                now = await self._store(caller, now, bytes(held[:PIECE]))
                del held[:PIECE]
        return await self._store(caller, now, bytes(held)) if held else now

    async def _store(self, caller: MemberCaller, now: Import, content: bytes) -> Import:
        if now.received + len(content) > now.size:
            raise UploadTooLarge
        kept = await self.files.keep(caller.organization_id, now.id, content, now.received, len(content))
        async with self.database.transaction(caller.organization_id) as tx:
            imports = ImportRepository(tx)
            locked = await imports.find(now.id, lock=True)
            if locked.received != now.received or locked.state != "uploading":
                raise UploadElsewhere(offset=locked.received)
            await imports.add_parts(now.id, "piece", [kept])
            received = now.received + len(content)
            state = "uploaded" if received == now.size else "uploading"
            await imports.save(now.id, received=received, state=state)
            return await imports.find(now.id)

    async def inspect(self, caller: MemberCaller, import_id: UUID) -> Inspection:
        """As what the file is read, its first rows, and what the columns may be.

        Raises:
            FileRefused: it cannot be.
        """
        file, attributes = await self._file(caller, import_id)
        return await asyncio.to_thread(_inspected, file, list(attributes.values()))

    async def check(self, caller: MemberCaller, import_id: UUID, options: Options) -> DryRun:
        """What the first rows would come to; nothing is written.

        Raises:
            MappingRefused: the columns cannot be taken so.
            FileRefused: the file cannot be read.
        """
        file, attributes = await self._file(caller, import_id)
        _insist(options, attributes)
        return await asyncio.to_thread(_checked, file, options, attributes)

    async def _file(self, caller: MemberCaller, import_id: UUID) -> tuple[BinaryIO, dict[str, Attribute]]:
        async with self.database.snapshot(caller.organization_id) as tx:
            whole = await ImportRepository(tx).find(import_id)
            if whole.state != "uploaded":
                raise NotUploaded
            pieces = await ImportRepository(tx).parts(import_id, "piece")
            attributes = {each.key: each for each in await AttributeRepository(tx).all("contact")}
        return await self.files.whole(caller.organization_id, pieces), attributes

    async def start(self, caller: MemberCaller, import_id: UUID, options: Options) -> Import:
        """Let the import begin; the same again is the import that began.

        Raises:
            NotUploaded, ImportBegun, MappingRefused: it cannot.
            TooManyJobs: too much is under way.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            imports = ImportRepository(tx)
            whole = await imports.find(import_id, lock=True)
            if whole.job_id is not None and dict(whole.options) == options.stored():
                return whole
            if whole.state != "uploaded":
                raise NotUploaded if whole.state == "uploading" else ImportBegun
            _insist(options, {each.key: each for each in await AttributeRepository(tx).all("contact")})
            job = await self.jobs.submit(
                tx,
                Submission(KIND, str(import_id), caller.organization_id, caller.user_id, items=[NewItem(import_id)]),
            )
            await imports.save(import_id, state="running", options=options.stored(), job_id=job.id)
            await tx.emit(audited("inbox.contacts.imported", caller, "import", import_id, what="started"))
            return await imports.find(import_id)

    async def cancel(self, caller: MemberCaller, import_id: UUID) -> Import:
        """Import nothing more; what was imported stays until it is undone.

        Raises:
            JobEnded: it has ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            whole = await ImportRepository(tx).find(import_id)
            if whole.job_id is None:
                whole = await ImportRepository(tx).find(import_id, lock=True)
                await ImportRepository(tx).save(import_id, state="cancelled")
            else:
                await self.jobs.cancel(tx, whole.job_id)
            await tx.emit(audited("inbox.contacts.imported", caller, "import", import_id, what="cancelled"))
            return await ImportRepository(tx).find(import_id)

    async def undo(self, caller: MemberCaller, import_id: UUID) -> Import:
        """Take away what it made and nobody has used since, and give back names and values it changed.

        Raises:
            NothingToUndo: it has not ended, or was undone.
            TooLateToUndo: what was there before it is kept no more.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            imports = ImportRepository(tx)
            whole = await imports.find(import_id, lock=True)
            if whole.state == "undoing":
                return whole
            if whole.state not in ("finished", "cancelled") or whole.job_id is None:
                raise NothingToUndo
            if whole.created_at + UNDO_WITHIN < self.database.clock.now():
                raise TooLateToUndo
            key = f"{import_id} {whole.version}"
            job = await self.jobs.submit(tx, Submission(UNDO, key, caller.organization_id, caller.user_id))
            await imports.save(import_id, state="undoing", undo_job_id=job.id)
            await tx.emit(audited("inbox.contacts.imported", caller, "import", import_id, what="undone"))
            return await imports.find(import_id)

    async def report(self, caller: MemberCaller, import_id: UUID) -> AsyncIterator[bytes]:
        """Faults by row, as CSV that no spreadsheet takes for formulas."""
        await self.find(caller, import_id)
        return self._report(caller, import_id)

    async def _report(self, caller: MemberCaller, import_id: UUID) -> AsyncIterator[bytes]:
        yield csv_lines([("row", "field", "code", "reason")])
        after = (0, "")
        while True:
            async with self.database.snapshot(caller.organization_id) as tx:
                faults = await ImportRepository(tx).faults(import_id, after, _PAGE)
            yield csv_lines([(each.row, each.field, each.code, FAULTS[each.code]) for each in faults])
            if len(faults) < _PAGE:
                return
            after = (faults[-1].row, faults[-1].field)

    async def undo_report(self, caller: MemberCaller, import_id: UUID) -> AsyncIterator[bytes]:
        """Contacts that undoing left as they are, and why, as CSV."""
        await self.find(caller, import_id)
        return self._undo_report(caller, import_id)

    async def _undo_report(self, caller: MemberCaller, import_id: UUID) -> AsyncIterator[bytes]:
        yield csv_lines([("contact_id", "code", "reason")])
        after = BEFORE_ALL
        while True:
            async with self.database.snapshot(caller.organization_id) as tx:
                kept = await UndoRepository(tx).kept(import_id, after, _PAGE)
            yield csv_lines([(row["contact_id"], row["code"], KEPT[row["code"]]) for row in kept])
            if len(kept) < _PAGE:
                return
            after = kept[-1]["contact_id"]

    async def sweep(self) -> bool:
        """Take files away that nobody needs any more; true when there may be more."""
        async with self.database.transaction() as tx:
            swept = await sweep_parts(tx, _SWEPT)
        for row in swept:
            await self.files.store.remove(row["organization_id"], [row["file_id"]])
        async with self.database.transaction() as tx:
            settled = await settle(tx, _PAGE)
        return settled or len(swept) == _SWEPT

    async def sweep_unnamed(self) -> None:
        """Take files away that no row came to name, or that outlived theirs: their process died in between."""
        await Sweeping(self.database, self.files.store, _of_imports).run()


async def _of_imports(tx: Transaction, file_ids: Collection[UUID]) -> Collection[UUID]:
    return await ImportRepository(tx).known_files(file_ids)


def _insist(options: Options, attributes: dict[str, Attribute]) -> None:
    targets = [each.to for each in options.columns]
    for place, each in enumerate(options.columns):
        key = each.to.partition(":")[2]
        if key and key not in attributes:
            raise MappingRefused(f"#/columns/{place}/to", "There is no such attribute of contacts.")
        if targets.count(each.to) > 1:
            raise MappingRefused(f"#/columns/{place}/to", "Two columns cannot be the same.")
    if not {"phone", "email"} & set(targets):
        raise MappingRefused("#/columns", "Say which column is `phone` or `email`: by these contacts are known.")


def _inspected(file: BinaryIO, attributes: list[Attribute]) -> Inspection:
    form = sniff(file)
    sample = list(first_rows(file, form, _SAMPLE))
    if not sample:
        raise FileRefused("empty")
    shown = [[cell[:200] for cell in cells] for cells in sample]
    return Inspection(form, has_heading(sample), suggested(sample, attributes), shown)


def _checked(file: BinaryIO, options: Options, attributes: dict[str, Attribute]) -> DryRun:
    found, first = rows(file, sniff(file)), 1
    if options.heading:
        next(found, None)
        first = 2
    columns = options.taking(islice(found, _LOOKED_AT))
    faults: list[Fault] = []
    good = len(people(columns, first, options, attributes, faults))
    faulty = sum(1 for each in faults if each.code == "no-identity")
    return DryRun(len(columns[0]), good, faulty, faults[:_SHOWN])
