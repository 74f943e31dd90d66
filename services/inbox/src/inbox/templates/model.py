"""A template as a value: what may be done with it, and what the platform's words mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID


class Status(StrEnum):
    """Where a template stands. `unconfirmed` is one of which nobody could say whether the platform has it."""

    DRAFT = "draft"
    SUBMITTING = "submitting"
    UNCONFIRMED = "unconfirmed"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    IN_APPEAL = "in_appeal"
    FLAGGED = "flagged"
    LOCKED = "locked"
    LIMIT_EXCEEDED = "limit_exceeded"
    ARCHIVED = "archived"
    PENDING_DELETION = "pending_deletion"
    DELETING = "deleting"
    DELETED = "deleted"


SENDABLE: Final = frozenset({Status.APPROVED, Status.FLAGGED, Status.LOCKED})
"""With these it can be sent; one that is locked can only not be changed."""
EDITABLE: Final = frozenset({Status.APPROVED, Status.REJECTED, Status.PAUSED, Status.FLAGGED})
"""With these the platform lets it be changed."""
OURS: Final = frozenset({Status.DRAFT, Status.SUBMITTING, Status.UNCONFIRMED, Status.DELETING})
"""What the platform knows nothing of, or not yet."""

_EVENTS: Final[Mapping[str, Status]] = {
    "APPROVED": Status.APPROVED,
    "REINSTATED": Status.APPROVED,
    "PENDING": Status.PENDING,
    "IN_REVIEW": Status.PENDING,
    "REJECTED": Status.REJECTED,
    "PAUSED": Status.PAUSED,
    "DISABLED": Status.DISABLED,
    "IN_APPEAL": Status.IN_APPEAL,
    "FLAGGED": Status.FLAGGED,
    "LOCKED": Status.LOCKED,
    "LIMIT_EXCEEDED": Status.LIMIT_EXCEEDED,
    "ARCHIVED": Status.ARCHIVED,
    "PENDING_DELETION": Status.PENDING_DELETION,
    "DELETED": Status.DELETED,
}

REASONS: Final[Mapping[str, str]] = {
    "ABUSIVE_CONTENT": "WhatsApp takes the content for abusive; change it.",
    "SCAM": "WhatsApp takes the content for a scam; change it.",
    "PROMOTIONAL": "The content breaks WhatsApp's rules; change it.",
    "INCORRECT_CATEGORY": "The content does not fit the category; choose another one.",
    "TAG_CONTENT_MISMATCH": "The content does not fit the category or language; choose another one.",
    "CATEGORY_NOT_AVAILABLE": "The category is not available in this region.",
    "INVALID_FORMAT": "The format is wrong, most often of a variable; correct it.",
    "FIRST_PAUSE": "People have reported or blocked it: it is paused for 3 hours.",
    "SECOND_PAUSE": "People have reported or blocked it again: it is paused for 6 hours.",
    "RATE_LIMITING_PAUSE": "It was paused because it was sent to too many who did not want it.",
    "DISABLED": "People have reported or blocked it too often: it can never be sent again.",
}
"""What the platform's reasons mean, in words of our own."""


def status_of(word: str) -> Status | None:
    """What a word of the platform's means; None for one that nobody knows."""
    return _EVENTS.get(word.upper())


def reason_of(code: str) -> str:
    """Why, in plain words; empty where the platform names no reason."""
    if code in ("", "NONE"):
        return ""
    return REASONS.get(code, "WhatsApp gives a reason that is not documented.")


@dataclass(frozen=True, slots=True)
class Template:
    """One template in one language. `components` are what can be sent; of one that was never approved, its newest."""

    id: UUID
    waba_id: str
    name: str
    language: str
    provider_id: str | None
    category: str
    next_category: str
    next_category_at: datetime | None
    status: Status
    reason_code: str
    reason: str
    quality: str
    components: Sequence[Mapping[str, Any]] = field(repr=False)
    fallbacks: Mapping[str, str] = field(repr=False)
    last_number: int
    approved_number: int | None
    told_at: datetime | None
    version: int
    created_at: datetime
    changed_at: datetime

    @property
    def sendable(self) -> bool:
        """Whether messages may be made of it now."""
        return self.status in SENDABLE


@dataclass(frozen=True, slots=True)
class Version:
    """What a template said at one time."""

    id: UUID
    template_id: UUID
    number: int
    category: str
    components: Sequence[Mapping[str, Any]] = field(repr=False)
    fallbacks: Mapping[str, str] = field(repr=False)
    state: str
    first: bool
    reason_code: str
    reason: str
    submitted_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sync:
    """A reading of the platform's list; `place` is the cursor from which it goes on."""

    id: UUID
    waba_id: str
    page_id: UUID
    place: str
    state: str
    pages: int
    seen: int
    gone: int
    reason: str
    started_at: datetime
    ended_at: datetime | None
