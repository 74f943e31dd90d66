"""Entries of the audit trail and the one form in which they are hashed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.event import rfc3339

NOBODY: Final = UUID(int=0)
"""Stands for the platform itself where an entry belongs to no organization; no token is for it."""

FORM: Final = 1

_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@dataclass(frozen=True, slots=True)
class Line:
    """What was heard of, before it has its place."""

    arrival: int
    organization_id: UUID
    id: UUID
    at: datetime
    action: str
    actor_kind: str
    actor_id: UUID | None
    target_kind: str
    target_id: str
    details: Mapping[str, str | int | bool]
    request_id: str | None

    def leaf(self, sequence: int) -> bytes:
        """The bytes that are hashed, stored and shown: compact JSON with sorted names, all of it ASCII.

        The number within the organization stands in it, so that an entry cannot be left out unnoticed.
        """
        said = {
            "action": self.action,
            "actor_id": None if self.actor_id is None else str(self.actor_id),
            "actor_kind": self.actor_kind,
            "at": rfc3339(self.at),
            "details": dict(self.details),
            "id": str(self.id),
            "organization": str(self.organization_id),
            "request_id": self.request_id,
            "sequence": sequence,
            "target_id": self.target_id,
            "target_kind": self.target_kind,
            "v": FORM,
        }
        return _CANONICAL.encode(said).encode("ascii")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in its place."""

    position: int
    sequence: int
    at: datetime
    leaf: bytes

    @property
    def said(self) -> dict[str, Any]:
        """What it says, as it was hashed."""
        told: dict[str, Any] = json.loads(self.leaf)
        return told


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was signed about the log: its size, its root, and the signed note that says so."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for."""

    action: str | None = None
    actor_id: UUID | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """An organization's entries from one number to another, under a checkpoint; `newest` is the last it has there."""

    organization_id: UUID
    first: int
    last: int
    newest: int
    checkpoint: Checkpoint
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry with the proof that it is in the log that a checkpoint speaks of."""

    entry: Entry
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
