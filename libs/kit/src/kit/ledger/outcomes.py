"""What a call or a look comes to: plain functions of values."""

import random
from dataclasses import dataclass
from typing import Any, Final

from kit.ledger.kind import Timing
from kit.ledger.model import (
    Found,
    Look,
    NotAccepted,
    NotFound,
    Parked,
    Receipt,
    Refused,
    SettledBy,
    Status,
    Unanswered,
)

_GAVE_UP: Final = "gave-up"
_LONGEST_PARK: Final = 86_400.0  # whatever the other side says: nobody would wake a lane that is parked for years
_NOT_ANSWERED: Final = "It is not known whether this was accepted."


@dataclass(frozen=True, slots=True)
class Change:
    """What an outcome means for the effect.

    `wait` is in seconds: until it is due again (pending) or looked for (unknown). `blank` is a look that found
    nothing; `park` and `hold` are for the whole lane.
    """

    status: Status
    outcome: str
    by: SettledBy = "call"
    wait: float = 0.0
    external_id: str | None = None
    reason: str = ""
    code: str = ""
    said: str = ""
    result: Any = None
    park: float | None = None
    hold: str | None = None
    blank: bool = False


def called(came: Receipt | Exception, timing: Timing, *, attempt: int, age: float) -> Change:
    """What a call came to; `age` is in seconds since the effect was first due."""
    match came:
        case Receipt():
            return Change(Status.DONE, "done", external_id=came.external_id, said=came.said, result=came.result)
        case Refused():
            return Change(Status.REFUSED, "refused", reason=came.reason, code=came.code, said=came.said)
        case NotAccepted():
            return _postponed(came, timing, attempt=attempt, age=age)
        case Parked():
            return Change(
                Status.PENDING, "parked", reason=came.reason, code=came.code, said=came.said, hold=came.reason
            )
        case _:
            return _unanswered(came, timing)


def _postponed(came: NotAccepted, timing: Timing, *, attempt: int, age: float) -> Change:
    wait = came.retry_after if came.retry_after is not None else backoff(timing, attempt)
    park = min(wait, _LONGEST_PARK) if came.whole_lane else None
    if age + wait > timing.give_up_after:
        return Change(
            Status.REFUSED, "gave_up", reason=came.reason, code=came.code or _GAVE_UP, said=came.said, park=park
        )
    return Change(
        Status.PENDING, "not_accepted", wait=wait, reason=came.reason, code=came.code, said=came.said, park=park
    )


def _unanswered(came: Exception, timing: Timing) -> Change:
    if isinstance(came, Unanswered):
        reason, code, said = str(came), came.code, came.said
    else:
        reason, code, said = _NOT_ANSWERED, "bug", type(came).__name__
    outcome = "unanswered" if isinstance(came, Unanswered) else "failed"
    return Change(Status.UNKNOWN, outcome, wait=timing.looks_after[0], reason=reason, code=code, said=said)


def lapsed(timing: Timing) -> Change:
    """It was begun, and its worker is gone or has not come back in time."""
    return Change(Status.UNKNOWN, "lapsed", wait=timing.looks_after[0], reason=_NOT_ANSWERED, code="lapsed")


def cut_short(timing: Timing) -> Change:
    """The worker ended while the call was under way."""
    return Change(Status.UNKNOWN, "cut_short", wait=timing.looks_after[0], reason=_NOT_ANSWERED, code="cut-short")


def looked(
    came: Look | Exception,
    timing: Timing,
    *,
    looks: int,
    blanks: int,
    since_call: float,
    quiet: float,
    age: float,
    attempt: int,
) -> Change:
    """What a look came to.

    `since_call` is in seconds since the call began at the earliest, `quiet` since it began at the latest; `looks`
    counts this one, `blanks` those before it that found nothing.
    """
    if isinstance(came, Found):
        receipt = came.receipt
        return Change(
            Status.DONE, "found", "look", external_id=receipt.external_id, said=receipt.said, result=receipt.result
        )
    if isinstance(came, NotFound) and came.proven:
        return _absent(timing, age=age, attempt=attempt)
    if isinstance(came, Refused):
        return Change(Status.REFUSED, "refused", "look", reason=came.reason, code=came.code, said=came.said)
    blank = not isinstance(came, Exception)
    if blank and blanks >= 1 and timing.absent_after is not None and quiet >= timing.absent_after:
        return _absent(timing, age=age, attempt=attempt)
    said = getattr(came, "said", "")
    hold = came.reason if isinstance(came, Parked) else None
    one_more = blank and blanks == 0 and timing.absent_after is not None  # after an outage the deadline may be over
    if since_call >= timing.unconfirmed_after and not one_more:
        return Change(
            Status.UNCONFIRMED, "unconfirmed", "look", reason=_NOT_ANSWERED, code="unconfirmed", said=said, hold=hold
        )
    wait = timing.looks_after[min(looks, len(timing.looks_after) - 1)]
    if isinstance(came, NotAccepted) and came.retry_after is not None:
        wait = max(wait, came.retry_after)
    if not one_more:
        wait = min(wait, max(0.0, timing.unconfirmed_after - since_call) + 0.001)
    outcome = "not_found" if blank else "could_not_look"
    return Change(Status.UNKNOWN, outcome, "look", wait=wait, reason=_NOT_ANSWERED, said=said, blank=blank, hold=hold)


def _absent(timing: Timing, *, age: float, attempt: int) -> Change:
    wait = backoff(timing, attempt)
    if age + wait > timing.give_up_after:
        return Change(Status.REFUSED, "gave_up", "look", reason="It never arrived.", code=_GAVE_UP)
    return Change(Status.PENDING, "absent", "look", wait=wait)


def backoff(timing: Timing, attempt: int) -> float:
    """How long to wait after this attempt, jittered."""
    doubled = timing.backoff_first * 2.0 ** min(max(attempt, 1) - 1, 30)
    return min(timing.backoff_longest, doubled) * random.uniform(0.5, 1.0)


WITHDRAWN: Final = Change(Status.CANCELLED, "withdrawn", reason="It was not to be done any more.", code="withdrawn")
WITHDRAWN_UNKNOWN: Final = Change(
    Status.UNCONFIRMED, "withdrawn", "look", reason="It cannot be looked for any more.", code="withdrawn"
)
UNSENT: Final = Change(Status.PENDING, "unsent")
EXPIRED: Final = Change(
    Status.REFUSED, "expired", "expiry", reason="Its time had passed before it left.", code="expired"
)


def unprepared(timing: Timing, *, attempt: int, age: float) -> Change:
    """It could not be prepared: nothing was sent."""
    wait = backoff(timing, attempt)
    if age + wait > timing.give_up_after:
        return Change(Status.REFUSED, "gave_up", reason="It could not be prepared.", code=_GAVE_UP)
    return Change(Status.PENDING, "unprepared", wait=wait)
