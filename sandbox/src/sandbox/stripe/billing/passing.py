"""What time does to a subscription: trials end, periods end, what is cancelled ends, what was not paid expires."""

from sandbox.stripe.billing import changing, following, invoicing, moments, payments, schedules, settling, terms
from sandbox.stripe.engine.states import TRIAL_WARNING
from sandbox.stripe.store import Record
from sandbox.stripe.world import World


def look_at(world: World, subscription: Record) -> None:
    """Its moment has come: all that is due at it is done, in Stripe's order."""
    now, data = world.now(subscription.clock), subscription.data
    if data["status"] == "incomplete":
        _expire(world, subscription)
        return
    pauses, pending = data["pause_collection"], data["pending_update"]
    if pending and pending["expires_at"] <= now:
        changing.drop_pending(world, subscription)
    if pauses and pauses["resumes_at"] and pauses["resumes_at"] <= now:
        with world.changing(subscription, "customer.subscription.updated"):
            data["pause_collection"] = None
    if data["cancel_at"] is not None and data["cancel_at"] <= now:
        _cancel(world, subscription)
        return
    _warn(world, subscription, now)
    schedules.step(world, subscription)
    if data["status"] not in {"paused", "canceled"} and terms.period_of(data).end <= now:
        _turn(world, subscription)
    if data["status"] != "canceled":
        moments.plan(world, subscription)


def _expire(world: World, subscription: Record) -> None:
    """The first invoice was not paid in time; it is void then."""
    invoice = world.store.get("invoice", subscription.data["latest_invoice"] or "")
    if invoice is not None and invoice.data["status"] == "open":
        settling.void(world, invoice)
    else:
        following.expire(world, subscription)


def _cancel(world: World, subscription: Record) -> None:
    """The end that was asked for; what waits is invoiced a last time."""
    held = [one for one in invoicing.waiting(world, subscription) if one.data["parent"]]
    if held:
        invoicing.final(world, subscription, held)
    following.end(world, subscription, "cancellation_requested")


def _warn(world: World, subscription: Record, now: int) -> None:
    data, more = subscription.data, subscription.more
    warns = data["status"] == "trialing" and more.get("warned") != data["trial_end"]
    if warns and data["trial_end"] - TRIAL_WARNING <= now < data["trial_end"]:
        more["warned"] = data["trial_end"]
        world.tell("customer.subscription.trial_will_end", subscription)
    end = terms.period_of(data).end
    if data["cancel_at"] is None and more.get("upcoming") != end and end - moments.UPCOMING <= now < end:
        more["upcoming"] = end
        told = {name: value for name, value in invoicing.upcoming(world, subscription).data.items() if name != "id"}
        world.tell_of("invoice.upcoming", {"object": told}, clock=subscription.clock)


def _turn(world: World, subscription: Record) -> None:
    """A period has ended, and with it perhaps the trial."""
    data = subscription.data
    if data["status"] == "trialing" and data["trial_end"] <= world.now(subscription.clock):
        missing = data["trial_settings"]["end_behavior"]["missing_payment_method"]
        if missing != "create_invoice" and payments.method_for(world, data) is None:
            if missing == "cancel":
                following.end(world, subscription, "payment_failed")
            else:
                following.move(world, subscription, "paused")
            return
    _renew(world, subscription)


def _renew(world: World, subscription: Record) -> None:
    """The next period begins, and an invoice for it."""
    data = subscription.data
    draft = invoicing.upcoming(world, subscription)
    next_period = invoicing.next_period(subscription)
    with world.changing(subscription, "customer.subscription.updated"):
        for item in terms.items_of(data):
            item |= {"current_period_start": next_period.start, "current_period_end": next_period.end}
        if data["status"] == "trialing":
            data["status"] = "active"
        data["latest_invoice"] = draft.data["id"]
    invoicing.keep(world, subscription, draft, waits=True)
