"""A message as a value: what may be said of its status, and what it looks like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

Direction = Literal["in", "out"]


class Status(StrEnum):
    """Where a message stands. `received` is for those that came in; all others are for ours.

    `held` waits for the contact to write: it leaves when their window opens.
    """

    RECEIVED = "received"
    HELD = "held"
    QUEUED = "queued"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


RISING: Final = (
    Status.HELD,
    Status.QUEUED,
    Status.UNCONFIRMED,
    Status.SENT,
    Status.FAILED,
    Status.DELIVERED,
    Status.READ,
)
"""From lowest to highest. Failure stands above `sent`, because the platform takes a message before it fails, and
below `delivered`: what has arrived has not failed, whatever a late report says. So the visible status is a maximum,
and the order in which reports come does not matter."""

_RANK: Final[Mapping[Status, int]] = {status: rank for rank, status in enumerate(RISING)}


def risen(present: Status, reported: Status) -> Status:
    """The visible status after a report; it never goes back."""
    if present not in _RANK or reported not in _RANK:
        return present
    return max(present, reported, key=_RANK.__getitem__)


def highest(present: Status, reports: Iterable[Status]) -> Status:
    """The visible status after many reports, in any order and as often as they come."""
    for reported in reports:
        present = risen(present, reported)
    return present


@dataclass(frozen=True, slots=True)
class Content:
    """What was said: `text` as a person reads it, `detail` as the platform brought it (a place, an order …)."""

    text: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the contact did to a message afterwards: a reaction, an edit or a withdrawal."""

    kind: Literal["reaction", "edit", "revoke"]
    content: Content
    provider_time: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A medium of a message, and whether it can be fetched."""

    id: UUID
    kind: str
    state: str
    media_type: str
    size: int
    failure_reason: str


@dataclass(frozen=True, slots=True)
class MessagePart:
    """One of the messages in which a message leaves; of one that was tried again the newest attempt."""

    id: UUID
    number: int
    attempt: int
    kind: str
    content: Content | None
    status: Status
    status_at: datetime
    failure_code: str
    failure_reason: str
    failure_sort: str
    failure_advice: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message with what belongs to it. `content` is None when its contact was forgotten."""

    id: UUID
    conversation_id: UUID
    channel_id: UUID
    direction: Direction
    kind: str
    content: Content | None
    provider_time: datetime
    sequence: int
    status: Status
    status_at: datetime
    failure_code: str
    failure_reason: str
    author_id: UUID | None
    version: int
    created_at: datetime
    failure_sort: str = ""
    failure_advice: str = ""
    reply_to: UUID | None = None
    marks: tuple[Mark, ...] = ()
    media: tuple[Attachment, ...] = ()
    parts: tuple[MessagePart, ...] = ()

    @property
    def withdrawn(self) -> bool:
        """Whether the contact has withdrawn it."""
        return any(mark.kind == "revoke" for mark in self.marks)

    @property
    def reaction(self) -> str | None:
        """The contact's reaction as it stands; an empty one took the one before away."""
        reactions = sorted((mark for mark in self.marks if mark.kind == "reaction"), key=lambda m: m.provider_time)
        return (reactions[-1].content.text or None) if reactions else None

    @property
    def shown(self) -> Content | None:
        """What is to be shown: the newest edit, nothing once it was withdrawn."""
        if self.withdrawn:
            return None
        edits = sorted((mark for mark in self.marks if mark.kind == "edit"), key=lambda m: m.provider_time)
        return edits[-1].content if edits else self.content
