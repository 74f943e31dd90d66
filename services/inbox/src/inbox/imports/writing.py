"""People of a file become contacts, many in a few statements: who is new is made, who is known is kept or filled."""

from asyncio import to_thread
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from inbox.attributes.model import Attribute, Value
from inbox.consent.model import PURPOSES, Wish
from inbox.consent.recording import Recorder
from inbox.contacts.blind import Blind, blind_of
from inbox.contacts.recognizing import IDENTITY, NAME, spellings, subject
from inbox.fields.model import VALUE, rows_of
from inbox.fields.service import blind_value
from inbox.imports.bulk.repository import BulkRepository, Key, NewKnown, NewName, NewValue
from inbox.imports.model import Fault, Options, Rows, Wishes
from inbox.imports.persons import Person, persons
from inbox.imports.repository import ImportRepository
from inbox.imports.undoing.repository import UndoRepository
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.seal import KeyBatch, Keyring, KeyShredded
from kit.seal.batches import MOST


class Meanwhile(TransientError):
    """Somebody else has just become known by one of these identities; the chunk is worked again."""


class Known(NamedTuple):
    """One of what a row is known by: (kind, hash), the value, and the hashes of other spellings of it."""

    key: Key
    value: str
    others: Sequence[Key]


class Wanted:
    """A contact as a chunk of a file wants it; a new one has no id yet."""

    __slots__ = ("contact_id", "fresh", "name", "row", "values")

    def __init__(self, contact_id: UUID | None, row: int) -> None:
        self.contact_id, self.row, self.name = contact_id, row, ""
        self.fresh: dict[Key, str] = {}
        self.values: dict[UUID, tuple[Attribute, Value]] = {}


@dataclass(slots=True)
class Prepared:
    """What a chunk becomes, sealed and ready to be written."""

    import_id: UUID
    options: Options
    faults: list[Fault]
    counts: Counter[str] = field(default_factory=Counter)
    made: list[UUID] = field(default_factory=list)
    names: list[bytes | None] = field(default_factory=list)
    """Of those that are made."""
    known: NewKnown = field(default_factory=NewKnown)
    values: list[NewValue] = field(default_factory=list)
    renamed: list[NewName] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)

    def add(self, wanted: Wanted, contact_id: UUID, sealed: Iterator[bytes], blind: Blind) -> None:
        """Take what is sealed of one contact, in the order of `_plain`."""
        name = next(sealed) if wanted.name else None
        if wanted.contact_id is None:
            self.made.append(contact_id)
            self.names.append(name)
        else:
            self.touched.append(contact_id)
            self.renamed += [NewName(contact_id, name)] if name is not None else []
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
        people = await to_thread(_read, rows, prepared, attributes, blind)
        held, earlier = await self._known(organization_id, import_id, people)
        new, touched = await to_thread(_decided, prepared, people, held, earlier)
        await self._seal_new(prepared, organization_id, blind, new)
        await self._seal_touched(prepared, organization_id, blind, touched)
        if options.consent is not None:
            for contact_id in (*prepared.made, *prepared.touched):
                prepared.wishes += _wishes(options.consent, contact_id, self.database)
        return prepared

    async def _known(
        self, organization_id: UUID, import_id: UUID, people: Sequence[tuple[Person, Sequence[Known]]]
    ) -> tuple[Mapping[Key, UUID], set[UUID]]:
        wanted = [key for _, known in people for each in known for key in (each.key, *each.others)]
        async with self.database.snapshot(organization_id) as tx:
            held = await BulkRepository(tx).holders(wanted)
            earlier = await ImportRepository(tx).made_here(import_id, set(held.values())) if held else set()
        return held, earlier

    async def _seal_new(
        self, prepared: Prepared, organization_id: UUID, blind: Blind, wanted: Sequence[Wanted]
    ) -> None:
        """Seal all of each new contact under its key, made of one that they share until one of them is forgotten."""
        for at in range(0, len(wanted), MOST):
            some = wanted[at : at + MOST]
            batch = await self.keyring.batch(organization_id, "contact", len(some))
            await to_thread(_sealed, prepared, batch, some, blind)

    async def _seal_touched(
        self, prepared: Prepared, organization_id: UUID, blind: Blind, touched: Mapping[UUID, Wanted]
    ) -> None:
        """Likewise who was there, but those who were forgotten meanwhile."""
        forgotten = await self.keyring.prepare(organization_id, [subject(each) for each in touched])
        for contact_id, each in touched.items():
            if subject(contact_id) in forgotten:
                prepared.faults.append(Fault(each.row, "", "forgotten"))
                prepared.counts["changed"] -= 1
                continue
            sealed = await self.keyring.seal_many(organization_id, _plain(each), subject=subject(contact_id))
            prepared.add(each, contact_id, iter(sealed), blind)

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
) -> list[tuple[Person, list[Known]]]:
    """The people of some rows, and the hashes of what they are known by."""
    people = []
    for person in persons(rows.cells, rows.first, prepared.options, attributes, prepared.faults):
        known = []
        for kind, value in person.identities:
            first, *others = [(kind, blind(kind, each)) for each in spellings(kind, value)]
            known.append(Known(first, value, others))
        people.append((person, known))
    return people


