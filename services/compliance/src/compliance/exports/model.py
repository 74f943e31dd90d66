from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kit.privacy.person import Person


class ExportState(StrEnum):
    """Where an export is: the services hand over, the archive is made, it can be fetched, it is gone."""

    COLLECTING = "collecting"
    ASSEMBLING = "assembling"
    READY = "ready"
    EXPIRED = "expired"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Part:
    """What one service hands over."""

    service: str
    ready: bool
    attempt: int = 0
    pieces: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Export:
    """One request for everything that is kept about a person; `password` is told once, to whoever asks."""

    id: UUID
    owner_id: UUID
    person: Person
    requested_by: UUID
    state: ExportState
    attempt: int
    size: int
    sha256: str
    version: int
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime
    parts: tuple[Part, ...] = ()
    password: str | None = field(default=None, repr=False)
