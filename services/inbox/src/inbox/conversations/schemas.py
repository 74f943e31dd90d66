from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from inbox.conversations.model import Conversation, ConversationState
from kit.http.models import Model, Out


class ChangeConversation(Model):
    """Change who has a conversation, or its state; what is left out stays."""

    state: ConversationState | None = None
    assignee_id: UUID | None = Field(None, description="The user who has it; null gives it back to everybody.")


class MarkRead(Model):
    """The team has read the contact's messages."""

    up_to_sequence: int | None = Field(None, ge=0, description="The last one read; without it, all there are.")
    tell_contact: bool = Field(False, description="Also show the contact that their messages were read.")


class ConversationOut(Out):
    """What is said with one contact on one channel; its messages are at …/messages."""

    id: UUID
    channel_id: UUID
    contact_id: UUID
    contact_name: str | None
    state: str
    assignee_id: UUID | None
    unread_count: int
    last_sequence: int
    last_message_at: datetime
    window_open_until: datetime | None = Field(description="Until then the contact may be written to freely.")
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, conversation: Conversation, contact_name: str | None) -> Self:
        """The conversation as shown."""
        return cls(
            id=conversation.id,
            channel_id=conversation.channel_id,
            contact_id=conversation.contact_id,
            contact_name=contact_name,
            state=conversation.state,
            assignee_id=conversation.assignee_id,
            unread_count=conversation.unread_count,
            last_sequence=conversation.last_sequence,
            last_message_at=conversation.last_message_at,
            window_open_until=conversation.window_open_until,
            created_at=conversation.created_at,
            version=conversation.version,
        )
