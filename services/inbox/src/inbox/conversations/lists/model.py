from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from inbox.attributes.model import Way
from inbox.conversations.model import ConversationState, Priority
from inbox.messages.model import Content, Direction

Order = Literal["activity", "waiting"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are asked for, and in which order.

    `assignee_id` and `team_id` count only when `by_assignee` and `by_team` are set; None is nobody's, or of no team.
    `activity` begins with the newest message; `waiting` with who waits longest, and leaves out who does not wait.
    """

    state: ConversationState | None = None
    channel_id: UUID | None = None
    contact_id: UUID | None = None
    by_assignee: bool = False
    assignee_id: UUID | None = None
    by_team: bool = False
    team_id: UUID | None = None
    priority: Priority | None = None
    unread: bool | None = None
    since: datetime | None = None
    participant_id: UUID | None = None
    label_id: UUID | None = None
    attributes: tuple[tuple[str, Way, str], ...] = ()
    """By which values of attributes: key, way and value as they were asked for."""
    order: Order = "activity"


@dataclass(frozen=True, slots=True)
class Last:
    """The newest message of a conversation, as a list shows it; what the contact has changed since is not shown."""

    direction: Direction
    kind: str
    at: datetime
    content: Content | None
