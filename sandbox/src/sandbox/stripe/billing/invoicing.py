"""A subscription's invoices: of what waits, of a change, of a renewal; and what the next one will be."""

from collections.abc import Iterable, Sequence

from sandbox.stripe.billing import drafting, phases, settling, terms
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine.periods import Period, period_at
from sandbox.stripe.store import Record
from sandbox.stripe.world import World


def waiting(world: World, subscription: Record) -> list[Record]:
    """The invoice items that the next invoice of the subscription takes."""
    data = subscription.data
    return drafting.pending(world, data["customer"], subscription.id, data["currency"])


def draft(
    world: World,
    subscription: Record,
    seeds: Iterable[Seed],
    reason: str,
    *,
    period: Period | None = None,
    at: int | None = None,
) -> drafting.Draft:
    """An invoice of the subscription's that nobody has kept yet."""
    data = subscription.data
    customer = world.need("customer", data["customer"])
    return drafting.draft(
        world, customer, seeds, reason=reason, currency=data["currency"], subscription=data, period=period, at=at
    )


def keep(world: World, subscription: Record, made: drafting.Draft, *, waits: bool = False) -> Record:
    """Keep a draft as the subscription's latest invoice; while collection is paused it ends as the pause says."""
    data = subscription.data
    pauses = data["pause_collection"]
    advances = data["status"] != "unpaid" and (pauses is None or pauses["behavior"] != "keep_as_draft")
    invoice = drafting.keep(world, made, subscription.clock, auto_advance=advances, waits=waits and pauses is None)
    invoice.more["days_until_due"] = data["days_until_due"] or 30
    terms.note_debits(world, invoice)
    data["latest_invoice"] = invoice.id
    drop_used(world, subscription)
    if pauses is not None and advances:
        settling.finalize(world, invoice)
        if invoice.data["status"] == "open":
            (settling.void if pauses["behavior"] == "void" else settling.give_up)(world, invoice)
    return invoice


def drop_used(world: World, subscription: Record) -> None:
    """A coupon for once leaves the subscription when an invoice has had it; one for months when they are over."""
    now = world.now(subscription.clock)
    for identifier in list(subscription.data["discounts"]):
        discount = world.store.get("discount", identifier)
        if discount is None:
            continue
        over = discount.data["end"] is not None and discount.data["end"] <= now
        if over or discount.more.get("used"):
            subscription.data["discounts"].remove(identifier)
            world.tell("customer.discount.deleted", discount)


def final(world: World, subscription: Record, held: Sequence[Record]) -> Record:
    """A last invoice of what waits."""
    seeds = [drafting.seed_of(one) for one in held]
    made = draft(world, subscription, seeds, "subscription_cycle", period=terms.period_of(subscription.data))
    return keep(world, subscription, made, waits=True)


def next_period(subscription: Record) -> Period:
    """The period after the running one."""
    data = subscription.data
    interval = terms.interval_of(terms.items_of(data))
    return period_at(data["billing_cycle_anchor"], interval, terms.period_of(data).end)


def upcoming(world: World, subscription: Record, more: Sequence[Seed] = ()) -> drafting.Draft:
    """The invoice of the next renewal, as things stand: what waits, what more there is, and a line for each item."""
    coming = phases.ahead(world, subscription)
    ended = terms.period_of(coming.data)
    lines = terms.lines(world, coming.data, terms.items_of(coming.data), next_period(coming))
    seeds = [*map(drafting.seed_of, waiting(world, subscription)), *more, *lines]
    at = max(ended.end, world.now(subscription.clock))
    return draft(world, coming, seeds, "subscription_cycle", period=ended, at=at)
