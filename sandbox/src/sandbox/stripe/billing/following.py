"""What a subscription's status makes of its invoices: paid, failed, given up."""

from typing import Any

from sandbox.stripe.engine.states import ENDED, Status, after_retries, moved
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def subscription_of(world: World, invoice: Doc) -> Record | None:
    """The subscription an invoice is of."""
    parent = invoice["parent"]
    details = parent["subscription_details"] if parent else None
    return world.store.get("subscription", details["subscription"]) if details else None


def move(world: World, subscription: Record, status: Status, **changes: Any) -> None:
    """Bring a subscription into a status, and tell of it as Stripe does for that status."""
    with world.changing(subscription, _told(subscription.data["status"], status)) as data:
        data.update(changes, status=moved(data["status"], status))


def _told(before: Status, after: Status) -> str:
    if after == before:
        return "customer.subscription.updated"
    if after in ENDED:
        return "customer.subscription.deleted" if after == "canceled" else "customer.subscription.updated"
    if after == "paused":
        return "customer.subscription.paused"
    return "customer.subscription.resumed" if before == "paused" else "customer.subscription.updated"


def end(world: World, subscription: Record, reason: str | None = None) -> None:
    """Cancel at once; the event is `customer.subscription.deleted`, without what changed."""
    data = subscription.data
    at = world.now(subscription.clock)
    data["status"] = moved(data["status"], "canceled")
    data["canceled_at"] = data["canceled_at"] or at
    data["ended_at"] = at
    if reason and not data["cancellation_details"]["reason"]:
        data["cancellation_details"]["reason"] = reason
    if data["pending_update"]:
        data["pending_update"] = None
    _end_schedule(world, subscription, at)
    world.agenda.put(subscription.clock, subscription.id, None)
    world.tell("customer.subscription.deleted", subscription)


def _end_schedule(world: World, subscription: Record, at: int) -> None:
    """A subscription that is cancelled takes its schedule with it."""
    schedule = world.store.get("subscription_schedule", subscription.data["schedule"] or "")
    if schedule is not None and schedule.data["status"] == "active":
        schedule.data |= {"status": "canceled", "canceled_at": at, "current_phase": None}
        world.tell("subscription_schedule.canceled", schedule)


def paid(world: World, invoice: Record) -> None:
    """The latest invoice is paid: what was incomplete begins, what was late is active again."""
    subscription = subscription_of(world, invoice.data)
    if subscription is None or subscription.data["latest_invoice"] != invoice.id:
        return
    data = subscription.data
    if data["status"] in {"incomplete", "past_due", "unpaid"}:
        at = world.now(subscription.clock)
        running = data["trial_end"] is not None and data["trial_end"] > at
        move(world, subscription, "trialing" if running else "active")


def failed(world: World, invoice: Record) -> None:
    """A renewal or a change could not be collected; a first invoice leaves its subscription incomplete."""
    subscription = subscription_of(world, invoice.data)
    if subscription is None or subscription.data["latest_invoice"] != invoice.id:
        return
    if subscription.data["status"] in {"active", "trialing"}:
        move(world, subscription, "past_due")


def given_up(world: World, invoice: Record) -> None:
    """The last retry has failed: as the account's setting says."""
    subscription = subscription_of(world, invoice.data)
    if subscription is None or subscription.data["status"] in ENDED:
        return
    status = after_retries(world.account.after_retries)
    if status == "canceled":
        end(world, subscription, "payment_failed")
    elif subscription.data["status"] != status:
        move(world, subscription, status)


def forgiven(world: World, invoice: Record) -> None:
    """An open invoice is void or uncollectible: what was incomplete has lost its only one, what was late goes on."""
    subscription = subscription_of(world, invoice.data)
    if subscription is None or subscription.data["latest_invoice"] != invoice.id:
        return
    status = subscription.data["status"]
    if status == "incomplete":
        expire(world, subscription)
    elif status == "past_due":
        move(world, subscription, "active")


def expire(world: World, subscription: Record) -> None:
    """A first invoice was not paid within 23 hours."""
    at = world.now(subscription.clock)
    move(world, subscription, "incomplete_expired", ended_at=at, canceled_at=at)
    world.agenda.put(subscription.clock, subscription.id, None)
