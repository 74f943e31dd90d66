from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from inbox.arrangement.model import Arranged
from inbox.contacts.schemas import ContactOut
from kit.http.models import Line, Model, Out

_EXAMPLE = {"all": [{"attribute": "city", "is": "Berlin"}, {"spoken": {"within_days": 90}}]}


class AskSegment(Model):
    """Ask who is meant."""

    query: dict[str, Any] = Field(
        description="One condition; see `docs/howto/ask-for-contacts.md`.", examples=[_EXAMPLE]
    )


class ChangeSegment(AskSegment):
    """Give a segment another name, or let it mean others."""

    name: Line


class MakeSegment(ChangeSegment):
    """Save a segment, for all or for yourself."""

    shared: bool = True


class SegmentOut(Out):
    """A saved segment; whom it means is asked anew each time."""

    id: UUID
    name: str
    query: dict[str, Any]
    shared: bool
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, found: Arranged) -> Self:
        """The segment as shown."""
        return cls(
            id=found.id,
            name=found.document["name"],
            query=found.document["query"],
            shared=found.shared,
            created_at=found.created_at,
            version=found.version,
        )


class PreviewOut(Out):
    """Whom a segment means just now."""

    contacts: int = Field(description="How many in all.")
    sample: list[ContactOut] = Field(description="The first of them.")
