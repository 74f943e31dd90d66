"""People of a file become contacts, many in a few statements: who is new is made, who is known is kept or filled."""

from asyncio import to_thread
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inbox.attributes.model import Attribute
from inbox.consent.model import PURPOSES, Wish
from inbox.consent.recording import Recorder
from inbox.contacts.blind import Blind, blind_of
from inbox.contacts.recognizing import IDENTITY, NAME, subject
from inbox.fields.model import VALUE, rows_of
from inbox.fields.service import blind_value, blind_values
from inbox.imports.bulk.repository import BulkRepository, NewKnown, NewName, NewValue
from inbox.imports.deciding import Hashes, Newcomers, There, Wanted, decided, hashed
from inbox.imports.model import Fault, Options, Rows, Wishes
from inbox.imports.persons import People, people
from inbox.imports.repository import ImportRepository
from inbox.imports.undoing.repository import UndoRepository
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.seal import KeyBatch, Keyring, KeyShredded


class Meanwhile(TransientError):
    """Somebody else has just become known by one of these identities; the chunk is worked again."""


@dataclass(slots=True)
class Prepared:
    """What a chunk becomes, sealed and ready to be written."""

    import_id: UUID
    options: Options
    faults: list[Fault]
    counts: Counter[str] = field(default_factory=Counter)
    made: Sequence[UUID] = ()
    names: Sequence[bytes | None] = ()
    """Of those that are made."""
    known: NewKnown = field(default_factory=NewKnown)
    values: list[NewValue] = field(default_factory=list)
    renamed: list[NewName] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)

    def make(self, new: Newcomers, batch: KeyBatch, blind: Blind) -> None:
        """Seal all of each new contact under its key, made of one that they share until one of them is forgotten."""
        self.made, names = batch.ids, list[bytes | None]([None]) * new.count
        told = batch.seal(new.named, [each.encode(errors="replace") for each in new.names], NAME)
        for place, name in zip(new.named, told, strict=True):
            names[place] = name
        self.names = names
        self.known.contact_ids += map(batch.ids.__getitem__, new.known)
        self.known.kinds += new.kinds
        self.known.blinds += new.hashes
        self.known.sealed += batch.seal(new.known, [each.encode() for each in new.identities], IDENTITY)
        for attribute, places, values in new.values.values():
            rows = [(at, row) for at, value in zip(places, values, strict=True) for row in rows_of(attribute, value)]
            own: Sequence[tuple[bytes, bytes] | None] = [None] * len(rows)
            if attribute.personal:
                sealed = batch.seal([at for at, _ in rows], [row.written.encode() for _, row in rows], VALUE)
                own = list(zip(sealed, blind_values(blind, attribute.id, [row.key for _, row in rows]), strict=True))
            self.values += [NewValue(batch.ids[at], row, one) for (at, row), one in zip(rows, own, strict=True)]

    def touch(self, wanted: Wanted, contact_id: UUID, sealed: Iterator[bytes], blind: Blind) -> None:
        """Take what is sealed of a contact that was there, in the order of `_plain`."""
        self.touched.append(contact_id)
        self.renamed += [NewName(contact_id, next(sealed))] if wanted.name else []
        for kind, blinded in wanted.fresh:
            self.known.add(contact_id, kind, blinded, next(sealed))
        for attribute, value in wanted.values.values():
            for row in rows_of(attribute, value):
                own = (next(sealed), blind_value(blind, row.attribute_id, row.key)) if attribute.personal else None
                self.values.append(NewValue(contact_id, row, own))


