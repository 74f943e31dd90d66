"""What an import is asked to do, and what stands in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any, Final, Literal
from uuid import UUID

from inbox.consent.model import PURPOSES, Purpose

Mode = Literal["skip", "overwrite", "fill"]
UNDO_WITHIN: Final = timedelta(days=30)
"""How long after it was begun an import can be undone; `contact_imports_settle` says the same."""

LARGEST: Final = 1024**3
CHUNK: Final = 8000
"""Rows that are worked in one transaction; it takes less than a second."""

_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """One column and what it is: `name`, `phone`, `email`, or `attribute:<key>`."""

    column: int
    to: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """That all contacts of a file have consented, as whoever imports it says."""

    channel_kinds: Sequence[str]
    purposes: Sequence[str]
    policy_version: str
    proof: str = field(repr=False, default="")

    def all(self) -> list[tuple[str, Purpose]]:
        """For what on which kind of channel."""
        return [(kind, each) for kind in self.channel_kinds for each in PURPOSES if each in self.purposes]


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is taken."""

    columns: Sequence[Taken]
    mode: Mode
    region: str
    heading: bool
    whatsapp: bool
    """Whether numbers are also WhatsApp's."""
    consent: Wishes | None = None

    def stored(self) -> dict[str, Any]:
        """As the row keeps it."""
        told: dict[str, Any] = {
            "columns": [{"column": each.column, "to": each.to} for each in self.columns],
            "mode": self.mode,
            "region": self.region,
            "heading": self.heading,
            "whatsapp": self.whatsapp,
        }
        if self.consent is not None:
            told["consent"] = {
                "channel_kinds": list(self.consent.channel_kinds),
                "purposes": list(self.consent.purposes),
                "policy_version": self.consent.policy_version,
            }
        return told

    def taking(self, rows: Iterator[Sequence[str]]) -> list[list[str]]:
        """The taken columns of some rows, each with all its cells; what a row lacks is empty.

        Rows are let go some at a time: a list for each would keep the garbage collector busy for most of the import.
        """
        places = [each.column for each in self.columns]
        columns: list[list[str]] = [[] for _ in places]
        while block := list(islice(rows, _AT_ONCE)):
            narrowest = min(map(len, block))
            for at, column in zip(places, columns, strict=True):
                column.extend(
                    map(itemgetter(at), block)
                    if at < narrowest
                    else [cells[at] if at < len(cells) else "" for cells in block]
                )
        return columns

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Options":
        """From what the row keeps."""
        consent = told.get("consent")
        return cls(
            [Taken(each["column"], each["to"]) for each in told["columns"]],
            told["mode"],
            told["region"],
            told["heading"],
            told["whatsapp"],
            None if consent is None else Wishes(**consent),
        )


@dataclass(frozen=True, slots=True)
class Import:
    """One file and what became of it."""

    id: UUID
    size: int
    received: int
    state: str
    options: Mapping[str, Any]
    refusal: str
    refused_row: int | None
    rows: int
    made: int
    changed: int
    unchanged: int
    faulty: int
    undone: int
    kept: int
    job_id: UUID | None
    undo_job_id: UUID | None
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A sealed file of an import."""

    id: UUID
    start: int
    size: int
    file_id: UUID
    key_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rows:
    """The cells of the taken columns, column by column, and the number of the first row in the file."""

    first: int
    columns: Sequence[Sequence[str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row, or one field of it, was not imported; never what stood there."""

    row: int
    field: str
    code: str


FAULTS: Final[Mapping[str, str]] = {
    "no-identity": "The row has neither a number nor an address.",
    "bad-phone": "This is no telephone number of the region.",
    "bad-email": "This is no e-mail address.",
    "bad-value": "The value does not suit the attribute.",
    "name-too-long": "A name has 200 characters at most.",
    "several-contacts": "Number and address belong to two contacts; merge them, or import them apart.",
    "repeated": "The same contact stands in an earlier row of the file.",
    "forgotten": "The contact asked to be forgotten.",
}
"""What a fault means, by code."""


KEPT: Final[Mapping[str, str]] = {
    "made-and-used": "The import made the contact, and it has been used since.",
    "changed-since": "The contact was there before, and has been changed since.",
}
"""Why undoing left a contact as it is, by code."""
