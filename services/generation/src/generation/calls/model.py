"""A call of a model: what it may cost at most, what it did cost, and how it ended."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.ids import new_id


class CallStatus(StrEnum):
    """How far a call is; only `calling` is no end."""

    CALLING = "calling"
    DONE = "done"
    BROKEN = "broken"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


LEASE: Final = timedelta(minutes=5)
"""How long a call may take; longer than any deadline that a provider is given."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as a provider counted them; `cached_tokens` are those of the input that it had in its own cache."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Purpose:
    """For whom and for what a model is called."""

    organization_id: UUID
    user_id: UUID | None
    feature: str
    work_id: UUID


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one call, in millionths of a US dollar: the most that it can cost."""

    purpose: Purpose
    provider: str
    model: str
    amount: int
    lasts: timedelta = LEASE
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a call came to: its cost, and what it would have been by the plain way."""

    status: CallStatus
    cost: int
    plain: int
    usage: Usage
    milliseconds: int
    saved_by: str = ""
    code: str = ""
    compacted: int = 0
    """How much of `plain` was saved by compaction of the prompt."""


@dataclass(frozen=True, slots=True)
class Spending:
    """How a month stands, in millionths of a US dollar."""

    month: date
    spent: int
    reserved: int
    limit: int

    @property
    def left(self) -> int:
        """What may still be set aside."""
        return max(0, self.limit - self.spent - self.reserved)

    @property
    def used_up(self) -> bool:
        """Whether all of it is spent, so that nothing that costs anything needs to begin."""
        return self.left <= 0 and self.limit > 0 and self.spent >= self.limit


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What was used and spent of one thing: a day, a user, a feature, a model."""

    key: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    milliseconds: int
    cost: int
    plain: int


@dataclass(frozen=True, slots=True)
class Saving:
    """What one of the ways of saving saved, in millionths of a US dollar."""

    way: str
    calls: int
    cost: int
    plain: int


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant to before another."""

    since: datetime
    until: datetime