@dataclass(frozen=True, slots=True)
class Writing:
    """Prepares with no transaction open (keys are fetched), and writes in the one that records the item.

    What takes long is done in a thread, so that the process answers others meanwhile.
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
        """Read, recognise, decide and seal."""
        prepared = Prepared(import_id, options, [])
        blind = await blind_of(self.keyring, organization_id)
        told, hashes = await to_thread(_read, rows, prepared, attributes, blind)
        there = await self._there(organization_id, import_id, hashes)
        new, touched, faults, counts = await to_thread(decided, told, hashes, there, options.mode)
        prepared.faults += faults
        prepared.counts += counts
        if new.count:
            batch = await self.keyring.batch(organization_id, "contact", new.count)
            await to_thread(prepared.make, new, batch, blind)
        await self._seal_touched(prepared, organization_id, blind, touched)
        if options.consent is not None:
            for contact_id in (*prepared.made, *prepared.touched):
                prepared.wishes += _wishes(options.consent, contact_id, self.database)
        return prepared

    async def _there(self, organization_id: UUID, import_id: UUID, hashes: Sequence[Hashes]) -> There:
        async with self.database.snapshot(organization_id) as tx:
            held = await BulkRepository(tx).holders([key for each in hashes for key in each.told()])
            earlier = await ImportRepository(tx).made_here(import_id, set(held.values())) if held else set()
        return There(held, earlier)

    async def _seal_touched(
        self, prepared: Prepared, organization_id: UUID, blind: Blind, touched: Mapping[UUID, Wanted]
    ) -> None:
        """Seal what becomes of who was there, but of those who were forgotten meanwhile."""
        forgotten = await self.keyring.prepare(organization_id, [subject(each) for each in touched])
        for contact_id, each in touched.items():
            if subject(contact_id) in forgotten:
                prepared.faults.append(Fault(each.row, "", "forgotten"))
                prepared.counts["changed"] -= 1
                continue
            sealed = await self.keyring.seal_many(organization_id, _plain(each), subject=subject(contact_id))
            prepared.touch(each, contact_id, iter(sealed), blind)

    async def write(self, tx: Transaction, prepared: Prepared) -> None:
        """Write a chunk.

        Raises:
            Meanwhile: somebody has become known by one of these, or has gone, since it was prepared.
        """
        bulk, imports = BulkRepository(tx), ImportRepository(tx)
        overwrite = prepared.options.mode == "overwrite"
        await bulk.add(prepared.import_id, prepared.made, prepared.names)
        if await bulk.know(prepared.known) != len(prepared.known):
            raise Meanwhile
        if prepared.touched:
            await bulk.note(prepared.import_id, prepared.touched)
            await bulk.rename(prepared.renamed, overwrite=overwrite)
            await UndoRepository(tx).save(prepared.import_id, prepared.values, overwrite=overwrite)
        await bulk.put(prepared.values, overwrite=overwrite)
        if await bulk.tell_changed(prepared.touched) != len(prepared.touched):
            raise Meanwhile
        try:
            await Recorder(self.keyring).record(tx, prepared.wishes)
        except KeyShredded as shredded:
            raise Meanwhile from shredded
        await imports.add_faults(prepared.import_id, prepared.faults)
        await imports.count(prepared.import_id, prepared.counts)


def _read(
    rows: Rows, prepared: Prepared, attributes: Mapping[str, Attribute], blind: Blind
) -> tuple[People, list[Hashes]]:
    """The people of some rows, and the hashes of what they are known by."""
    told = people(rows.cells, rows.first, prepared.options, attributes, prepared.faults)
    prepared.counts["faulty"] += sum(each.code == "no-identity" for each in prepared.faults)
    return told, hashed(told, blind)


def _plain(wanted: Wanted) -> list[tuple[bytes, bytes]]:
    """What is sealed of a contact, each with its place."""
    plain = [(wanted.name.encode(errors="replace"), NAME)] if wanted.name else []
    plain += [(value.encode(), IDENTITY) for value in wanted.fresh.values()]
    for attribute, value in wanted.values.values():
        if attribute.personal:
            plain += [(row.written.encode(), VALUE) for row in rows_of(attribute, value)]
    return plain


def _wishes(told: Wishes, contact_id: UUID, database: Database) -> list[Wish]:
    at = database.clock.now()
    return [
        Wish(contact_id, kind, purpose, "granted", "import", at, told.policy_version)
        for kind in told.channel_kinds
        for purpose in PURPOSES
        if purpose in told.purposes
    ]
