from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

PART: Final = 2000
"""Contacts in one part of a file; they are held in memory while it is written."""

KINDS: Final = ("phone", "whatsapp_id", "email")
"""Identities that have a column."""


@dataclass(frozen=True, slots=True)
class Export:
    """One file of contacts."""

    id: UUID
    state: str
    columns: Sequence[str]
    rows: int
    size: int
    job_id: UUID
    expires_at: datetime
    created_at: datetime
    plan_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """The contacts behind one id up to another; its file, once it is written."""

    id: UUID
    export_id: UUID
    after_id: UUID
    upto_id: UUID
    size: int = 0
    file_id: UUID | None = None
    key_sealed: bytes | None = field(repr=False, default=None)
