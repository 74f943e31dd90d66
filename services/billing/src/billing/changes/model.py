"""What may be changed of a subscription, and what becomes of it: plain functions of values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from billing.catalogue.catalogue import Catalogue
from billing.catalogue.model import Interval, Plan, Price
from billing.changes.errors import (
    NothingToChange,
    NotSold,
    PreviewTooOld,
    SeatsInUse,
    SubscriptionNotChangeable,
)
from billing.subscriptions.model import CHANGEABLE, Offer, State, Subscription
from contracts.names import PLANS

PREVIEW_GOOD_FOR: Final = timedelta(hours=1)
"""How long a change is charged as it was previewed."""


class Action(StrEnum):
    """What is asked for.

    `switch`: another plan, interval or number of seats. `cancel`: end with the period. `keep`: whatever was to change
    (the end, a switch at the end of the period, one that is not paid yet) does not. `pause` and `unpause` stop and
    start collecting.
    """

    SWITCH = "switch"
    CANCEL = "cancel"
    KEEP = "keep"
    PAUSE = "pause"
    UNPAUSE = "unpause"


class When(StrEnum):
    """When a switch takes effect: at once, with what that costs or gives back, or when the period ends."""

    NOW = "now"
    PERIOD_END = "period_end"


class ChangeState(StrEnum):
    """Where a change stands.

    `pending` is on its way to Stripe; `scheduled` will happen at the end of the period; `requires_action` waits for a
    payment that the payer must confirm or make with another card, and lapses when that does not come. `applied`,
    `refused`, `superseded` and `lapsed` are ends.
    """

    PENDING = "pending"
    SCHEDULED = "scheduled"
    REQUIRES_ACTION = "requires_action"
    APPLIED = "applied"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"


NEXT: Final[Mapping[ChangeState, frozenset[ChangeState]]] = MappingProxyType(
    {
        ChangeState.PENDING: frozenset(ChangeState) - {ChangeState.PENDING, ChangeState.LAPSED},
        ChangeState.SCHEDULED: frozenset({ChangeState.APPLIED, ChangeState.SUPERSEDED}),
        ChangeState.REQUIRES_ACTION: frozenset({ChangeState.APPLIED, ChangeState.LAPSED, ChangeState.SUPERSEDED}),
        **dict.fromkeys(
            (ChangeState.APPLIED, ChangeState.REFUSED, ChangeState.SUPERSEDED, ChangeState.LAPSED), frozenset()
        ),
    }
)
"""What may follow upon what."""

_ALLOWED: Final[Mapping[Action, frozenset[State]]] = MappingProxyType(
    {
        Action.SWITCH: CHANGEABLE,
        Action.CANCEL: frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE, State.RESTRICTED, State.PAUSED}),
        Action.KEEP: frozenset(State) - {State.INCOMPLETE, State.ENDED},
        Action.PAUSE: frozenset({State.ACTIVE}),
        Action.UNPAUSE: frozenset({State.PAUSED}),
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for; what is None stays as it is."""

    plan: str | None = None
    interval: Interval | None = None
    seats: int | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a change starts from at Stripe, as it was when it was asked for.

    It is kept with the change: whoever carries it out, and however often, sends the same parameters under the same
    idempotency key.
    """

    subscription: str
    customer: str
    plan_item: str
    seat_item: str | None
    schedule: str | None
    status: str
    interval: str
    period_end: int
    plan_price: str | None = None
    seat_price: str | None = None
    pending_invoice: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a subscription; its id is what its idempotency keys are made of."""

    id: UUID
    organization_id: UUID
    subscription_id: UUID
    action: Action
    state: ChangeState
    basis: Basis
    created_at: datetime
    target: Offer | None = None
    when: When | None = None
    proration_at: datetime | None = None
    currency: str = ""
    total: int | None = None
    amount_due: int | None = None
    invoice_id: str | None = None
    expires_at: datetime | None = None
    reason: str = ""
    code: str = ""
    read_from: int | None = None
    version: int = 1

    @property
    def open(self) -> bool:
        """Whether something may still come of it."""
        return bool(NEXT[self.state])


def check(action: Action, subscription: Subscription) -> None:
    """See to it that a subscription in this state may be changed so.

    Raises:
        SubscriptionNotChangeable: it may not.
    """
    if subscription.state not in _ALLOWED[action]:
        raise SubscriptionNotChangeable(state=subscription.state.value, action=action.value)


