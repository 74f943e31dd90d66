from datetime import datetime
from uuid import UUID

from pydantic import Field

from inbox.notes.model import MOST_MENTIONS
from kit.http.models import Model, Out


class WriteNote(Model):
    """Write something that only the team reads; the contact never gets it."""

    text: str = Field(min_length=1, max_length=4096)
    mention_ids: list[UUID] = Field(
        default_factory=list, max_length=MOST_MENTIONS, description="Users who are called; they are told."
    )
    mention_team_ids: list[UUID] = Field(
        default_factory=list, max_length=10, description="Teams of which everybody is called."
    )


class NoteOut(Out):
    """A note; without text when it was deleted."""

    id: UUID
    conversation_id: UUID | None = Field(description="Where it stands; null when it is about a contact.")
    contact_id: UUID | None = Field(description="About whom it is; null when it stands in a conversation.")
    author_id: UUID | None
    text: str | None
    mention_ids: list[UUID]
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    version: int = Field(description="Rises with every change; also the ETag.")


class RevisionOut(Out):
    """What a note said before it was edited."""

    number: int = Field(description="Its version then.")
    text: str | None
    replaced_at: datetime


class RevisionsOut(Out):
    """Earlier versions of a note, the newest first; at most 100."""

    items: list[RevisionOut]


class MentionOut(Out):
    """A note that calls you."""

    note_id: UUID
    conversation_id: UUID | None
    contact_id: UUID | None
    author_id: UUID | None
    created_at: datetime
    read_at: datetime | None


class MarkMentionsRead(Model):
    """You have seen these; without any, all there are."""

    note_ids: list[UUID] | None = Field(None, max_length=100)


class UnreadMentionsOut(Out):
    """How many notes call you that you have not seen; counted up to 1,000."""

    unread: int
