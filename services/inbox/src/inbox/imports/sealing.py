"""What is told of the people of a chunk, sealed before it is known who of them is new: mostly all are.

Each has a key of its own, made of one that all share until one of them is forgotten; who turns out to be there
already, or to stand in another row, leaves it unused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from uuid import UUID

from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import IDENTITY, NAME
from inbox.fields.model import VALUE, rows_of
from inbox.fields.service import blind_value, blind_values
from inbox.imports.bulk.repository import NewKnown, NewValue
from inbox.imports.deciding import Hashes, Wanted
from inbox.imports.persons import People
from kit.seal import KeyBatch


@dataclass(frozen=True, slots=True)
class Sealed:
    """Columns of people, sealed, at the same places; None where nothing is told."""

    batch: KeyBatch
    names: Sequence[bytes | None] = field(repr=False)
    known: Sequence[Sequence[bytes | None]] = field(repr=False)
    values: Sequence[tuple[int, NewValue]] = field(repr=False)
    """Each with the place of its contact."""

    @classmethod
    def of(cls, people: People, batch: KeyBatch, blind: Blind) -> "Sealed":
        """Seal all that is told, each person's under the key at the same place."""
        names = [None if each is None else each.encode(errors="replace") for each in people.names]
        known = [
            _column(batch, [None if each is None else each.encode() for each in told], IDENTITY)
            for _, told in people.known
        ]
        return cls(batch, _column(batch, names, NAME), known, list(_values(people, batch, blind)))

    def add(self, known: NewKnown, people: People, hashes: Sequence[Hashes], alone: Sequence[int]) -> None:
        """Let these be known by what was told of them."""
        ids = list(map(self.batch.ids.__getitem__, alone))
        for (kind, _), own, column in zip(people.known, hashes, self.known, strict=True):
            sealed, before = list(map(column.__getitem__, alone)), len(known)
            known.contact_ids += compress(ids, sealed)
            known.sealed += filter(None, sealed)
            known.blinds += filter(None, map(own.own.__getitem__, alone))
            known.kinds += repeat(kind, len(known.sealed) - before)


def _column(batch: KeyBatch, told: Sequence[bytes | None], where: bytes) -> list[bytes | None]:
    places = [at for at, each in enumerate(told) if each]
    sealed = iter(batch.seal(places, [each for each in told if each], where))
    return [next(sealed) if each else None for each in told]


def _values(people: People, batch: KeyBatch, blind: Blind) -> Iterator[tuple[int, NewValue]]:
    for attribute, told in people.values:
        rows = [(at, row) for at, each in enumerate(told) if each is not None for row in rows_of(attribute, each)]
        own: Sequence[tuple[bytes, bytes] | None] = [None] * len(rows)
        if attribute.personal:
            sealed = batch.seal([at for at, _ in rows], [row.written.encode() for _, row in rows], VALUE)
            own = list(zip(sealed, blind_values(blind, attribute.id, [row.key for _, row in rows]), strict=True))
        for (at, row), one in zip(rows, own, strict=True):
            yield at, NewValue(batch.ids[at], row, one)


def plain(wanted: Wanted) -> list[tuple[bytes, bytes]]:
    """What is sealed of a contact of several rows, or who was there, each with its place."""
    told = [(wanted.name.encode(errors="replace"), NAME)] if wanted.name else []
    told += [(value.encode(), IDENTITY) for value in wanted.fresh.values()]
    for attribute, value in wanted.values.values():
        if attribute.personal:
            told += [(row.written.encode(), VALUE) for row in rows_of(attribute, value)]
    return told


def values_of(wanted: Wanted, contact_id: UUID, sealed: Iterator[bytes], blind: Blind) -> Iterator[NewValue]:
    """Its values, with what was sealed of them in the order of `plain`."""
    for attribute, value in wanted.values.values():
        for row in rows_of(attribute, value):
            own = (next(sealed), blind_value(blind, row.attribute_id, row.key)) if attribute.personal else None
            yield NewValue(contact_id, row, own)
