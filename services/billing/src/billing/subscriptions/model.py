"""A subscription as we follow it: what Stripe says of it, the state that this means, and the facts of a change.

All of it are functions of values. What Stripe says is a snapshot; the state follows from the newest snapshot and the
time alone, never from the way there, so it does not matter in which order, how often and how late we heard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from billing.catalogue.model import Interval

GRACE: Final = timedelta(days=7)
"""How long an organization keeps what it pays for after a payment was due and failed."""

TRIAL_ENDING: Final = timedelta(days=3)
"""How long before its end a trial is said to be ending; the same as Stripe's own notice."""

UNKNOWN_PLAN: Final = "unknown"
"""The plan of a price that the catalogue does not know; it grants nothing."""


class State(StrEnum):
    """Where a subscription stands.

    `incomplete`: the first payment has not succeeded, nothing is granted. `cancelling`: it goes on until `cancel_at`.
    `past_due`: a payment failed, everything is still granted until `grace_until`. `restricted`: that time is over, or
    Stripe gave up, and the organization is on the free plan until it pays. `paused`: nothing is collected and nothing
    granted. `ended` is the end: a new subscription is another row.
    """

    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    RESTRICTED = "restricted"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    ENDED = "ended"


GRANTING: Final = frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE, State.CANCELLING})
"""The states in which the organization may use what the plan grants."""

CHANGEABLE: Final = frozenset({State.TRIALING, State.ACTIVE, State.CANCELLING})
"""The states in which plan, interval and seats may be changed."""

NEXT: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.INCOMPLETE: frozenset({State.TRIALING, State.ACTIVE, State.ENDED}),
        State.TRIALING: frozenset({State.ACTIVE, State.PAST_DUE, State.PAUSED, State.CANCELLING, State.ENDED}),
        State.ACTIVE: frozenset({State.PAST_DUE, State.PAUSED, State.CANCELLING, State.ENDED}),
        State.PAST_DUE: frozenset({State.ACTIVE, State.CANCELLING, State.PAUSED, State.RESTRICTED, State.ENDED}),
        State.RESTRICTED: frozenset({State.ACTIVE, State.CANCELLING, State.PAUSED, State.ENDED}),
        State.PAUSED: frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE, State.CANCELLING, State.ENDED}),
        State.CANCELLING: frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE, State.PAUSED, State.ENDED}),
        State.ENDED: frozenset(),
    }
)
"""The machine, as drawn in the README. Stripe is read at moments, so a step may be skipped, but none turned back."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is bought: a plan as a version of the catalogue has it, its payment, and seats beside those included."""

    plan: str
    version: int
    interval: Interval
    currency: str
    seats: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What Stripe says of a subscription, as far as we follow it.

    The period is half open: `period_start` belongs to it, `period_end` to the next one. Both are instants that Stripe
    has computed (a subscription of 31 January goes on 28 February and 31 March); a zone is for showing them only.
    `past_due_since` is when the oldest invoice that is still open was issued.
    """

    stripe_id: str
    customer_id: str
    plan_item: str
    seat_item: str | None
    status: str
    offer: Offer
    period_start: datetime
    period_end: datetime
    created_at: datetime
    started_at: datetime
    trial_ends_at: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    paused: bool = False
    past_due_since: datetime | None = None
    schedule_id: str | None = None
    pending_until: datetime | None = None

    @property
    def started(self) -> bool:
        """Whether it has ever run; one whose first payment never succeeded has not."""
        return self.status not in ("incomplete", "incomplete_expired")

    @property
    def grace_until(self) -> datetime | None:
        """Until when everything is granted although a payment failed."""
        return self.past_due_since + GRACE if self.past_due_since is not None else None


_PLAIN: Final[Mapping[str, State]] = MappingProxyType(
    {
        "canceled": State.ENDED,
        "incomplete_expired": State.ENDED,
        "incomplete": State.INCOMPLETE,
        "unpaid": State.RESTRICTED,
        "paused": State.PAUSED,
    }
)


def state_of(seen: Seen, now: datetime) -> State:
    """The state that a snapshot means at this time; what is worst for the customer counts first."""
    if seen.status in _PLAIN:
        return _PLAIN[seen.status]
    if seen.status == "past_due":
        over = seen.grace_until is not None and seen.grace_until <= now
        return State.RESTRICTED if over else State.PAST_DUE
    if seen.paused:
        return State.PAUSED
    if seen.cancel_at is not None:
        return State.CANCELLING
    return State.TRIALING if seen.status == "trialing" else State.ACTIVE


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription of an organization; `version` rises with every change of what is seen or of its state."""

    id: UUID
    organization_id: UUID
    seen: Seen
    state: State
    version: int

    @property
    def granted(self) -> Offer | None:
        """What the organization may use because of it; nothing, where it grants nothing."""
        return self.seen.offer if self.state in GRANTING else None

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.state is not State.ENDED

    def follow(self, seen: Seen, now: datetime) -> "Subscription":
        """The subscription after this snapshot; the same one when nothing has changed."""
        state = state_of(seen, now)
        if seen == self.seen and state is self.state:
            return self
        return replace(self, seen=seen, state=state, version=self.version + 1)


