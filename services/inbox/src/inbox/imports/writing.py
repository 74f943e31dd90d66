"""People of a file become contacts, many in a few statements: who is new is made, who is known is kept or filled."""

from asyncio import to_thread
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inbox.attributes.model import Attribute
from inbox.consent.model import Wish
from inbox.consent.repository import ConsentRepository
from inbox.contacts.blind import Blind, blind_of
from inbox.contacts.recognizing import subject
from inbox.imports.bulk.repository import BulkRepository, NewKnown, NewName, NewValue
from inbox.imports.deciding import Decided, Hashes, There, Wanted, decided, hashed
from inbox.imports.model import Fault, Options, Rows
from inbox.imports.persons import People, people
from inbox.imports.repository import ImportRepository
from inbox.imports.sealing import Sealed, plain, values_of
from inbox.imports.undoing.repository import UndoRepository
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.seal import Keyring


class Meanwhile(TransientError):
    """Somebody else has just become known by one of these identities; the chunk is worked again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk that was read and sealed as if everybody in it were new; who is, shows when it is written."""

    import_id: UUID
    options: Options
    blind: Blind = field(repr=False)
    people: People = field(repr=False)
    hashes: Sequence[Hashes] = field(repr=False)
    faults: Sequence[Fault]
    sealed: Sealed | None = field(repr=False)
    """None where nobody is in it."""


@dataclass(slots=True)
class Written:
    """What a chunk comes to, as statements take it."""

    made: list[UUID] = field(default_factory=list)
    names: list[bytes | None] = field(default_factory=list)
    """Of those that are made."""
    known: NewKnown = field(default_factory=NewKnown)
    values: list[NewValue] = field(default_factory=list)
    renamed: list[NewName] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)
    forgotten: list[Fault] = field(default_factory=list)

    def add(self, prepared: Prepared, decided: Decided) -> None:
        """Take who is new."""
        sealed = prepared.sealed
        if sealed is None:
            return
        self.made += map(sealed.batch.ids.__getitem__, decided.alone)
        self.names += map(sealed.names.__getitem__, decided.alone)
        sealed.add(self.known, prepared.people, prepared.hashes, decided.alone)
        if sealed.values:
            alone = frozenset(decided.alone)
            self.values += (value for at, value in sealed.values if at in alone)
        for each in decided.new:
            contact_id = sealed.batch.ids[each.at]
            own = iter([sealed.batch.seal([each.at], [told], where)[0] for told, where in plain(each)])
            self.made.append(contact_id)
            self.names.append(next(own) if each.name else None)
            self._take(each, contact_id, own, prepared.blind)

    def touch(self, wanted: Wanted, contact_id: UUID, sealed: Iterator[bytes], blind: Blind) -> None:
        """Take more of who was there, with what is sealed of it in the order of `plain`."""
        self.touched.append(contact_id)
        self.renamed += [NewName(contact_id, next(sealed))] if wanted.name else []
        self._take(wanted, contact_id, sealed, blind)

    def _take(self, wanted: Wanted, contact_id: UUID, sealed: Iterator[bytes], blind: Blind) -> None:
        for kind, blinded in wanted.fresh:
            self.known.add(contact_id, kind, blinded, next(sealed))
        self.values += values_of(wanted, contact_id, sealed, blind)


