"""One post on its way to one account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

from kit.ledger.model import Attempt, State, Status
from postrules.limits import Platform
from publisher.posts.model import PostStatus

KIND = "publisher.delivery"
PROCESSING = "publisher.processing"
STEP = "publisher.step"

STATUS_OF = {
    Status.PENDING: PostStatus.SCHEDULED,
    Status.CALLING: PostStatus.PUBLISHING,
    Status.UNKNOWN: PostStatus.CHECKING,
    Status.DONE: PostStatus.PUBLISHED,
    Status.REFUSED: PostStatus.FAILED,
    Status.UNCONFIRMED: PostStatus.UNCONFIRMED,
    Status.CANCELLED: PostStatus.CANCELLED,
}
"""What the ledger's words are called here."""


class What(StrEnum):
    """What comes after the first call of a delivery.

    `processing` waits for the platform, by reading; `finalize` makes the next step with what is ready; `part` is what
    follows in a thread, `comment` the first comment, `cover` the picture that stands for a film, `removal` takes down
    what is live.
    """

    PROCESSING = "processing"
    FINALIZE = "finalize"
    PART = "part"
    COMMENT = "comment"
    COVER = "cover"
    REMOVAL = "removal"

    @property
    def kind(self) -> str:
        """The ledger's kind of its effect."""
        return PROCESSING if self is What.PROCESSING else STEP


SHOWN: Final = (What.PART, What.COMMENT, What.COVER, What.REMOVAL)
"""Steps that people see as such; the others are the way of the post itself, or of a part."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that follows, as it is stored; part 0 is the post itself.

    `state` is what the ledger knows of it beyond the row: why and until when it has to wait.
    """

    id: UUID
    delivery_id: UUID
    what: What
    part: int
    status: PostStatus
    external_id: str | None
    url: str | None
    stored_reason: str
    stored_code: str
    state: State | None = None

    @property
    def waits(self) -> "Waits":
        """Why it waits and until when, while it has not been done."""
        return Waits.of(self.state if self.status is PostStatus.SCHEDULED else None)

    @property
    def reason(self) -> str:
        """Why it is where it is, in plain words: also why it has to wait, though another's answer was the cause."""
        return self.waits.reason or self.stored_reason

    @property
    def code(self) -> str:
        """The same as a name for programs."""
        return self.waits.code or self.stored_code


@dataclass(frozen=True, slots=True)
class Waits:
    """Why an effect waits for its lane, and when it is tried next; empty where it does not wait."""

    reason: str = ""
    code: str = ""
    next_at: datetime | None = None

    @classmethod
    def of(cls, state: State | None) -> Self:
        """What the ledger says: a hold comes before a lane that is parked beyond the effect's time."""
        if state is None or state.status is not Status.PENDING:
            return cls()
        next_at = max(state.due_at, state.parked_until or state.due_at)
        if state.held:
            return cls(state.held, "", next_at)
        if state.parked_until is not None and state.parked_reason and state.parked_until > state.due_at:
            return cls(state.parked_reason, state.parked_code, next_at)
        return cls(next_at=next_at)


@dataclass(frozen=True, slots=True)
class Tried:
    """One call or look, and of which step: None is the delivery's first call."""

    attempt: Attempt
    what: What | None = None
    part: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """The way of one post to one account, as it is stored.

    `text` and `different` are what is said there instead, and the fields of its content that are others there.
    """

    id: UUID
    post_id: UUID
    account_id: UUID
    platform: Platform
    text: str | None
    different: Mapping[str, Any] | None
    status: PostStatus
    external_id: str | None
    url: str | None
    reason: str
    code: str
    published_at: datetime | None
    resolved_by: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as it is now: what the ledger knows beyond the row, and what was tried.

    `state` is of its first call, `going_on` of the step that it is at while the platform has it.
    """

    delivery: Delivery
    state: State | None
    tried: tuple[Tried, ...] = ()
    steps: tuple[Step, ...] = ()
    going_on: State | None = None

    @property
    def status(self) -> PostStatus:
        """The stored status, unless a worker has it just now."""
        if self.state is not None and self.state.status is Status.CALLING:
            return PostStatus.PUBLISHING
        return self.delivery.status

    @property
    def next_at(self) -> datetime | None:
        """When it is tried next, at the earliest."""
        return self._waits.next_at or Waits.of(self.state).next_at

    @property
    def reason(self) -> str:
        """Why it is where it is, in plain words: also why it has to wait, though another's answer was the cause."""
        return self._waits.reason or self.delivery.reason

    @property
    def code(self) -> str:
        """The same as a name for programs."""
        waits = self._waits
        return waits.code or self.delivery.code

    @property
    def _waits(self) -> Waits:
        match self.delivery.status:
            case PostStatus.SCHEDULED:
                return Waits.of(self.state)
            case PostStatus.PROCESSING:
                return Waits.of(self.going_on)
        return Waits()
