"""What each row of a file comes to: a new contact, or more of one that is there or stands in another row; pure.

Most rows have to do with nobody else. They are taken together, column by column; the others one after the other.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import Final, NamedTuple
from uuid import UUID

from inbox.attributes.model import Attribute, Value
from inbox.channels.base import IdentityKind
from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import spellings
from inbox.imports.bulk.repository import Key
from inbox.imports.model import Fault, Mode
from inbox.imports.persons import People
from inbox.whatsapp.numbers import may_vary

_NONE: Final = b""


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of a column of what people are known by, by place; empty where there is nothing."""

    kind: str
    own: Sequence[bytes] = field(repr=False)
    others: Mapping[int, Sequence[bytes]] = field(repr=False)
    """Of other spellings, where there are some."""
    asked: Sequence[bytes] = field(repr=False)
    """All of them once, in their order: so they stand in the index, where neighbours lie on one page."""

    @classmethod
    def of(cls, kind: IdentityKind, values: Sequence[str | None], blind: Blind) -> "Hashes":
        """Hash what stands in a column, in each spelling."""
        others = {
            at: [blind(kind, each) for each in spellings(kind, value)[1:]]
            for at, value in enumerate(values)
            if value is not None and may_vary(value)
        }
        own = blind.each(kind, values)
        return cls(kind, own, others, sorted(set(filter(None, chain(own, *others.values())))))


class Wanted:
    """A contact that several rows tell of, or that is there already; a new one has no id yet."""

    __slots__ = ("at", "contact_id", "fresh", "name", "row", "values")

    def __init__(self, contact_id: UUID | None, at: int, row: int) -> None:
        self.contact_id, self.at, self.row, self.name = contact_id, at, row, ""
        self.fresh: dict[Key, str] = {}
        self.values: dict[UUID, tuple[Attribute, Value]] = {}


class There(NamedTuple):
    """Who is in the base: to whom hashes lead just now, and whom an earlier row of the file made or changed."""

    held: Mapping[bytes, UUID]
    earlier: Collection[UUID]


class Decided(NamedTuple):
    """What becomes of some people; what is wrong with rows, and how many came to what."""

    alone: Sequence[int]
    """Places of those who are new and stand in one row."""
    new: Sequence[Wanted]
    """Others who are new."""
    touched: Mapping[UUID, Wanted]
    """Who was there, by id."""
    faults: Sequence[Fault]
    counts: Counter[str]


def hashed(people: People, blind: Blind) -> list[Hashes]:
    """Hash whatever people are known by."""
    return [Hashes.of(kind, values, blind) for kind, values in people.known]


def decided(people: People, hashes: Sequence[Hashes], there: There, mode: Mode) -> Decided:
    """Tell what becomes of these."""
    entangled = _entangled(people, hashes, there.held)
    alone = [at for at in range(len(people)) if at not in entangled]
    together = _Together(people, hashes, there, mode)
    for at in sorted(entangled):
        together.take(at)
    together.counts["made"] += len(alone)
    return Decided(alone, together.new, together.touched, together.faults, together.counts)


def _entangled(people: People, hashes: Sequence[Hashes], held: Mapping[bytes, UUID]) -> set[int]:
    """Places of those with whom somebody has a hash in common, whether in the file or in the base."""
    times = Counter[bytes]()
    for each in hashes:
        times.update(each.own)
        times.update(chain.from_iterable(each.others.values()))
    times[_NONE] = 0
    common = {blinded for blinded, count in times.items() if count > 1}.union(held)
    found = set[int]()
    for each in hashes if common else ():
        found.update(compress(range(len(people)), map(common.__contains__, each.own)))
        found.update(at for at, others in each.others.items() if not common.isdisjoint(others))
    return found


class _Known(NamedTuple):
    """One of what a row is known by: its kind and hash, the value, and the hashes of other spellings of it."""

    key: Key
    value: str
    others: Sequence[bytes]

    @property
    def hashes(self) -> Iterable[bytes]:
        """Of all spellings."""
        return (self.key[1], *self.others)


class _Together:
    """Rows that have to do with one another or with somebody who is there: rows of one contact become one."""

    def __init__(self, people: People, hashes: Sequence[Hashes], there: There, mode: Mode) -> None:
        self._people, self._hashes, self._mode = people, hashes, mode
        self._held, self._earlier = there
        self._here: dict[bytes, Wanted] = {}
        self.new: list[Wanted] = []
        self.touched: dict[UUID, Wanted] = {}
        self.faults: list[Fault] = []
        self.counts = Counter[str]()

    def take(self, at: int) -> None:
        """The next row."""
        known, row, counts = self._known(at), self._people.numbers[at], self.counts
        one, several = self._same(known)
        if several:
            self.faults.append(Fault(row, "", "several-contacts"))
            counts["faulty"] += 1
            return
        repeated = isinstance(one, Wanted) or one in self._earlier
        if repeated:
            self.faults.append(Fault(row, "", "repeated"))
        if one is not None and self._mode == "skip":
            counts["unchanged"] += 1
            return
        counts["made" if one is None else "unchanged" if repeated else "changed"] += 1
        if one is None:
            one = Wanted(None, at, row)
            self.new.append(one)
        elif not isinstance(one, Wanted):
            one = self.touched.setdefault(one, Wanted(one, at, row))
        self._merge(one, at, known)

    def _known(self, at: int) -> list[_Known]:
        found = []
        for (kind, values), each in zip(self._people.known, self._hashes, strict=True):
            value = values[at]
            if value is not None:
                found.append(_Known((kind, each.own[at]), value, each.others.get(at, ())))
        return found

    def _same(self, known: Sequence[_Known]) -> tuple[Wanted | UUID | None, bool]:
        """The contact to whom these lead, and whether they lead to several."""
        found: Wanted | UUID | None = None
        for each in known:
            for blinded in each.hashes:
                leads: Wanted | UUID | None = self._here.get(blinded)
                if leads is None and blinded in self._held:
                    leads = self.touched.get(self._held[blinded], self._held[blinded])
                if leads is None or leads == found:
                    continue
                if found is not None:
                    return found, True
                found = leads
        return found, False

    def _merge(self, one: Wanted, at: int, known: Sequence[_Known]) -> None:
        """What a further row adds; when gaps are filled, what an earlier one said stays."""
        name, fill, held = self._people.names[at], self._mode == "fill", self._held
        if name and not (fill and one.name):
            one.name = name
        for attribute, column in self._people.values:
            value = column[at]
            if value is not None and not (fill and attribute.id in one.values):
                one.values[attribute.id] = (attribute, value)
        for each in known:
            if not any(blinded in held for blinded in each.hashes):
                one.fresh[each.key] = each.value
            for blinded in each.hashes:
                self._here[blinded] = one
