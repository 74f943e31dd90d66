"""Why somebody, or an organization, is suspended."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """In a word, as the audit trail and events tell it; the rest stands in the note, which only staff read."""

    ABUSE = "abuse"
    FRAUD = "fraud"
    PAYMENT = "payment"
    COMPROMISED = "compromised"
    LEGAL = "legal"
    REQUESTED = "requested"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspension of a user or of an organization, open or lifted."""

    id: UUID
    user_id: UUID | None
    organization_id: UUID | None
    reason: Reason
    note_sealed: bytes | None = field(repr=False)
    suspended_by: UUID
    created_at: datetime
    lifted_by: UUID | None
    lifted_at: datetime | None
    note: str | None = None
