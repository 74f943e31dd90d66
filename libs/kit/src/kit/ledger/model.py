"""The words of the ledger: lanes, effects, what a call may come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from kit.ids import new_id


class Status(StrEnum):
    """Where an effect stands.

    `pending` waits for its time; `calling` is with a worker; `unknown` may or may not have happened and is being
    looked for; `done`, `refused` and `cancelled` are ends; `unconfirmed` is the end of a search that decided nothing:
    a person must look, and nobody repeats it automatically.
    """

    PENDING = "pending"
    CALLING = "calling"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Lane:
    """What shares one pace: an organization's key, such as one connected account or one sender number.

    `rate` is what the other side allows in calls per second; the ledger keeps 1 to 2 % below it. Without a rate the
    lane is not paced, but still takes turns with others. The rate given last counts for the whole lane.
    """

    organization_id: UUID | None
    key: str
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to be done outside: `subject_id` names the row it is about, at most one effect per kind and subject.

    Without `due_at` it is due at once. What is still pending at `expires_at` is refused with the code `expired`.
    """

    kind: str
    lane: Lane
    subject_id: UUID
    due_at: datetime | None = None
    expires_at: datetime | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """An effect as a worker holds it; `attempt` is the fence, `called_at` when the present attempt began."""

    id: UUID
    kind: str
    organization_id: UUID | None
    lane_key: str
    subject_id: UUID
    attempt: int
    due_at: datetime
    created_at: datetime
    called_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took it. `result` is handed to `record` in memory and is not stored by the ledger."""

    external_id: str | None = None
    said: str = ""
    result: Any = None


class Refused(Exception):
    """The other side said no for good; `reason` is in plain words for a user, without personal data."""

    def __init__(self, reason: str, *, code: str = "", said: str = "") -> None:
        super().__init__(reason)
        self.reason, self.code, self.said = reason, code, said


class NotAccepted(Exception):
    """Proven not accepted: it may be tried again after `retry_after` seconds, or after a jittered back-off.

    `whole_lane` parks every effect of the lane for that long (the limit is the account's, not the message's).
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str = "",
        said: str = "",
        retry_after: float | None = None,
        whole_lane: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.code, self.said = reason, code, said
        self.retry_after, self.whole_lane = retry_after, whole_lane


class Parked(Exception):
    """Proven not accepted, and nothing on this lane will be until somebody acts (a dead token, an unpaid account).

    The effect waits and the lane is held with this reason until `Ledger.release`.
    """

    def __init__(self, reason: str, *, code: str = "", said: str = "") -> None:
        super().__init__(reason)
        self.reason, self.code, self.said = reason, code, said


class Unanswered(Exception):
    """Sent, and nobody knows: never repeated before looking."""

    def __init__(self, reason: str, *, code: str = "", said: str = "") -> None:
        super().__init__(reason)
        self.reason, self.code, self.said = reason, code, said


@dataclass(frozen=True, slots=True)
class Found:
    """A look has found the effect."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NotFound:
    """A look has not found it; whether that proves anything is a matter of `Timing.absent_after`.

    `proven` says that the other side has told for certain that it did not happen and can no more happen by that call,
    as an upload session does that it still waits for: then nothing is waited for.
    """

    said: str = ""
    proven: bool = False


Look = Found | NotFound
"""What came of a look. One that could not look raises NotAccepted or Unanswered and is repeated; one that learns of a
no raises Refused."""

SettledBy = Literal["call", "look", "report", "person", "expiry"]
"""Who settled it: the call itself, a look, a report from outside (a webhook), an operator, or the passing of time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A change of status, handed to `Kind.record` in the commit that makes it.

    `status` is pending when the effect was postponed (`due_at` says until when) or parked.
    """

    entry: Entry
    status: Status
    by: SettledBy
    at: datetime
    due_at: datetime
    external_id: str | None = None
    reason: str = ""
    code: str = ""
    result: Any = None


@dataclass(frozen=True, slots=True)
class State:
    """Where an effect stands, for those who show it."""

    subject_id: UUID
    status: Status
    attempt: int
    due_at: datetime
    external_id: str | None
    reason: str
    code: str
    held: str | None
    """Why its lane is held, if it is."""
    parked_until: datetime | None
    """Until when its lane is parked, if it is, and why: what another effect of the lane was answered."""
    parked_reason: str
    parked_code: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call or look as it was recorded; `said` are the other side's words, redacted, at most 1,000 characters."""

    number: int
    what: Literal["call", "look"]
    started_at: datetime
    seconds: float
    outcome: str
    code: str
    said: str


Works = Mapping[UUID, Any]
