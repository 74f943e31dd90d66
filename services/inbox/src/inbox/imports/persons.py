"""Rows become people, column by column, or faults with their codes; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final, NamedTuple

from inbox.attributes.model import Attribute, Value
from inbox.channels.base import IdentityKind
from inbox.imports.cells import emails_of, phones_of, value_of
from inbox.imports.model import Fault, Options

LONGEST_NAME: Final = 200
_FAULTY: Final = {
    "name": "name-too-long",
    "phone": "bad-phone",
    "email": "bad-email",
    "attribute": "bad-value",
}


@dataclass(slots=True)
class People:
    """Who has rows in a file and can be known: what is told of them, column by column, at the same place in each."""

    numbers: Sequence[int]
    """Of their rows."""
    names: Sequence[str | None]
    known: list[tuple[IdentityKind, Sequence[str | None]]] = field(default_factory=list)
    """What they are known by, by kind."""
    values: list[tuple[Attribute, Sequence[Value | None]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers)


class _Column(NamedTuple):
    """One column: its cells, and what they mean; None where they are empty or mean nothing that they could."""

    kind: str
    key: str
    told: Sequence[str]
    meant: Sequence[Any]


def people(
    cells: Sequence[Sequence[str]],
    first: int,
    options: Options,
    attributes: Mapping[str, Attribute],
    faults: list[Fault],
) -> People:
    """The people of some rows, of which the first has this number; a row that is empty is nobody.

    Cells come column by column, as columns are taken. Faults come in the order of rows.
    """
    columns = [_column(each.to, told, options, attributes) for each, told in zip(options.columns, cells, strict=True)]
    known = [each for each in columns if each.kind in ("phone", "email")]
    somebody = [False] * len(cells[0])
    for column in known:
        somebody = [one or value is not None for one, value in zip(somebody, column.meant, strict=True)]
    faults += sorted(_faults(columns, first, somebody), key=lambda fault: fault.row)
    return _people(columns, first, somebody, options, attributes)


def _column(to: str, cells: Sequence[str], options: Options, attributes: Mapping[str, Attribute]) -> _Column:
    kind, _, key = to.partition(":")
    told, meant = [cell.strip() for cell in cells], list[Any]()
    match kind:
        case "name":
            meant = [each if each and len(each) <= LONGEST_NAME else None for each in told]
        case "phone":
            meant = phones_of(told, options.region)
        case "email":
            meant = emails_of(told)
        case _:
            attribute = attributes[key]
            meant = [value_of(attribute, each) if each else None for each in told]
    return _Column(kind, key or kind, told, meant)


def _faults(columns: Sequence[_Column], first: int, somebody: Sequence[bool]) -> Iterable[Fault]:
    for kind, key, told, meant in columns:
        if meant.count(None) != told.count(""):
            for at, (cell, value) in enumerate(zip(told, meant, strict=True), start=first):
                if value is None and cell:
                    yield Fault(at, key, _FAULTY[kind])
    for at, one in enumerate(somebody):
        if not one and any(column.told[at] for column in columns):
            yield Fault(first + at, "", "no-identity")


def _people(
    columns: Sequence[_Column],
    first: int,
    somebody: Sequence[bool],
    options: Options,
    attributes: Mapping[str, Attribute],
) -> People:
    found = People(list(compress(range(first, first + len(somebody)), somebody)), [])
    found.names = [None] * len(found)
    for kind, key, _, meant in columns:
        told = meant if len(found) == len(meant) else list(compress(meant, somebody))
        match kind:
            case "name":
                found.names = told
            case "phone":
                found.known.append(("phone", told))
                if options.whatsapp:
                    found.known.append(("whatsapp_id", [each and each[1:] for each in told]))
            case "email":
                found.known.append(("email", told))
            case _:
                found.values.append((attributes[key], told))
    return found
