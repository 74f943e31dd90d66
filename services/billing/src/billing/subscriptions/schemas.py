from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from billing.subscriptions.model import Subscription
from kit.http.models import Out


class SubscriptionOut(Out):
    """What an organization has subscribed to. Times are instants; the console shows them in the reader's zone."""

    id: UUID
    state: Literal["incomplete", "trialing", "active", "past_due", "restricted", "paused", "cancelling", "ended"]
    plan: str
    interval: Literal["month", "year"]
    currency: str
    seats: int = Field(description="Seats beside those that the plan includes. Members who leave do not lower it.")
    period_start: datetime = Field(description="The first instant of the period.")
    period_end: datetime = Field(description="The first instant of the next one.")
    started_at: datetime
    trial_ends_at: datetime | None
    cancel_at: datetime | None = Field(description="When it ends, if it is to end.")
    grace_until: datetime | None = Field(description="While it is past due: from when on less may be used.")
    ended_at: datetime | None
    version: int

    @classmethod
    def of(cls, subscription: Subscription) -> "SubscriptionOut":
        """As it is shown."""
        seen = subscription.seen
        return cls(
            id=subscription.id,
            state=subscription.state.value,
            plan=seen.offer.plan,
            interval=seen.offer.interval.value,
            currency=seen.offer.currency,
            seats=seen.offer.seats,
            period_start=seen.period_start,
            period_end=seen.period_end,
            started_at=seen.started_at,
            trial_ends_at=seen.trial_ends_at,
            cancel_at=seen.cancel_at,
            grace_until=seen.grace_until,
            ended_at=seen.ended_at,
            version=subscription.version,
        )
