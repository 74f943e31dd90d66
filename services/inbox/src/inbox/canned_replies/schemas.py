from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from inbox.arrangement.model import Arranged
from kit.http.models import Line, Model, Out

ShortCode = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")
]


class ChangeCannedReply(Model):
    """Let a canned reply say something else; its text may hold variables."""

    short_code: ShortCode = Field(examples=["thanks"])
    title: Line
    text: str = Field(min_length=1, max_length=4096)


class MakeCannedReply(ChangeCannedReply):
    """Make a canned reply, for all or for yourself."""

    shared: bool = False


class FillCannedReply(Model):
    """Fill the variables of a canned reply as they are in a conversation."""

    conversation_id: UUID


class CannedReplyOut(Out):
    """A reply that can be written by its short code."""

    id: UUID
    short_code: str
    title: str
    text: str
    shared: bool
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, found: Arranged) -> Self:
        """The reply as shown."""
        return cls(
            id=found.id,
            short_code=found.key,
            title=found.document["title"],
            text=found.document["text"],
            shared=found.shared,
            created_at=found.created_at,
            version=found.version,
        )
