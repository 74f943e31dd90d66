from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from billing.catalogue.model import Interval
from billing.subscriptions.model import Offer, Seen, State, Subscription
from kit.db.database import Row, Transaction

_COLUMNS: Final = """
    id, organization_id, stripe_subscription_id, stripe_customer_id, stripe_item_id, stripe_seat_item_id,
    stripe_schedule_id, stripe_created_at, status, state, plan, catalogue_version, billed_every, currency, seats,
    period_start, period_end, started_at,
    trial_ends_at, cancel_at, ended_at, end_reason, collection_paused, past_due_since, pending_until, version
"""


@dataclass(frozen=True, slots=True)
class SubscriptionRepository:
    """The mirror of the subscriptions of the transaction's organization."""

    tx: Transaction

    async def lock(self, stripe_id: str) -> Subscription | None:
        """The subscription, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM subscriptions WHERE organization_id = $1 AND stripe_subscription_id = $2
            FOR NO KEY UPDATE
            """,  # noqa: S608 - a constant; values travel as parameters
            self.tx.organization_id,
            stripe_id,
        )
        return None if row is None else _subscription(row)

    async def save(self, subscription: Subscription) -> None:
        """Write a subscription, new or changed."""
        seen = subscription.seen
        await self.tx.execute(
            f"""
            INSERT INTO subscriptions ({_COLUMNS}, grace_until)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                    $22, $23, $24, $25, $26, $27)
            ON CONFLICT (id) DO UPDATE SET
                stripe_item_id = excluded.stripe_item_id, stripe_seat_item_id = excluded.stripe_seat_item_id,
                stripe_schedule_id = excluded.stripe_schedule_id, status = excluded.status, state = excluded.state,
                plan = excluded.plan, catalogue_version = excluded.catalogue_version,
                billed_every = excluded.billed_every, currency = excluded.currency,
                seats = excluded.seats, period_start = excluded.period_start, period_end = excluded.period_end,
                started_at = excluded.started_at, trial_ends_at = excluded.trial_ends_at,
                cancel_at = excluded.cancel_at, ended_at = excluded.ended_at, end_reason = excluded.end_reason,
                collection_paused = excluded.collection_paused, past_due_since = excluded.past_due_since,
                pending_until = excluded.pending_until, version = excluded.version,
                grace_until = excluded.grace_until, changed_at = kit_now()
            """,  # noqa: S608
            subscription.id,
            subscription.organization_id,
            seen.stripe_id,
            seen.customer_id,
            seen.plan_item,
            seen.seat_item,
            seen.schedule_id,
            seen.created_at,
            seen.status,
            subscription.state.value,
            seen.offer.plan,
            seen.offer.version,
            seen.offer.interval,
            seen.offer.currency,
            seen.offer.seats,
            seen.period_start,
            seen.period_end,
            seen.started_at,
            seen.trial_ends_at,
            seen.cancel_at,
            seen.ended_at,
            seen.end_reason,
            seen.paused,
            seen.past_due_since,
            seen.pending_until,
            subscription.version,
            seen.grace_until,
        )

    async def current(self) -> Subscription | None:
        """The subscription that goes on, the latest if there are several, else the one that ended last."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM subscriptions WHERE organization_id = $1
            ORDER BY state = 'ended', state = 'incomplete', started_at DESC, id DESC LIMIT 1
            """,  # noqa: S608
            self.tx.organization_id,
        )
        return None if row is None else _subscription(row)

    async def find(self, subscription_id: UUID) -> Subscription | None:
        """One subscription."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM subscriptions WHERE organization_id = $1 AND id = $2",  # noqa: S608
            self.tx.organization_id,
            subscription_id,
        )
        return None if row is None else _subscription(row)

    async def by_stripe_ids(self, stripe_ids: Collection[str]) -> Mapping[str, Subscription]:
        """Those of these, by Stripe's id."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscriptions WHERE organization_id = $1 AND stripe_subscription_id = ANY ($2)
            """,  # noqa: S608
            self.tx.organization_id,
            list(stripe_ids),
        )
        return {row["stripe_subscription_id"]: _subscription(row) for row in rows}

    async def not_ended(self) -> Sequence[Subscription]:
        """All that go on; a customer who paid twice has two."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscriptions WHERE organization_id = $1 AND state <> 'ended'
            ORDER BY started_at, id LIMIT 100
            """,  # noqa: S608
            self.tx.organization_id,
        )
        return [_subscription(row) for row in rows]

    async def over_grace(self) -> Sequence[Subscription]:
        """Those whose grace is over, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscriptions
            WHERE organization_id = $1 AND state = 'past_due' AND grace_until <= kit_now()
            ORDER BY id FOR NO KEY UPDATE
            """,  # noqa: S608
            self.tx.organization_id,
        )
        return [_subscription(row) for row in rows]

    async def tell_ending_trials(self, within: timedelta) -> Sequence[Subscription]:
        """Mark the trials that end within this time as told of, and return them."""
        rows = await self.tx.fetch(
            f"""
            UPDATE subscriptions SET trial_ending_told_at = kit_now()
            WHERE organization_id = $1 AND trial_ending_told_at IS NULL AND status = 'trialing'
              AND trial_ends_at <= kit_now() + $2
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            self.tx.organization_id,
            within,
        )
        return [_subscription(row) for row in rows]

    async def with_ended_grace(self, at_most: int) -> list[UUID]:
        """Organizations, of whatever tenant, in which somebody's grace is over that nobody has acted upon."""
        rows = await self.tx.fetch("SELECT organization_id FROM organizations_with_ended_grace($1)", at_most)
        return [row["organization_id"] for row in rows]

    async def with_ending_trials(self, within: timedelta, at_most: int) -> list[UUID]:
        """Organizations, of whatever tenant, with a trial that ends within this time and was not told of."""
        rows = await self.tx.fetch(
            "SELECT organization_id FROM organizations_with_ending_trials($1, $2)", within, at_most
        )
        return [row["organization_id"] for row in rows]

    async def now(self) -> datetime:
        """The time of this transaction."""
        at: datetime = await self.tx.fetchval("SELECT kit_now()")
        return at


def _subscription(row: Row) -> Subscription:
    held: dict[str, Any] = dict(row)
    return Subscription(
        id=held["id"],
        organization_id=held["organization_id"],
        seen=Seen(
            stripe_id=held["stripe_subscription_id"],
            customer_id=held["stripe_customer_id"],
            plan_item=held["stripe_item_id"],
            seat_item=held["stripe_seat_item_id"],
            status=held["status"],
            offer=Offer(
                held["plan"],
                held["catalogue_version"],
                Interval(held["billed_every"]),
                held["currency"],
                held["seats"],
            ),
            period_start=held["period_start"],
            period_end=held["period_end"],
            created_at=held["stripe_created_at"],
            started_at=held["started_at"],
            trial_ends_at=held["trial_ends_at"],
            cancel_at=held["cancel_at"],
            ended_at=held["ended_at"],
            end_reason=held["end_reason"],
            paused=held["collection_paused"],
            past_due_since=held["past_due_since"],
            schedule_id=held["stripe_schedule_id"],
            pending_until=held["pending_until"],
        ),
        state=State(held["state"]),
        version=held["version"],
    )
