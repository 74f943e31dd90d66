"""A broadcast as a value: what may be done with it, when whom it may reach, and how fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from inbox.broadcasts.errors import NotThatWay
from inbox.channels.catalogue import Sort
from inbox.consent.model import Purpose

Kind = Literal["broadcast", "test", "fallback"]
Class = Sort | Literal["consent", "cancelled", "unconfirmed", ""]
"""Why somebody did not get it: the sorts of the platforms' errors, no consent, taken back, nobody knows."""


class State(StrEnum):
    """Where a broadcast stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({State.COMPLETED, State.CANCELLED})


class Stand(StrEnum):
    """Where one recipient stands. `handed` is with the ledger; `unknown` may have left; the others are ends."""

    WAITING = "waiting"
    HANDED = "handed"
    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


OPEN: Final = (Stand.WAITING, Stand.HANDED, Stand.UNKNOWN)
REACHED: Final = (Stand.SENT, Stand.DELIVERED, Stand.READ)
UNREACHED: Final = (Stand.FAILED, Stand.SKIPPED, Stand.CANCELLED, Stand.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which nobody is written to, by the clock of where they are; may go over midnight."""

    begins: time
    ends: time

    def until(self, now: datetime, zone: str) -> datetime | None:
        """When they end, if they are just now; across a change of the clock by what the clock there shows."""
        local = now.astimezone(ZoneInfo(zone))
        at = local.time().replace(tzinfo=None)
        over_night = self.begins > self.ends
        within = at >= self.begins or at < self.ends if over_night else self.begins <= at < self.ends
        if not within:
            return None
        day = local.date() + timedelta(days=1) if over_night and at >= self.begins else local.date()
        return datetime.combine(day, self.ends, ZoneInfo(zone)).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the messages that are tried against each other: a template with values, or a text.

    `frozen` is the template as it could be sent when the broadcast began: its words are those of all recipients.
    """

    weight: int = 1
    template_id: UUID | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] | None = None
    buttons: Sequence[Mapping[str, Any]] = ()
    text: str = ""
    link: str = ""
    frozen: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Variant":
        """Read one from its row."""
        template_id = told.get("template_id")
        return cls(**{**told, "template_id": None if template_id is None else UUID(template_id)})

    def told(self) -> dict[str, Any]:
        """As it is written into its row."""
        return {
            "weight": self.weight,
            "template_id": None if self.template_id is None else str(self.template_id),
            "variables": dict(self.variables),
            "header": self.header,
            "buttons": list(self.buttons),
            "text": self.text,
            "link": self.link,
            "frozen": self.frozen,
        }


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to many."""

    id: UUID
    channel_id: UUID
    name: str
    state: State
    audience: Mapping[str, Any]
    variants: Sequence[Variant] = field(repr=False)
    purpose: Purpose
    zone: str
    created_at: datetime
    changed_at: datetime
    kind: Kind = "broadcast"
    parent_id: UUID | None = None
    reason: str = ""
    waits_for: str = ""
    quiet: Quiet | None = None
    start_at: datetime | None = None
    local_start: datetime | None = None
    fallback: Mapping[str, Any] | None = None
    prepared_after: UUID | None = None
    prepared_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    told_at: datetime | None = None
    work_at: datetime | None = None
    version: int = 1

    @property
    def prepared(self) -> bool:
        """Whether all recipients are written down."""
        return self.prepared_at is not None

    def began(self, now: datetime, variants: Sequence[Variant]) -> "Broadcast":
        """Begun, or waiting for its time.

        Raises:
            NotThatWay: it has begun before.
        """
        if self.state is not State.DRAFT:
            raise NotThatWay(self.state, "started")
        later = self.start_at is not None and self.start_at > now
        state = State.SCHEDULED if later else State.RUNNING
        started = None if later else now
        return self._now(now, state=state, variants=variants, started_at=started)

    def due(self, now: datetime) -> "Broadcast":
        """Running, now that its time has come."""
        return self._now(now, state=State.RUNNING, started_at=now)

    def paused(self, now: datetime, reason: str = "") -> "Broadcast":
        """Nothing more leaves until somebody resumes it.

        Raises:
            NotThatWay: it does not run.
        """
        if self.state not in (State.RUNNING, State.SCHEDULED):
            raise NotThatWay(self.state, "paused")
        return self._now(now, state=State.PAUSED, reason=reason, waits_for="")

    def resumed(self, now: datetime) -> "Broadcast":
        """It goes on, or waits for its time again.

        Raises:
            NotThatWay: it is not paused.
        """
        if self.state is not State.PAUSED:
            raise NotThatWay(self.state, "resumed")
        later = self.started_at is None and self.start_at is not None and self.start_at > now
        state = State.SCHEDULED if later else State.RUNNING
        started = self.started_at if later else self.started_at or now
        return self._now(now, state=state, reason="", started_at=started)

    def cancelled(self, now: datetime) -> "Broadcast":
        """Nothing more leaves, for good.

        Raises:
            NotThatWay: it has ended.
        """
        if self.state in ENDED:
            raise NotThatWay(self.state, "cancelled")
        return self._now(now, state=State.CANCELLED, reason="", waits_for="", ended_at=now)

    def completed(self, now: datetime) -> "Broadcast":
        """Nobody waits any more."""
        return self._now(now, state=State.COMPLETED, waits_for="", ended_at=now)

    def _now(self, now: datetime, **changes: Any) -> "Broadcast":
        rests = changes["state"] is State.PAUSED or changes["state"] is State.COMPLETED
        work_at = None if rests and self.prepared else now
        return replace(self, **{"work_at": work_at, **changes}, changed_at=now, version=self.version + 1)


# What slows a number down, by the platform's code: the share of its present pace that is left, and how low it may go.
BRAKES: Final[Mapping[str, tuple[float, float]]] = {
    "4": (0.5, 0.1),
    "80007": (0.5, 0.1),
    "130429": (0.7, 0.1),
    "131057": (0.5, 0.1),
    "131056": (0.9, 0.5),
    "131048": (0.2, 0.05),
}
ONCE_IN: Final = timedelta(seconds=3)
"""A brake is put on once for what comes together."""
EASED_AFTER: Final = timedelta(seconds=10)
EASED_BY: Final = 1.5
"""After ten seconds without trouble a number goes half as fast again, until it has its pace."""
CEILINGS: Final[Mapping[str, float]] = {"YELLOW": 0.5, "RED": 0.2}
"""The share of its rate that a number of this quality uses; the function `ease_brakes` has the same."""


def braked(brake: float, codes: Sequence[str]) -> tuple[float, str] | None:
    """The share of its rate that a number should use after these codes, and the hardest of them; None: unchanged."""
    hard = [(max(BRAKES[code][1], brake * BRAKES[code][0]), code) for code in codes if code in BRAKES]
    if not hard:
        return None
    lowest, code = min(hard)
    return (lowest, code) if lowest < brake else None


def variant_of(recipient_id: UUID, weights: Sequence[int]) -> int:
    """Which variant somebody gets: by their row's id, so that nobody chooses and it never changes."""
    place = recipient_id.int % (2**61 - 1) % sum(weights)
    for number, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return number
    return 0
