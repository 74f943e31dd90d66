from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class KnownAs:
    """One identity of a contact in the clear; `value` is None when the contact was forgotten."""

    kind: str
    value: str | None
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or company that writes to the organization; `name` as they call themselves, None when unknown.

    `members` are contacts that are shown as this one, of which `known_as` tells, too; `merged_into` says as whom this
    one is shown itself.
    """

    id: UUID
    name: str | None
    known_as: tuple[KnownAs, ...]
    version: int
    created_at: datetime
    merged_into: UUID | None = None
    members: tuple[UUID, ...] = ()
