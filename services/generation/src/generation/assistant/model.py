"""A conversation with the assistant, what is said in it, and what it would change: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from generation.generations.model import Sums
from generation.providers.base import Picture

MOST_TURNS: Final = 500
"""What may be said in one conversation."""

LEASE: Final = timedelta(minutes=10)
"""How long an answer may take; longer than its calls together, and as long as the person's token lives."""

WAITS: Final = timedelta(hours=1)
"""How long something that would be changed waits for a yes or a no."""

DOING: Final = timedelta(minutes=1)
"""How long doing it may take; longer than the deadline of its call."""

REPEATABLE: Final = timedelta(hours=20)
"""How long what may have been done is tried again: shorter than the 24 hours that idempotency keys are kept."""


class TurnState(StrEnum):
    """How far an answer is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ActionState(StrEnum):
    """How far something is that would be changed.

    `unknown` may have been done: saying yes once more finds out, and does it if it was not. `unconfirmed` is so since
    so long that nobody can find out any more; a person looks.
    """

    PENDING = "pending"
    DOING = "doing"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one person talks about with the assistant."""

    id: UUID
    organization_id: UUID
    created_by: UUID
    persona: str
    title_sealed: bytes | None
    turns: int
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says to the assistant."""

    text: str
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said, and how far the answer is; both lie sealed."""

    id: UUID
    conversation_id: UUID
    organization_id: UUID
    number: int
    state: TurnState
    reason: str
    detail: str
    asked_sealed: bytes
    answer_sealed: bytes | None
    sums: Sums
    version: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How an answer ended, and why."""

    state: TurnState
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be another."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the platform's public API; `seen` is the version that it is for (If-Match), where it has one.

    `proof` says by which fields of the thing it would be known that this was done already.
    """

    method: Literal["POST", "PATCH", "PUT"]
    path: str
    body: Mapping[str, Any]
    seen: str = ""
    proof: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be done, in words of ours for the person, and the request that does it."""

    says: str
    changes: Sequence[Change]
    request: Request


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the assistant would change."""

    id: UUID
    conversation_id: UUID
    turn_id: UUID
    organization_id: UUID
    tool: str
    proposal_sealed: bytes
    state: ActionState
    reason: str
    attempt: int
    expires_at: datetime
    version: int
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActionView:
    """With what would be done in the clear; None where the key was destroyed."""

    action: Action
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class TurnView:
    """What was said and answered in the clear, and what was put before the person."""

    turn: Turn
    said: Said | None
    answer: str
    actions: Sequence[ActionView] = ()


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation with its title in the clear."""

    conversation: Conversation
    title: str
