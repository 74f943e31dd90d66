"""What a noun must be able to do with what it holds about people: hand it over, and let go of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from kit.db.database import Transaction
from kit.privacy.person import Person

ERASE = "erase"
ANONYMISE = "anonymise"


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table as the person may read them: opened, in values of JSON, without secrets of others."""

    table: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class File:
    """A file, piece by piece; `name` is a relative path of letters, digits, `-`, `_`, `.` and `/`."""

    name: str
    media_type: str
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Erased:
    """What one step of an erasure did, in rows by table.

    `removed` counts what this step deleted, `unlinked` rows that since this step lead to the person no more (a link
    was emptied); `anonymised` and `kept` how many rows still lead to them and stay in all, without what named the
    person or as they are, the latter for the reason in `because`. `keys` are owners of further keys that may be
    destroyed. With `more` another step follows.
    """

    removed: Mapping[str, int] = field(default_factory=dict)
    unlinked: Mapping[str, int] = field(default_factory=dict)
    anonymised: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    because: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[str] = ()
    more: bool = False


class Blocked(Exception):
    """Something must be settled before this person can be forgotten; `reason` is a name such as `last_owner`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Holding(Protocol):
    """What one noun keeps about people, in the tables it names."""

    @property
    def tables(self) -> frozenset[str]:
        """Their names."""

    def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Everything about this person in these organizations, page by page, in transactions of its own."""

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Let go of some thousand rows at most; `tx` is bound to all organizations that know the person.

        It may run again after a rollback or a crash: what is outside the database, such as a file, goes first.

        Raises:
            Blocked: something must be settled first; nothing was changed.
            TransientError: not just now, as while a call about them is under way; tried again in some seconds.
        """


Organizations = Callable[[Transaction, Person], Awaitable[Sequence[UUID]]]
"""In which organizations a service knows a person; asked in a transaction that is bound to none."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that a service holds about people; `erase` is called in this order."""

    holdings: Sequence[Holding]
    organizations: Organizations

    async def organizations_of(self, tx: Transaction, person: Person) -> Sequence[UUID]:
        """Where the person is known: a contact in its own organization."""
        if person.organization_id is not None:
            return (person.organization_id,)
        return await self.organizations(tx, person)
