from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from inbox.attributes.model import Value
from inbox.channels.base import Window
from inbox.channels.kinds import window_of
from inbox.conversations.lists.model import Last
from inbox.conversations.model import Conversation, ConversationState, Priority, PriorityName
from kit.http.models import Model, Out

_EXCERPT: Final = 120
"""Characters of a message that a list shows."""


_PRIORITIES: Final[Mapping[Priority, PriorityName]] = {
    Priority.NONE: "none",
    Priority.LOW: "low",
    Priority.MEDIUM: "medium",
    Priority.HIGH: "high",
    Priority.URGENT: "urgent",
}
SILENT: Final = (
    "This contact form takes messages only. Give it an address to which answers may come, and replies leave as mail."
)


class ChangeConversation(Model):
    """Change who has a conversation, its state and how urgent it is; what is left out stays."""

    state: ConversationState | None = None
    snoozed_until: AwareDatetime | None = Field(
        None, description="When it wakes; null, or left out, for when the contact writes. Only with `snoozed`."
    )
    assignee_id: UUID | None = Field(None, description="The user who has it; null gives it back to everybody.")
    team_id: UUID | None = Field(None, description="The team it belongs to; null for none.")
    priority: PriorityName | None = None
    muted: bool | None = Field(
        None, description="Whether what the contact writes neither opens it again nor waits for an answer."
    )

    def wishes(self) -> Mapping[str, Any]:
        """What is to become of it, by the names of the model's fields."""
        told = {name: getattr(self, name) for name in self.model_fields_set}
        unsaid = {name for name in ("state", "priority", "muted") if told.get(name) is None}
        if self.priority is not None:
            told["priority"] = Priority[self.priority.upper()]
        return {name: value for name, value in told.items() if name not in unsaid}


class MarkRead(Model):
    """The team has read the contact's messages."""

    up_to_sequence: int | None = Field(None, ge=0, description="The last one read; without it, all there are.")
    tell_contact: bool = Field(False, description="Also show the contact that their messages were read.")


class WindowOut(Out):
    """When the contact may be written to, by the rules of the channel.

    Times instead of seconds that are left, so that an answer that was kept for a while still counts down rightly.
    """

    limited: bool = Field(description="False: they may be written to at any time.")
    closes_at: datetime | None = Field(description="Until then anything may be sent; null when they never wrote.")
    human_agent_until: datetime | None = Field(
        description="Until then a person may still answer with the tag `human_agent`, where the channel has this."
    )
    afterwards: list[str] = Field(description="What may be sent when it is closed.")

    @classmethod
    def of(cls, window: Window, open_until: datetime | None) -> Self:
        """The window of a conversation as shown."""
        return cls(
            limited=window.lasts is not None,
            closes_at=open_until,
            human_agent_until=window.extended_until(open_until),
            afterwards=sorted(window.beyond),
        )


class LastMessageOut(Out):
    """The newest message, as a list shows it."""

    direction: str
    kind: str
    at: datetime
    excerpt: str | None = Field(
        description="Its beginning; null when it has no words, was changed since, or its contact was forgotten."
    )

    @classmethod
    def of(cls, last: Last) -> Self:
        """The message as shown."""
        words = last.content.text if last.content is not None else None
        return cls(direction=last.direction, kind=last.kind, at=last.at, excerpt=words[:_EXCERPT] if words else None)


class ConversationOut(Out):
    """What is said with one contact on one channel; its messages are at …/messages."""

    id: UUID
    channel_id: UUID
    contact_id: UUID
    contact_name: str | None
    state: str
    snoozed_until: datetime | None = Field(description="When it wakes; null while it rests until the contact writes.")
    assignee_id: UUID | None
    team_id: UUID | None
    priority: PriorityName
    muted: bool
    waiting_since: datetime | None = Field(description="Since when the contact waits for an answer.")
    unread_count: int
    last_sequence: int
    last_message_at: datetime
    window_open_until: datetime | None = Field(description="Until then the contact may be written to freely.")
    channel_kind: str
    window: WindowOut
    cannot_answer: str | None = Field(description="Why nothing can be answered here; null when it can.")
    opted_out: bool = Field(description="The contact wants no messages here until they write START.")
    last_message: LastMessageOut | None
    label_ids: list[UUID] = Field(description="By name of the label.")
    attributes: dict[str, Any] = Field(description="The values of its attributes, by key.")
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(
        cls,
        conversation: Conversation,
        contact_name: str | None,
        last: Last | None,
        label_ids: Sequence[UUID],
        attributes: Mapping[str, Value],
    ) -> Self:
        """The conversation as shown."""
        return cls(
            id=conversation.id,
            channel_id=conversation.channel_id,
            contact_id=conversation.contact_id,
            contact_name=contact_name,
            state=conversation.state,
            snoozed_until=conversation.snoozed_until,
            assignee_id=conversation.assignee_id,
            team_id=conversation.team_id,
            priority=_PRIORITIES[conversation.priority],
            muted=conversation.muted,
            waiting_since=conversation.waiting_since,
            unread_count=conversation.unread_count,
            last_sequence=conversation.last_sequence,
            last_message_at=conversation.last_message_at,
            window_open_until=conversation.window_open_until,
            channel_kind=conversation.channel_kind,
            window=WindowOut.of(window_of(conversation.channel_kind), conversation.window_open_until),
            cannot_answer=SILENT if conversation.silent else None,
            opted_out=conversation.opted_out,
            last_message=None if last is None else LastMessageOut.of(last),
            label_ids=list(label_ids),
            attributes=dict(attributes),
            created_at=conversation.created_at,
            version=conversation.version,
        )
