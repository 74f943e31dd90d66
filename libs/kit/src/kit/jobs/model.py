"""The words of bulk work: jobs, items, what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias
from uuid import UUID

from kit.ids import new_id


class State(StrEnum):
    """Where a job stands: the four phases of one that is under way, and its three ends."""

    QUEUED = "queued"
    FINDING = "finding"
    WORKING = "working"
    REVIVING = "reviving"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDS: Final = (State.FINISHED, State.CANCELLED, State.FAILED)


class ItemState(StrEnum):
    """Where an item stands; a handed one is with the ledger."""

    WAITING = "waiting"
    HANDED = "handed"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Done:
    """It was done."""

    code: str = ""
    reason: str = ""
    state = ItemState.DONE


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing to do, or nothing that may be done; it is not tried again."""

    code: str
    reason: str = ""
    state = ItemState.SKIPPED


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done; a person may have it tried again. `reason` is a sentence without anything personal."""

    code: str
    reason: str = ""
    state = ItemState.FAILED


@dataclass(frozen=True, slots=True)
class Handed:
    """Its effect was put into the ledger in this transaction; `Jobs.settle` is told what came of it."""

    code: str = ""
    reason: str = ""
    state = ItemState.HANDED


Outcome: TypeAlias = Done | Skipped | Failed | Handed


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item as it was found: what it is about, and where that is known at once, what became of it."""

    subject_id: UUID | None
    outcome: Done | Skipped | Failed | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of items, and where to go on; without a cursor that was all."""

    items: Sequence[NewItem]
    cursor: Any = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item in the hand of a worker."""

    number: int
    subject_id: UUID | None


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be done. Of two with the same organization, kind and `key` the second changes nothing.

    `parameters` are JSON and hold nothing personal: ids, choices, counts. With `items` they are all there are (some
    ten thousand at most); without, the kind finds them, page by page. It begins at `start_at`, or at once.
    """

    kind: str
    key: str
    organization_id: UUID | None = None
    submitted_by: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    items: Sequence[NewItem] | None = None
    start_at: datetime | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands; `rate` in items per second, `eta` is the guess of when it ends."""

    id: UUID
    organization_id: UUID | None
    kind: str
    submitted_by: UUID | None
    parameters: Mapping[str, Any]
    state: State
    listed: bool
    total: int
    done: int
    failed: int
    skipped: int
    handed: int
    troubles: int
    code: str
    rate: float | None
    eta: datetime | None
    start_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more is done."""
        return self.state in ENDS

    @property
    def left(self) -> int:
        """How many items, of those found so far, have not ended."""
        return self.total - self.done - self.failed - self.skipped


@dataclass(frozen=True, slots=True)
class ItemShown:
    """An item with what became of it."""

    number: int
    subject_id: UUID | None
    state: ItemState
    code: str
    reason: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is to do of one kind, over all tenants; `oldest` in seconds, what ended within a day."""

    kind: str
    queued: int
    running: int
    left: int
    rate: float
    oldest: float
    finished: int
    cancelled: int
    failed: int
