"""People of a file become contacts, many in a few statements: who is new is made, who is known is kept or filled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inbox.attributes.model import Attribute, Value
from inbox.channels.base import Identity
from inbox.consent.model import PURPOSES, Wish
from inbox.consent.recording import Recorder
from inbox.contacts.blind import Blind, blind_of
from inbox.contacts.recognizing import IDENTITY, NAME, hashed, subject
from inbox.contacts.repository import ContactRepository, Held
from inbox.fields.model import VALUE, rows_of
from inbox.fields.service import blind_value
from inbox.imports.bulk.repository import BulkRepository, NewContact, NewKnown, NewValue
from inbox.imports.model import Fault, Options
from inbox.imports.persons import Person
from inbox.imports.repository import ImportRepository
from inbox.imports.undoing import UndoRepository
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded


class Meanwhile(TransientError):
    """Somebody else has just become known by one of these identities; the chunk is worked again."""


@dataclass(slots=True)
class Wanted:
    """A contact as a chunk of a file wants it."""

    contact_id: UUID
    new: bool
    row: int
    name: str = ""
    fresh: dict[tuple[str, bytes], Identity] = field(default_factory=dict)
    values: dict[UUID, tuple[Attribute, Value]] = field(default_factory=dict)


@dataclass(slots=True)
class Prepared:
    """What a chunk becomes, sealed and ready to be written."""

    import_id: UUID
    options: Options
    faults: list[Fault]
    counts: Counter[str] = field(default_factory=Counter)
    contacts: list[NewContact] = field(default_factory=list)
    known: list[NewKnown] = field(default_factory=list)
    values: list[NewValue] = field(default_factory=list)
    renamed: list[NewContact] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Writing:
    """Prepares with no transaction open (keys are fetched), and writes in the one that records the item."""

    database: Database
    keyring: Keyring

    async def prepare(
        self, organization_id: UUID, import_id: UUID, options: Options, people: Sequence[Person], faults: list[Fault]
    ) -> Prepared:
        """Recognise, decide and seal."""
        blind = await blind_of(self.keyring, organization_id)
        spelled = [(person, hashed(blind, person.identities)) for person in people]
        held, earlier = await self._known(organization_id, import_id, [one for _, each in spelled for one in each])
        prepared = Prepared(import_id, options, faults)
        wanted = _decided(prepared, spelled, held, earlier)
        forgotten = await self._keys(organization_id, wanted)
        for each in wanted:
            if subject(each.contact_id) in forgotten:
                prepared.faults.append(Fault(each.row, "", "forgotten"))
                prepared.counts["made" if each.new else "changed"] -= 1
            else:
                await self._seal(prepared, organization_id, blind, each)
        return prepared

    async def _known(
        self, organization_id: UUID, import_id: UUID, spelled: Sequence[tuple[Identity, bytes]]
    ) -> tuple[Mapping[tuple[str, bytes], Held], set[UUID]]:
        kinds, blinds = [each.kind for each, _ in spelled], [blinded for _, blinded in spelled]
        async with self.database.snapshot(organization_id) as tx:
            held = await ContactRepository(tx).holders(kinds, blinds) if spelled else []
            earlier = await ImportRepository(tx).made_here(import_id, [each.head for each in held])
        return {(each.kind, each.blind): each for each in held if each.left_at is None}, earlier

    async def _keys(self, organization_id: UUID, wanted: Sequence[Wanted]) -> frozenset[str]:
        return await self.keyring.prepare(organization_id, [subject(each.contact_id) for each in wanted])

    async def _seal(self, prepared: Prepared, organization_id: UUID, blind: Blind, wanted: Wanted) -> None:
        """Seal all of one contact under its key, in one go."""
        rows = [row for attribute, value in wanted.values.values() for row in rows_of(attribute, value)]
        personal = {attribute.id for attribute, _ in wanted.values.values() if attribute.personal}
        plain = [(wanted.name.encode(errors="replace"), NAME)] if wanted.name else []
        plain += [(each.value.encode(), IDENTITY) for each in wanted.fresh.values()]
        plain += [(row.written.encode(), VALUE) for row in rows if row.attribute_id in personal]
        sealed = iter(await self.keyring.seal_many(organization_id, plain, subject=subject(wanted.contact_id)))
        named = NewContact(wanted.contact_id, next(sealed) if wanted.name else None)
        if wanted.new:
            prepared.contacts.append(named)
        else:
            prepared.touched.append(wanted.contact_id)
            prepared.renamed += [named] if wanted.name else []
        for kind, blinded in wanted.fresh:
            prepared.known.append(NewKnown(wanted.contact_id, kind, blinded, next(sealed)))
        for row in rows:
            own = row.attribute_id in personal
            value = (next(sealed), blind_value(blind, row.attribute_id, row.key)) if own else None
            prepared.values.append(NewValue(wanted.contact_id, row, value))
        prepared.wishes += _wishes(prepared.options, wanted.contact_id, self.database)

    async def write(self, tx: Transaction, prepared: Prepared) -> None:
        """Write a chunk.

        Raises:
            Meanwhile: somebody has become known by one of these since it was prepared.
        """
        bulk, imports = BulkRepository(tx), ImportRepository(tx)
        overwrite = prepared.options.mode == "overwrite"
        await bulk.add(prepared.contacts)
        if await bulk.know(prepared.known) != len(prepared.known):
            raise Meanwhile
        await bulk.note(prepared.import_id, [each.contact_id for each in prepared.contacts], prepared.touched)
        renamed = await bulk.rename(prepared.renamed, overwrite=overwrite)
        await UndoRepository(tx).save(prepared.import_id, prepared.values, overwrite=overwrite)
        await bulk.put(prepared.values, overwrite=overwrite)
        await bulk.tell_changed(set(prepared.touched) | renamed)
        try:
            await Recorder(self.keyring).record(tx, prepared.wishes)
        except KeyShredded as shredded:
            raise Meanwhile from shredded
        await imports.add_faults(prepared.import_id, prepared.faults)
        await imports.count(prepared.import_id, prepared.counts)


def _decided(
    prepared: Prepared,
    spelled: Sequence[tuple[Person, Sequence[tuple[Identity, bytes]]]],
    held: Mapping[tuple[str, bytes], Held],
    earlier: set[UUID],
) -> list[Wanted]:
    """What each row comes to; rows of one contact are one, by the same rule as a contact that is there already."""
    wanted: dict[UUID, Wanted] = {}
    here: dict[tuple[str, bytes], UUID] = {}
    bad = {each.row for each in prepared.faults if each.code == "no-identity"}
    prepared.counts["faulty"] += len(bad)
    mode = prepared.options.mode
    for person, each in spelled:
        keys = [(identity.kind, blinded) for identity, blinded in each]
        known = {held[key].head for key in keys if key in held} | {here[key] for key in keys if key in here}
        if len(known) > 1:
            prepared.faults.append(Fault(person.row, "", "several-contacts"))
            prepared.counts["faulty"] += 1
            continue
        contact_id = next(iter(known), None)
        repeated = contact_id is not None and (contact_id in wanted or contact_id in earlier)
        if repeated:
            prepared.faults.append(Fault(person.row, "", "repeated"))
        if contact_id is not None and mode == "skip":
            prepared.counts["unchanged"] += 1
            continue
        new = contact_id is None
        one = wanted.get(contact_id) if contact_id is not None else None
        if one is None:
            one = Wanted(contact_id or new_id(), new, person.row)
            wanted[one.contact_id] = one
        prepared.counts["made" if new else "unchanged" if repeated else "changed"] += 1
        _merge(one, person, each, held, fill=mode == "fill")
        here |= dict.fromkeys(keys, one.contact_id)
    return list(wanted.values())


def _merge(
    one: Wanted,
    person: Person,
    spelled: Sequence[tuple[Identity, bytes]],
    held: Mapping[tuple[str, bytes], Held],
    *,
    fill: bool,
) -> None:
    """What a further row adds; with `fill` what an earlier one said stays."""
    if person.name and not (fill and one.name):
        one.name = person.name
    for attribute, value in person.values:
        if not (fill and attribute.id in one.values):
            one.values[attribute.id] = (attribute, value)
    taken = {identity for identity, blinded in spelled if (identity.kind, blinded) in held}
    for identity, blinded in spelled:
        first = next(other for each, other in spelled if each == identity)
        if identity not in taken and blinded == first:
            one.fresh[identity.kind, blinded] = identity


def _wishes(options: Options, contact_id: UUID, database: Database) -> list[Wish]:
    if options.consent is None:
        return []
    told, at = options.consent, database.clock.now()
    return [
        Wish(contact_id, kind, purpose, "granted", "import", at, told.policy_version)
        for kind in told.channel_kinds
        for purpose in PURPOSES
        if purpose in told.purposes
    ]
