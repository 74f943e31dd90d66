from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from inbox.search.words import Excerpt
from kit.http.models import Model, Out


class Search(Model):
    """Search for words; a text belongs into the body, because addresses are kept in logs."""

    text: str = Field(
        min_length=1, max_length=200, description="All of these words, in any order; the last may go on."
    )
    conversation_id: UUID | None = Field(None, description="Only in this conversation.")


class SearchContacts(Model):
    """Search for contacts by beginnings of their names and addresses, or by a number or its end."""

    text: str = Field(min_length=1, max_length=200)


class ExcerptOut(Out):
    """A part of what was found. `matches` are places in `text`, from and to, in characters; nothing is marked up."""

    text: str
    matches: list[tuple[int, int]]

    @classmethod
    def of(cls, excerpt: Excerpt) -> Self:
        """The excerpt as shown."""
        return cls(text=excerpt.text, matches=list(excerpt.matches))


class FoundMessageOut(Out):
    """A message in which all of the words stand."""

    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    contact_name: str | None
    direction: str
    at: datetime
    excerpt: ExcerptOut


class FoundNoteOut(Out):
    """A note in which all of the words stand."""

    note_id: UUID
    conversation_id: UUID | None = Field(description="Null when the note is about the contact.")
    contact_id: UUID
    contact_name: str | None
    author_id: UUID | None
    at: datetime
    excerpt: ExcerptOut


class FoundContactOut(Out):
    """A contact who is called or known so."""

    contact_id: UUID
    name: str | None
    created_at: datetime