def target_of(
    wanted: Wanted, subscription: Subscription, catalogue: Catalogue, now: datetime, seats_used: int
) -> tuple[Offer, When]:
    """What a switch leads to, and when.

    Who changes plan or interval gets both as they are sold now; who only changes seats keeps what was bought. A step
    down is due when the period ends unless somebody wants it at once. Members who leave do not make the seats
    fewer; the seats can be made fewer down to those that are taken.

    Raises:
        SubscriptionNotChangeable, NotSold, SeatsInUse, NothingToChange: it cannot be switched to this.
    """
    check(Action.SWITCH, subscription)
    has = subscription.seen.offer
    plan, interval = wanted.plan or has.plan, wanted.interval or has.interval
    same = plan == has.plan and interval == has.interval
    version = has.version if same else catalogue.in_force(now).number
    target = Offer(plan, version, interval, has.currency, has.seats if wanted.seats is None else wanted.seats)
    sold = _sold(target, catalogue)
    if sold.seats_included + target.seats < seats_used:
        raise SeatsInUse(used=seats_used, offered=sold.seats_included + target.seats)
    if target == has:
        raise NothingToChange
    return target, wanted.when or (When.PERIOD_END if is_less(target, has) else When.NOW)


def is_less(target: Offer, has: Offer) -> bool:
    """Whether it is a step down: to a lower plan, fewer seats, or from yearly to monthly payment."""
    if target.plan != has.plan:
        return has.plan in PLANS and PLANS.index(target.plan) < PLANS.index(has.plan)
    if target.interval != has.interval:
        return target.interval is Interval.MONTH
    return target.seats < has.seats


def prices_of(offer: Offer, catalogue: Catalogue) -> tuple[Price, Price | None]:
    """The prices of the plan and of its seats, if any are bought.

    Raises:
        NotSold: there is no such price.
    """
    plan = _sold(offer, catalogue)
    price = plan.price(offer.interval, offer.currency)
    seat = plan.price(offer.interval, offer.currency, seat=True)
    if price is None or (offer.seats and seat is None):
        raise NotSold(plan=offer.plan)
    return price, seat if offer.seats else None


def amount_of(offer: Offer, catalogue: Catalogue) -> int:
    """What a period costs before taxes and discounts, in the currency's smallest unit."""
    price, seat = prices_of(offer, catalogue)
    return price.amount + (0 if seat is None else seat.amount * offer.seats)


def _sold(offer: Offer, catalogue: Catalogue) -> Plan:
    plan = catalogue.plan(offer.plan, offer.version)
    if plan is None or not plan.sold:
        raise NotSold(plan=offer.plan)
    return plan


def prorated_at(asked: datetime | None, subscription: Subscription, now: datetime) -> datetime:
    """The instant from which a switch is charged, in whole seconds: that of the preview, or now.

    Raises:
        PreviewTooOld: the preview was of another period, of the future, or is older than an hour.
    """
    if asked is None:
        return max(now.replace(microsecond=0), subscription.seen.period_start)
    at = asked.replace(microsecond=0)
    if not (now - PREVIEW_GOOD_FOR <= at <= now and subscription.seen.period_start <= at):
        raise PreviewTooOld
    return at


def settled_by_reading(change: Change, subscription: Subscription, ticket: int, now: datetime) -> ChangeState:
    """What becomes of an open change when its subscription has been read, under this ticket.

    A reading that was begun before the change had reached Stripe says nothing of it.
    """
    if change.read_from is None or ticket < change.read_from:
        return change.state
    seen = subscription.seen
    arrived = change.target is not None and seen.offer == change.target and seen.pending_until is None
    match change.state:
        case ChangeState.REQUIRES_ACTION | ChangeState.SCHEDULED if arrived:
            return ChangeState.APPLIED
        case ChangeState.REQUIRES_ACTION if seen.pending_until is None:
            over = change.expires_at is not None and change.expires_at <= now
            return ChangeState.LAPSED if over else ChangeState.SUPERSEDED
        case ChangeState.SCHEDULED if seen.schedule_id is None or not subscription.live:
            return ChangeState.SUPERSEDED
    return change.state


def basis_of(values: Mapping[str, Any]) -> Basis:
    """A basis as it was kept."""
    return Basis(**values)
