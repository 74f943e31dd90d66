"""What is wrong with a data map, in words that say what to write."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from contracts.event import ENVELOPE as ENVELOPE_FIELDS
from contracts.event import SEALED, Event
from kit.privacy.datamap import ENVELOPE, Column, DataMap, Lead, Table
from kit.privacy.words import RETENTION, Classification, Subject

Columns = Mapping[str, str]
"""The type of each column by its name."""

CLASSES: Final = " | ".join(Classification)

_TABLE: Final = re.compile(r"^CREATE TABLE (\w+) \(\n(.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN: Final = re.compile(r'^    (?!CONSTRAINT )"?(\w+)"? (.+?)(?: NOT NULL| DEFAULT .*|,|$)', re.MULTILINE)
_FEWEST_WORDS: Final = 3


def tables_of(schema: str) -> dict[str, Columns]:
    """The tables of a `schema.sql` with their columns."""
    return {name: dict(_COLUMN.findall(body)) for name, body in _TABLE.findall(schema)}


def faults_of_service(own: DataMap, kit: DataMap, schema: Mapping[str, Columns]) -> list[str]:
    """What is wrong with a service's map, together with kit's, beside its schema."""
    complaints = [
        f"{own.place}: {name}: kit describes this table; take it out" for name in own.tables if name in kit.tables
    ]
    whole = own | kit
    complaints += [
        f"{own.place}: {name}: has no section; write `[{name}]` with purpose, retention, subject and columns"
        for name in schema
        if name not in whole.tables
    ]
    for name in whole.tables:
        place = own.place if name in own.tables else kit.place
        complaints += [f"{place}: {fault}" for fault in _faults_of_table(name, whole, schema)]
    return complaints


def _faults_of_table(name: str, whole: DataMap, schema: Mapping[str, Columns]) -> Iterator[str]:
    table = whole.tables[name]
    if name not in schema:
        yield f"{name}: there is no such table any more; take its section out"
        return
    yield from _unmatched(name, table, set(schema[name]), "column")
    yield from _ill_said(name, table)
    yield from _unled(name, whole, schema)
    for column, described in table.columns.items():
        if described.is_protected and described.is_open and not described.why:
            yield (
                f"{name}.{column}: {described.classification} lies open; seal it and write `sealed = true` (a hash: "
                "`blind = true` or `hashed = true`), or say in `why` why it must be read"
            )
        if described.sealed and schema[name].get(column, "bytea") != "bytea":
            yield f"{name}.{column}: is {schema[name][column]}, what is sealed is bytea; take `sealed` out"


def _unmatched(name: str, table: Table, there: set[str], noun: str) -> Iterator[str]:
    for each in sorted(there - set(table.columns)):
        yield f"{name}.{each}: is not classified; write `{each} = …` with one of {CLASSES}"
    for each in sorted(set(table.columns) - there):
        yield f"{name}.{each}: there is no such {noun} any more; take it out"


def _ill_said(name: str, table: Table) -> Iterator[str]:
    """Purposes and reasons are sentences, retention classes are those of the list."""
    said: dict[str, Table | Column] = {name: table}
    said |= {f"{name}.{each}": column for each, column in table.columns.items()}
    for where, each in said.items():
        if (each.retention or where == name) and each.retention not in RETENTION:
            yield f"{where}: `{each.retention}` is no retention class; write one of {' | '.join(RETENTION)}"
        if (each.purpose or where == name) and len(each.purpose.split()) < _FEWEST_WORDS:
            yield f"{where}: the purpose says nothing; write a plain sentence"
        if isinstance(each, Column) and each.why and len(each.why.split()) < _FEWEST_WORDS:
            yield f"{where}: `why` says nothing; write the reason in words"


def _unled(name: str, whole: DataMap, schema: Mapping[str, Columns]) -> Iterator[str]:
    """A table with personal data leads to whom it is about, or says why it cannot."""
    table = whole.tables[name]
    if table.is_personal and not table.subject and not table.without_subject:
        yield (
            f"{name}: holds personal data; write `subject.{Subject.USER} = …` (or {Subject.CONTACT}, "
            f"{Subject.ADDRESS}) with the column that leads to whom, or say in `without_subject` why none does"
        )
    if table.subject and table.without_subject:
        yield f"{name}: has a subject and none; take `subject` or `without_subject` out"
    for subject, lead in table.leads:
        if lead.column not in schema[name]:
            yield f"{name}: subject.{subject} goes by `{lead.column}`, which is no column of it"
        if lead.table in schema and lead.key not in schema[lead.table]:
            yield f"{name}: subject.{subject} goes by {lead.table}.{lead.key}, which is no column"
        if lead.table and not _arrives(lead, subject, whole, {name}):
            yield f"{name}: subject.{subject} goes by {lead.table}, which leads to no {subject}"


def _arrives(lead: Lead, subject: Subject, whole: DataMap, seen: set[str]) -> bool:
    """Whether going from table to table ends at the subject, and not in a circle."""
    if not lead.table:
        return True
    if lead.table in seen or lead.table not in whole.tables:
        return False
    further = [each for kind, each in whole.tables[lead.table].leads if kind is subject]
    return any(_arrives(each, subject, whole, seen | {lead.table}) for each in further)


def faults_of_events(described: DataMap, events: tuple[type[Event], ...]) -> list[str]:
    """What is wrong with the map of events beside their classes: events are thin."""
    there: dict[str, set[str]] = {ENVELOPE: set(ENVELOPE_FIELDS)}
    there |= {event.type: set(event.data_fields()) for event in events}
    complaints = [f"{name}: has no section; write `[{_key(name)}]`" for name in there if name not in described.tables]
    for name, event in described.tables.items():
        if name not in there:
            complaints.append(f"{name}: there is no such event any more; take its section out")
            continue
        complaints += [*_unmatched(name, event, there[name], "field"), *_ill_said(name, event)]
        complaints += [
            f"{name}.{field}: {each.classification} travels open; events carry ids, so take the field out of the "
            "event, or seal it under its subject's key"
            for field, each in event.columns.items()
            if each.is_protected and not each.sealed
        ]
    complaints += [fault for event in events for fault in _wrongly_sealed(event, described)]
    return [f"{described.place}: {complaint}" for complaint in complaints]


def _wrongly_sealed(event: type[Event], described: DataMap) -> Iterator[str]:
    """The map says of a field that it is sealed exactly when its class does."""
    section = described.tables.get(event.type)
    for field, column in (section.columns if section else {}).items():
        if field not in event.model_fields:
            continue
        extra = event.model_fields[field].json_schema_extra
        sealed = isinstance(extra, dict) and SEALED.items() <= extra.items()
        if column.sealed and not sealed:
            yield f"{event.type}.{field}: is not SEALED in {event.__name__}; take `sealed` out, or seal it there"
        if sealed and not column.sealed:
            yield f"{event.type}.{field}: is SEALED in {event.__name__}; write `sealed = true`"


def _key(name: str) -> str:
    return f'"{name}"' if "." in name else name
