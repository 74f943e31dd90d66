from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ConversationState(StrEnum):
    """Where a conversation stands: `pending` is with an automaton, `snoozed` rests until something happens."""

    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    SNOOZED = "snoozed"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is said with one contact on one channel. Within `window_open_until` they may be written to freely."""

    id: UUID
    channel_id: UUID
    contact_id: UUID
    state: ConversationState
    assignee_id: UUID | None
    unread_count: int
    last_sequence: int
    read_sequence: int
    last_message_at: datetime
    window_open_until: datetime | None
    version: int
    created_at: datetime

    def changed(self, state: ConversationState | None, assignee_id: UUID | None) -> "Conversation":
        """As somebody of the team wants it; the same version when nothing is different."""
        wanted = replace(self, state=state or self.state, assignee_id=assignee_id)
        return self if wanted == self else replace(wanted, version=self.version + 1)

    def window_open(self, now: datetime) -> bool:
        """Whether the contact may be written to without a template."""
        return self.window_open_until is not None and now < self.window_open_until

    @property
    def reopens(self) -> bool:
        """Whether a message of the contact opens it again."""
        return self.state in (ConversationState.RESOLVED, ConversationState.SNOOZED)
