"""The facts by which the other services, partners and browsers hear of a subscription."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from billing.subscriptions.model import Change, Subscription
from contracts.billing import (
    SubscriptionCancelling,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionKept,
    SubscriptionPastDue,
    SubscriptionPaused,
    SubscriptionRecovered,
    SubscriptionRenewed,
    SubscriptionRestricted,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionTrialStarted,
)
from contracts.event import Event


def facts(changes: Sequence[Change], after: Subscription) -> list[Event]:
    """One fact for each change."""
    return [_FACTS[change](after) for change in changes]


def _it(after: Subscription) -> dict[str, Any]:
    return {"subscription_id": after.id, "version": after.version}


def _offer(after: Subscription) -> dict[str, Any]:
    offer = after.seen.offer
    return {"plan": offer.plan, "interval": offer.interval.value, "currency": offer.currency, "seats": offer.seats}


def _trial(after: Subscription) -> Event:
    ends_at = after.seen.trial_ends_at or after.seen.period_end
    return SubscriptionTrialStarted(**_it(after), plan=after.seen.offer.plan, trial_ends_at=ends_at)


def _renewed(after: Subscription) -> Event:
    seen = after.seen
    return SubscriptionRenewed(**_it(after), period_start=seen.period_start, period_end=seen.period_end)


def _past_due(after: Subscription) -> Event:
    return SubscriptionPastDue(**_it(after), grace_until=after.seen.grace_until or after.seen.period_end)


def _cancelling(after: Subscription) -> Event:
    return SubscriptionCancelling(**_it(after), ends_at=after.seen.cancel_at or after.seen.period_end)


def _ended(after: Subscription) -> Event:
    seen = after.seen
    return SubscriptionEnded(
        **_it(after), reason=seen.end_reason or "unknown", ended_at=seen.ended_at or seen.period_end
    )


_FACTS: Final[Mapping[Change, Callable[[Subscription], Event]]] = {
    Change.STARTED: lambda after: SubscriptionStarted(**_it(after), **_offer(after)),
    Change.TRIAL_STARTED: _trial,
    Change.CHANGED: lambda after: SubscriptionChanged(**_it(after), **_offer(after)),
    Change.RENEWED: _renewed,
    Change.PAST_DUE: _past_due,
    Change.RESTRICTED: lambda after: SubscriptionRestricted(**_it(after)),
    Change.RECOVERED: lambda after: SubscriptionRecovered(**_it(after)),
    Change.PAUSED: lambda after: SubscriptionPaused(**_it(after)),
    Change.RESUMED: lambda after: SubscriptionResumed(**_it(after)),
    Change.CANCELLING: _cancelling,
    Change.KEPT: lambda after: SubscriptionKept(**_it(after)),
    Change.ENDED: _ended,
}
