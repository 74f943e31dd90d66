"""The data map as it is written: a `data.toml` beside the migrations of each owner, and one beside the contracts.

[messages]
purpose = "Keeps what was said, to show and answer it."
retention = "messages"
subject.contact = "conversation_id -> conversations"
subject.user = "author_id"

[messages.columns]
id = "identifier"
content_sealed = { class = "content", sealed = true }
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from kit.db import migrations as kit_migrations
from kit.privacy.words import PERSONAL, PROTECTED, Classification, Subject

FILE: Final = "data.toml"
ENVELOPE: Final = "envelope"
"""The section of what every event carries; its purpose and retention are those of events that state none."""

_ARROW: Final = " -> "


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Written):
    """What one column or event field holds.

    A `sealed` value is encrypted, a `blind` one a keyed hash by which it is found, a `hashed` one cannot be read or
    found. `why` says why what should not lie open does.
    """

    classification: Classification = Field(alias="class")
    purpose: str = ""
    retention: str = ""
    sealed: bool = False
    blind: bool = False
    hashed: bool = False
    why: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, written: object) -> object:
        return {"class": written} if isinstance(written, str) else written

    @property
    def is_open(self) -> bool:
        """Whether who reads the row reads the value."""
        return not (self.sealed or self.blind or self.hashed)

    @property
    def is_protected(self) -> bool:
        """Whether it should not lie open without a reason."""
        return self.classification in PROTECTED


@dataclass(frozen=True, slots=True)
class Lead:
    """How a row leads to its subject: by its own column, or by the row of a table whose `key` that column holds."""

    column: str
    table: str = ""
    key: str = "id"

    @classmethod
    def of(cls, text: str) -> Self:
        """Read `author_id`, `conversation_id -> conversations`, or `provider_blind -> messages.provider_blind`."""
        column, _, further = text.partition(_ARROW)
        table, _, key = further.strip().partition(".")
        return cls(column.strip(), table, key or "id")


class Table(_Written):
    """One table, or one event.

    `subject` says how a row leads to the people it is about; where it cannot, `without_subject` says why.
    """

    purpose: str
    retention: str
    subject: Mapping[Subject, str | Sequence[str]] = {}
    without_subject: str = ""
    columns: Mapping[str, Column] = Field(default={}, validation_alias=AliasChoices("columns", "fields"))

    @property
    def leads(self) -> list[tuple[Subject, Lead]]:
        """Each way from a row to somebody."""
        return [
            (subject, Lead.of(way))
            for subject, ways in self.subject.items()
            for way in ([ways] if isinstance(ways, str) else ways)
        ]

    @property
    def is_personal(self) -> bool:
        """Whether it holds anything about a person."""
        return any(column.classification in PERSONAL for column in self.columns.values())


@dataclass(frozen=True, slots=True)
class DataMap:
    """The tables of one owner, or all events; `place` is the file, for complaints."""

    place: str
    tables: Mapping[str, Table]

    def __or__(self, other: "DataMap") -> "DataMap":
        """The tables of both, for a service and what kit makes in its schema."""
        return DataMap(self.place, {**other.tables, **self.tables})


class BadDataMap(ValueError):
    """The file cannot be read as a data map: says where and what to write."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


def load(path: Path, place: str = "") -> DataMap:
    """Read a file.

    Raises:
        BadDataMap: it is missing, no TOML, or not in the form of a data map.
    """
    place = place or str(path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise BadDataMap(
            [f"{place}: missing; describe each table in it, as docs/howto/add-a-table.md says"]
        ) from None
    return read(text, place)


def of_service(migrations: ModuleType) -> DataMap:
    """The map of a service's whole schema, its own tables and those that kit makes in it."""
    own, kit = (
        read(files(each).joinpath(FILE).read_text("utf-8"), each.__name__) for each in (migrations, kit_migrations)
    )
    return own | kit


def read(text: str, place: str) -> DataMap:
    """Read the text of a file.

    Raises:
        BadDataMap: it is no TOML, or not in the form of a data map.
    """
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as trouble:
        raise BadDataMap([f"{place}: not TOML: {trouble}"]) from None
    try:
        tables = _TABLES.validate_python(_with_defaults(written))
    except ValidationError as trouble:
        raise BadDataMap([f"{place}: {_complaint(fault)}" for fault in trouble.errors()]) from None
    return DataMap(place, tables)


_TABLES: Final = TypeAdapter(Mapping[str, Table])


def _with_defaults(written: Mapping[str, Any]) -> Mapping[str, Any]:
    """Events, which are told for one purpose and kept in one place, take both from the envelope."""
    envelope = written.get(ENVELOPE)
    if not isinstance(envelope, dict):
        return written
    common = {name: envelope[name] for name in ("purpose", "retention") if name in envelope}
    return {name: common | table if isinstance(table, dict) else table for name, table in written.items()}


def _complaint(fault: Any) -> str:
    """Where, what, and what to write instead."""
    path = [str(part) for part in fault["loc"]]
    missing = path.pop() if fault["type"] == "missing" else ""
    where = ".".join(part for part in path if part not in {"columns", "fields", "class"})
    if fault["type"] == "enum":
        return f"{where}: `{fault['input']}` is not known; write {fault['ctx']['expected']}"
    if missing:
        return f"{where}: write `{missing} = …`"
    if fault["type"] == "extra_forbidden":
        return f"{where}: nobody knows this word; take it out"
    return f"{where}: {fault['msg']}"
