"""When time will next do something to a subscription."""

from sandbox.stripe.billing import terms
from sandbox.stripe.engine.states import DAY, INCOMPLETE_FOR, TRIAL_WARNING
from sandbox.stripe.store import Record
from sandbox.stripe.world import World

UPCOMING = 7 * DAY
"""`invoice.upcoming` comes so long before a renewal."""


def plan(world: World, subscription: Record) -> None:
    """Note when time will next do something to it."""
    moments = _moments(world, subscription)
    world.agenda.put(subscription.clock, subscription.id, min((at for at in moments if at is not None), default=None))


def _moments(world: World, subscription: Record) -> list[int | None]:
    data, more = subscription.data, subscription.more
    if data["status"] in {"canceled", "incomplete_expired"}:
        return []
    if data["status"] == "incomplete":
        return [data["created"] + INCOMPLETE_FOR]
    pauses = data["pause_collection"]
    moments = [
        data["cancel_at"],
        data["pending_update"]["expires_at"] if data["pending_update"] else None,
        pauses["resumes_at"] if pauses else None,
        _phase_end(world, subscription),
    ]
    if data["status"] == "paused":
        return moments
    end = terms.period_of(data).end
    if data["status"] == "trialing" and more.get("warned") != data["trial_end"]:
        moments.append(max(data["trial_end"] - TRIAL_WARNING, data["created"]))
    if more.get("upcoming") != end and data["cancel_at"] is None and end - UPCOMING > terms.period_of(data).start:
        moments.append(end - UPCOMING)
    return [*moments, end]


def _phase_end(world: World, subscription: Record) -> int | None:
    """When the running phase of its schedule ends."""
    schedule = world.store.get("subscription_schedule", subscription.data["schedule"] or "")
    running = schedule.data["current_phase"] if schedule else None
    return running["end_date"] if running else None