def begun(subscription_id: UUID, organization_id: UUID, seen: Seen, now: datetime) -> Subscription:
    """A subscription that is seen for the first time."""
    return Subscription(subscription_id, organization_id, seen, state_of(seen, now), 1)


class Change(StrEnum):
    """What there is to tell of the way from one snapshot to the next."""

    STARTED = "started"
    TRIAL_STARTED = "trial_started"
    CHANGED = "changed"
    RENEWED = "renewed"
    PAST_DUE = "past_due"
    RESTRICTED = "restricted"
    RECOVERED = "recovered"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLING = "cancelling"
    KEPT = "kept"
    ENDED = "ended"


_OWING: Final = frozenset({State.PAST_DUE, State.RESTRICTED})


def changes(before: Subscription | None, after: Subscription) -> tuple[Change, ...]:
    """What happened between two snapshots, in the order in which it is told; of what never started, nothing."""
    if not after.seen.started:
        return ()
    if before is None or not before.seen.started:
        trial = (Change.TRIAL_STARTED,) if after.seen.status == "trialing" else ()
        return (Change.STARTED, *trial, *_moved(_as_if_fresh(after), after))
    return _moved(before, after)


def _as_if_fresh(after: Subscription) -> Subscription:
    """The same subscription on its first day, with nothing having happened to it."""
    seen = replace(after.seen, cancel_at=None, ended_at=None)
    return replace(after, seen=seen, state=State.ACTIVE)


def _moved(before: Subscription, after: Subscription) -> tuple[Change, ...]:
    told: list[Change] = []
    if before.seen.offer != after.seen.offer:
        told.append(Change.CHANGED)
    if after.seen.period_start > before.seen.period_start:
        told.append(Change.RENEWED)
    if after.state is State.ENDED:
        return (*told, Change.ENDED) if before.state is not State.ENDED else tuple(told)
    told += _owed(before.state, after.state)
    if after.state is State.PAUSED and before.state is not State.PAUSED:
        told.append(Change.PAUSED)
    if before.state is State.PAUSED and after.state is not State.PAUSED:
        told.append(Change.RESUMED)
    if after.seen.cancel_at is not None and after.seen.cancel_at != before.seen.cancel_at:
        told.append(Change.CANCELLING)
    if after.seen.cancel_at is None and before.seen.cancel_at is not None:
        told.append(Change.KEPT)
    return tuple(told)


def _owed(before: State, after: State) -> list[Change]:
    if after is State.PAST_DUE and before is not State.PAST_DUE:
        return [Change.PAST_DUE]
    if after is State.RESTRICTED and before is not State.RESTRICTED:
        return [Change.RESTRICTED]
    return [Change.RECOVERED] if before in _OWING and after not in _OWING else []