def _decided(
    prepared: Prepared,
    people: Sequence[tuple[Person, Sequence[Known]]],
    held: Mapping[Key, UUID],
    earlier: Collection[UUID],
) -> tuple[list[Wanted], dict[UUID, Wanted]]:
    """What each row comes to: new contacts, and some that are there.

    Rows of one contact are one, by the same rule as a contact that is there already.
    """
    new, touched, here = list[Wanted](), dict[UUID, Wanted](), dict[Key, Wanted]()
    counts, mode = prepared.counts, prepared.options.mode
    counts["faulty"] += len({each.row for each in prepared.faults if each.code == "no-identity"})
    for person, known in people:
        one, several = _same(known, held, here, touched)
        if several:
            prepared.faults.append(Fault(person.row, "", "several-contacts"))
            counts["faulty"] += 1
            continue
        repeated = isinstance(one, Wanted) or one in earlier
        if repeated:
            prepared.faults.append(Fault(person.row, "", "repeated"))
        if one is not None and mode == "skip":
            counts["unchanged"] += 1
            continue
        counts["made" if one is None else "unchanged" if repeated else "changed"] += 1
        if one is None:
            one = Wanted(None, person.row)
            new.append(one)
        elif not isinstance(one, Wanted):
            one = touched.setdefault(one, Wanted(one, person.row))
        _merge(one, person, known, held, here, fill=mode == "fill")
    return new, touched


def _same(
    known: Sequence[Known], held: Mapping[Key, UUID], here: Mapping[Key, Wanted], touched: Mapping[UUID, Wanted]
) -> tuple[Wanted | UUID | None, bool]:
    """The contact to whom these lead, and whether they lead to several."""
    found: Wanted | UUID | None = None
    for each in known:
        for key in (each.key, *each.others):
            leads: Wanted | UUID | None = here.get(key)
            if leads is None and key in held:
                leads = touched.get(held[key], held[key])
            if leads is None or leads == found:
                continue
            if found is not None:
                return found, True
            found = leads
    return found, False


def _merge(
    one: Wanted,
    person: Person,
    known: Sequence[Known],
    held: Mapping[Key, UUID],
    here: dict[Key, Wanted],
    *,
    fill: bool,
) -> None:
    """What a further row adds; with `fill` what an earlier one said stays."""
    if person.name and not (fill and one.name):
        one.name = person.name
    for attribute, value in person.values:
        if not (fill and attribute.id in one.values):
            one.values[attribute.id] = (attribute, value)
    for each in known:
        if each.key not in held and not (each.others and any(key in held for key in each.others)):
            one.fresh[each.key] = each.value
        here[each.key] = one
        for key in each.others:
            here[key] = one


def _plain(wanted: Wanted) -> list[tuple[bytes, bytes]]:
    """What is sealed of a contact, each with its place."""
    plain = [(wanted.name.encode(errors="replace"), NAME)] if wanted.name else []
    plain += [(value.encode(), IDENTITY) for value in wanted.fresh.values()]
    for attribute, value in wanted.values.values():
        if attribute.personal:
            plain += [(row.written.encode(), VALUE) for row in rows_of(attribute, value)]
    return plain


def _sealed(prepared: Prepared, batch: KeyBatch, wanted: Sequence[Wanted], blind: Blind) -> None:
    for place, each in enumerate(wanted):
        prepared.add(each, batch.ids[place], iter(batch.seal(place, _plain(each))), blind)


def _wishes(told: Wishes, contact_id: UUID, database: Database) -> list[Wish]:
    at = database.clock.now()
    return [
        Wish(contact_id, kind, purpose, "granted", "import", at, told.policy_version)
        for kind in told.channel_kinds
        for purpose in PURPOSES
        if purpose in told.purposes
    ]
