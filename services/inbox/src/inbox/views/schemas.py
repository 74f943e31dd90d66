from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from inbox.arrangement.model import Arranged
from inbox.attributes.schemas import MOST_SOUGHT, SoughtValue
from inbox.conversations.lists.model import Order
from inbox.conversations.model import ConversationState, PriorityName
from kit.http.models import Line, Model, Out

OneOrNone = Annotated[str, Field(pattern=r"^(none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")]


class ViewFilter(Model):
    """What `GET /v1/conversations` takes in its address, under the same names; a test compares the two."""

    state: ConversationState | None = None
    assignee: OneOrNone | None = None
    team: OneOrNone | None = None
    channel_id: UUID | None = None
    contact_id: UUID | None = None
    priority: PriorityName | None = None
    label_id: UUID | None = None
    attribute: list[SoughtValue] | None = Field(None, max_length=MOST_SOUGHT)
    unread: bool | None = None
    since: AwareDatetime | None = None
    participant_id: UUID | None = None
    order: Order = "activity"


class ChangeView(Model):
    """Give a saved filter another name, or let it choose otherwise."""

    name: Line
    filter: ViewFilter


class MakeView(ChangeView):
    """Save a filter, for all or for yourself."""

    shared: bool = False


class ViewOut(Out):
    """A saved filter. `query` goes into the address of `GET /v1/conversations` as it is."""

    id: UUID
    name: str
    filter: ViewFilter
    query: dict[str, Any] = Field(description="What of the filter counts, by the names of the list's parameters.")
    shared: bool
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, found: Arranged) -> Self:
        """The filter as shown."""
        chosen = ViewFilter.model_validate(found.document["filter"])
        return cls(
            id=found.id,
            name=found.document["name"],
            filter=chosen,
            query=chosen.model_dump(mode="json", exclude_none=True),
            shared=found.shared,
            created_at=found.created_at,
            version=found.version,
        )
