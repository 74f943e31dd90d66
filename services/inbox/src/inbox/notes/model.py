from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.notes.errors import NoteDeleted, NoteNotYours

MOST_MENTIONS: Final = 50
"""People whom one note calls."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a note stands: in a conversation, or at a contact."""

    conversation_id: UUID | None = None
    contact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody of the team wrote to the others; `text` is None when it was deleted or its contact forgotten."""

    id: UUID
    conversation_id: UUID | None
    contact_id: UUID | None
    author_id: UUID | None
    text: str | None
    version: int
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    mention_ids: tuple[UUID, ...] = ()

    def changed_by(self, user_id: UUID) -> "Note":
        """The note itself, where this user may change it.

        Raises:
            NoteNotYours: somebody else wrote it.
            NoteDeleted: it is gone.
        """
        if self.author_id != user_id:
            raise NoteNotYours
        if self.deleted_at is not None:
            raise NoteDeleted
        return self


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody is called by a note."""

    note_id: UUID
    conversation_id: UUID | None
    contact_id: UUID | None
    author_id: UUID | None
    created_at: datetime
    read_at: datetime | None
