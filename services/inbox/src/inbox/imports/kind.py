"""The kinds of jobs `inbox.contact-import` and `inbox.contact-import-undo`: an item is a chunk of a file."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Final
from uuid import UUID

import orjson

from inbox.attributes.model import Attribute
from inbox.attributes.repository import AttributeRepository
from inbox.consent.repository import ConsentRepository
from inbox.imports.bulk.repository import BulkRepository
from inbox.imports.errors import FileRefused
from inbox.imports.files import ImportFiles
from inbox.imports.model import CHUNK, Import, Options, Part, Rows
from inbox.imports.reading import Format, rows, sniff
from inbox.imports.repository import ImportRepository
from inbox.imports.undoing.repository import UndoRepository
from inbox.imports.writing import Prepared, Writing
from kit.db.database import Database, Row, Transaction
from kit.jobs import rows as job_rows
from kit.jobs.kind import Kind
from kit.jobs.model import Done, Failed, Found, Item, Job, NewItem, Outcome, State
from kit.seal import Keyring

KIND: Final = "inbox.contact-import"
UNDO: Final = "inbox.contact-import-undo"
UNDONE_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Split:
    """A file in chunks, or why it is refused as a whole."""

    parts: Sequence[Part] = ()
    rows: int = 0
    refused: FileRefused | None = None


@dataclass(frozen=True, slots=True)
class ContactImports:
    """The first item splits the file and finds the others: of one that is not sound nothing is imported."""

    database: Database
    files: ImportFiles
    writing: Writing
    chunk: int = CHUNK
    name: str = KIND
    batch: int = 1
    prepares: bool = True

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """Nothing: the first item finds the rest."""
        _ = tx, job, cursor, limit
        return Found(())

    async def prepare(self, job: Job, items: Sequence[Item]) -> Mapping[int, Split | Prepared]:
        """Split the file, or recognise, decide and seal a chunk; nothing is locked meanwhile."""
        organization_id = _of(job)
        async with self.database.snapshot(organization_id) as tx:
            whole = await ImportRepository(tx).of_job(job.id)
            attributes = {each.key: each for each in await AttributeRepository(tx).all("contact")}
            parts = {each.number: await self._part(tx, each) for each in items}
        ready: dict[int, Split | Prepared] = {}
        for item in items:
            if item.subject_id == whole.id:
                ready[item.number] = await self._split(organization_id, whole)
            elif (part := parts[item.number]) is not None:
                ready[item.number] = await self._chunk(organization_id, whole, part, attributes)
        return ready

    async def _part(self, tx: Transaction, item: Item) -> Part | None:
        return None if item.subject_id is None else await ImportRepository(tx).part(item.subject_id)

    async def _split(self, organization_id: UUID, whole: Import) -> Split:
        """Cut a file into chunks; only the columns that are taken go on."""
        async with self.database.snapshot(organization_id) as tx:
            pieces = await ImportRepository(tx).parts(whole.id, "piece")
        file = await self.files.whole(organization_id, pieces)
        options, parts, counted = Options.read(whole.options), list[Part](), 0
        try:
            form = await asyncio.to_thread(sniff, file)
            chunks = _chunks(file, form, options, self.chunk)
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                first, told, count = chunk
                parts.append(await self.files.keep(organization_id, whole.id, told, first, count))
                counted += count
        except FileRefused as refused:
            return Split(refused=refused)
        return Split(parts, counted) if counted else Split(refused=FileRefused("empty"))

    async def _chunk(
        self, organization_id: UUID, whole: Import, part: Part, attributes: Mapping[str, Attribute]
    ) -> Prepared:
        rows = Rows(part.start, await self.files.columns(organization_id, part))
        return await self.writing.prepare(organization_id, whole.id, Options.read(whole.options), rows, attributes)

    async def work(
        self,
        tx: Transaction,
        job: Job,
        items: Sequence[Item],
        prepared: Mapping[int, Split | Prepared] | None,
    ) -> Mapping[int, Outcome]:
        """Write what was prepared, in the commit that says so."""
        outcomes: dict[int, Outcome] = {}
        for item in items:
            match (prepared or {}).get(item.number):
                case Split() as split:
                    outcomes[item.number] = await self._take(tx, job, split)
                case Prepared() as chunk:
                    await self.writing.write(tx, chunk)
                    outcomes[item.number] = Done()
        return outcomes

    async def _take(self, tx: Transaction, job: Job, split: Split) -> Outcome:
        imports = ImportRepository(tx)
        whole = await imports.of_job(job.id)
        if split.refused is not None:
            await imports.save(whole.id, state="refused", refusal=split.refused.why, refused_row=split.refused.row)
            return Failed(split.refused.why, "The file cannot be read; nothing of it was imported.")
        await imports.add_parts(whole.id, "chunk", split.parts)
        await imports.save(whole.id, rows=split.rows)
        await job_rows.add_items(tx, job, [NewItem(each.id) for each in split.parts])
        return Done()

    async def ended(self, tx: Transaction, job: Job) -> None:
        """The import has ended as its job has, unless its file was refused."""
        imports = ImportRepository(tx)
        whole = await imports.of_job(job.id)
        if whole.state == "running":
            await imports.save(whole.id, state="finished" if job.state is State.FINISHED else "cancelled")


@dataclass(frozen=True, slots=True)
class ImportUndoing:
    """Takes away what an import made and nobody has used since, and gives back names and values."""

    name: str = UNDO
    batch: int = 1
    prepares: bool = False

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """As many items as there are batches of changes."""
        _ = cursor, limit
        imports = ImportRepository(tx)
        counts = await imports.count_changes((await imports.of_job(job.id)).id)
        return Found([NewItem(None) for count in counts for _ in range(-(-count // UNDONE_AT_ONCE))])

    async def prepare(self, job: Job, items: Sequence[Item]) -> None:
        """Nothing is needed from outside."""
        _ = job, items

    async def work(self, tx: Transaction, job: Job, items: Sequence[Item], prepared: None) -> Mapping[int, Outcome]:
        """Undo the next changes, whichever they are."""
        _ = prepared
        imports, bulk, undo = ImportRepository(tx), BulkRepository(tx), UndoRepository(tx)
        whole = await imports.of_job(job.id)
        for _each in items:
            made, changes = await bulk.made(whole.id, UNDONE_AT_ONCE), list[Row]()
            free = await bulk.free(made)
            await bulk.remove(free)
            used = set(made) - set(free)
            await bulk.keep(sorted(used))
            if not made:
                changes = await imports.changes(whole.id, UNDONE_AT_ONCE)
            given = await undo.as_before(whole.id, changes)
            await undo.unknow(whole.id, given)
            await ConsentRepository(tx).take_back(whole.id, sorted(given))
            changed = {row["contact_id"] for row in changes} - given
            await undo.keep(whole.id, "made-and-used", used)
            await undo.keep(whole.id, "changed-since", changed)
            await undo.forget(whole.id, given | changed)
            await imports.forget_changes(whole.id, [row["contact_id"] for row in changes])
            undone, kept = len(free) + len(given), len(used) + len(changed)
            await imports.count(whole.id, {"undone": undone, "kept": kept})
        return {each.number: Done() for each in items}

    async def ended(self, tx: Transaction, job: Job) -> None:
        """It is undone, or as far as it went."""
        imports = ImportRepository(tx)
        whole = await imports.of_job(job.id)
        await imports.save(whole.id, state="undone" if job.state is State.FINISHED else "finished")


def import_kinds(
    database: Database, keyring: Keyring, files: ImportFiles, chunk: int = CHUNK
) -> "tuple[Kind[Any], ...]":
    """What imports are worked by."""
    return ContactImports(database, files, Writing(database, keyring), chunk), ImportUndoing()


def _chunks(file: BinaryIO, form: Format, options: Options, size: int) -> Iterator[tuple[int, bytes, int]]:
    """Chunks of rows: the number of the first, the columns that are taken, how many rows."""
    found = rows(file, form)
    first = 1
    if options.heading:
        next(found, None)
        first = 2
    while count := len((columns := options.taking(islice(found, size)))[0]):
        yield first, orjson.dumps({"columns": columns}), count
        first += count


def _of(job: Job) -> UUID:
    if job.organization_id is None:
        raise LookupError("an import belongs to an organization")
    return job.organization_id