@dataclass(frozen=True, slots=True)
class Writing:
    """Prepares with no transaction open, and writes in the one that records the item.

    Chunks of one import are written one after the other, each when it sees what those before it made: a file repeats
    itself, and two at once would meet. Meanwhile the next is read and sealed, which takes the other half of the time.
    What takes long is done in a thread, so that the process answers others.
    """

    database: Database
    keyring: Keyring

    async def prepare(
        self,
        organization_id: UUID,
        import_id: UUID,
        options: Options,
        rows: Rows,
        attributes: Mapping[str, Attribute],
    ) -> Prepared:
        """Read and seal; keys of who is there are fetched where they will be needed."""
        blind, faults = await blind_of(self.keyring, organization_id), list[Fault]()
        told, hashes = await to_thread(_read, rows, options, attributes, blind, faults)
        sealed = None
        if len(told):
            batch = await self.keyring.batch(organization_id, "contact", len(told))
            sealed = await to_thread(Sealed.of, told, batch, blind)
        if options.mode != "skip":
            async with self.database.snapshot(organization_id) as tx:
                held = await _holders(tx, hashes)
            await self.keyring.prepare(organization_id, [subject(each) for each in set(held.values())])
        return Prepared(import_id, options, blind, told, hashes, faults, sealed)

    async def write(self, tx: Transaction, prepared: Prepared) -> None:
        """Recognise, decide and write a chunk.

        Raises:
            Meanwhile: somebody has become known by one of these, or has gone, just now.
        """
        bulk, imports, options = BulkRepository(tx), ImportRepository(tx), prepared.options
        await imports.find(prepared.import_id, lock=True)
        held = await _holders(tx, prepared.hashes)
        earlier = await imports.made_here(prepared.import_id, set(held.values())) if held else set[UUID]()
        found, written = await to_thread(_decided, prepared, There(held, earlier))
        overwrite = options.mode == "overwrite"
        await self._seal_touched(tx.organization_id, written, found.touched, prepared.blind)
        await bulk.add(prepared.import_id, written.made, written.names)
        if await bulk.know(written.known) != len(written.known):
            raise Meanwhile
        if written.touched:
            await bulk.note(prepared.import_id, written.touched)
            await UndoRepository(tx).note_known(prepared.import_id, written.known, set(written.touched))
            await UndoRepository(tx).save(prepared.import_id, written.values, overwrite=overwrite)
        await bulk.put(written.values, overwrite=overwrite)
        if await bulk.change(written.touched, written.renamed, overwrite=overwrite) != len(written.touched):
            raise Meanwhile
        await self._consent(tx, prepared, written)
        await imports.add_faults(prepared.import_id, [*prepared.faults, *found.faults, *written.forgotten])
        await imports.count(prepared.import_id, _counts(prepared, found, written))

    async def _seal_touched(
        self, organization_id: UUID, written: Written, touched: Mapping[UUID, Wanted], blind: Blind
    ) -> None:
        """Seal what becomes of who was there, but of those who were forgotten."""
        forgotten = await self.keyring.prepare(organization_id, [subject(each) for each in touched])
        for contact_id, each in touched.items():
            if subject(contact_id) in forgotten:
                written.forgotten.append(Fault(each.row, "", "forgotten"))
                continue
            sealed = await self.keyring.seal_many(organization_id, plain(each), subject=subject(contact_id))
            written.touch(each, contact_id, iter(sealed), blind)

    async def _consent(self, tx: Transaction, prepared: Prepared, written: Written) -> None:
        told = prepared.options.consent
        if told is None:
            return
        consents, import_id = ConsentRepository(tx), prepared.import_id
        for kind, purpose in told.all() if written.made else ():
            await consents.grant(written.made, kind, purpose, told.policy_version, import_id)
        at = self.database.clock.now()
        wishes = [
            Wish(contact_id, kind, purpose, "granted", "import", at, told.policy_version)
            for contact_id in sorted(written.touched)
            for kind, purpose in told.all()
        ]
        if wishes:
            await consents.record(wishes, [None] * len(wishes), import_id)


async def _holders(tx: Transaction, hashes: Sequence[Hashes]) -> dict[bytes, UUID]:
    held: dict[bytes, UUID] = {}
    for each in hashes:
        held |= await BulkRepository(tx).holders(each.kind, each.asked)
    return held


def _decided(prepared: Prepared, there: There) -> tuple[Decided, Written]:
    found, written = decided(prepared.people, prepared.hashes, there, prepared.options.mode), Written()
    written.add(prepared, found)
    return found, written


def _counts(prepared: Prepared, found: Decided, written: Written) -> Mapping[str, int]:
    nobody = sum(each.code == "no-identity" for each in prepared.faults)
    return {
        **found.counts,
        "faulty": found.counts["faulty"] + nobody,
        "changed": found.counts["changed"] - len(written.forgotten),
    }


def _read(
    rows: Rows, options: Options, attributes: Mapping[str, Attribute], blind: Blind, faults: list[Fault]
) -> tuple[People, list[Hashes]]:
    """The people of some rows, and the hashes of what they are known by."""
    told = people(rows.columns, rows.first, options, attributes, faults)
    return told, hashed(told, blind)
