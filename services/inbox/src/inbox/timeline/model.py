from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

What = Literal[
    "blocked",
    "broadcast",
    "consent",
    "conversation_opened",
    "field_set",
    "imported",
    "labelled",
    "made",
    "merged",
    "message_last",
    "noted",
    "separated",
]

Place = tuple[datetime, str, UUID]
"""Where a page ends: the sort values of its last line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened with a contact; what does not apply is None."""

    at: datetime
    what: What
    id: UUID
    contact_id: UUID
    by: UUID | None
    conversation_id: UUID | None
    channel_id: UUID | None
    other_id: UUID | None
    state: str | None
    kind: str | None
    detail: str | None
    text: str | None = field(repr=False)

    @property
    def place(self) -> Place:
        """Its place in the list."""
        return self.at, self.what, self.id
