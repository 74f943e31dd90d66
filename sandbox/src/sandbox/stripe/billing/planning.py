"""What a change makes of a subscription, before anything is done: its items, its period, and the lines it costs.

A preview shows the plan and an update carries it out, so that both are the same.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from sandbox.stripe import errors
from sandbox.stripe.billing import shapes, terms
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine import prorations
from sandbox.stripe.engine.periods import Period, period_at
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A new item (no id), or what becomes of one; None leaves it as it is."""

    id: str | None = None
    price: Doc | None = None
    quantity: int | None = None
    deleted: bool = False
    metadata: Mapping[str, str] | None = None
    tax_rates: Sequence[Doc] | None = None
    discounts: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for; `trial_end` is a moment, and now where a trial is to end at once."""

    items: Sequence[ItemChange] = ()
    anchor_now: bool = False
    trial_end: int | None = None
    behavior: str = "create_prorations"
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the subscription, and what it costs.

    `bills` says whether an invoice is made at once: of all that waits, the prorations and the regular lines.
    """

    change: Change
    items: Sequence[Doc]
    period: Period
    anchor: int
    status: str
    trial: tuple[int, int] | None
    prorations: Sequence[Seed]
    regular: Sequence[Seed]
    bills: bool
    debits: Mapping[str, int]


def plan(world: World, subscription: Record, change: Change) -> Plan:
    """What the change makes of it.

    Raises:
        Refusal: It cannot be made.
    """
    data, now = subscription.data, world.now(subscription.clock)
    at = _moment(data, change, now)
    items = _items(data, change)
    period, anchor, trial = _period(data, items, change, now)
    resets = period.start != terms.period_of(data).start
    after = deepcopy(data)
    for item in items:
        item |= {"current_period_start": period.start, "current_period_end": period.end}
    in_trial = trial is not None and trial[1] > now
    worth = [0] * len(items) if in_trial else terms.worth(world, after, items, period, now)
    prorates = change.behavior != "none"
    debits = {item["id"]: amount for item, amount in zip(items, worth, strict=True)} if prorates else {}
    lines = _prorations(world, data, items, worth, resets=resets, at=at) if prorates else []
    renewed = resets or (trial is not None and trial != (data["trial_start"], data["trial_end"]))
    regular = terms.lines(world, after, items, period, trial=in_trial) if renewed else []
    return Plan(
        change,
        items,
        period,
        anchor,
        _status(data, trial, now, renewed=renewed),
        trial,
        lines,
        regular,
        bool(regular) or (change.behavior == "always_invoice" and bool(lines)),
        debits,
    )


def _moment(data: Doc, change: Change, now: int) -> int:
    """The moment prorations are reckoned for; it must lie in the running period."""
    if change.at is None:
        return now
    period = terms.period_of(data)
    if not period.start <= change.at <= period.end:
        raise errors.invalid(
            "You cannot update a subscription with a `proration_date` outside of the current period.",
            "proration_date",
        )
    return change.at


def _items(data: Doc, change: Change) -> list[Doc]:
    kept = {item["id"]: deepcopy(item) for item in terms.items_of(data)}
    period = terms.period_of(data)
    for i, each in enumerate(change.items):
        if each.id is None:
            if each.price is None:
                raise errors.missing(f"items[{i}][price]")
            new = shapes.item(data["id"], each.price, 1, 0, period)
            kept[new["id"]] = _changed(new, each)
        elif each.id not in kept:
            raise errors.no_such("subscription_item", each.id, f"items[{i}][id]", 400)
        elif each.deleted:
            del kept[each.id]
        else:
            _changed(kept[each.id], each)
    if not kept:
        raise errors.invalid("A subscription must have at least one active plan.", "items")
    chosen = [item["price"]["id"] for item in kept.values()]
    if len(set(chosen)) < len(chosen):
        raise errors.invalid("Cannot add multiple subscription items with the same plan.", "items")
    return list(kept.values())


def _changed(item: Doc, change: ItemChange) -> Doc:
    if change.price is not None:
        item |= {"price": change.price, "plan": shapes.plan_of(change.price)}
    if change.quantity is not None:
        item["quantity"] = change.quantity
    for name, value in (
        ("metadata", change.metadata),
        ("tax_rates", change.tax_rates),
        ("discounts", change.discounts),
    ):
        if value is not None:
            item[name] = dict(value) if isinstance(value, Mapping) else list(value)
    return item


def _period(data: Doc, items: Sequence[Doc], change: Change, now: int) -> tuple[Period, int, tuple[int, int] | None]:
    """The period after the change, its anchor, and the trial, if it is in one."""
    before = terms.period_of(data)
    interval = terms.interval_of(items)
    trialing = data["status"] == "trialing"
    if change.trial_end is not None and change.trial_end > now:
        began = data["trial_start"] if trialing else now
        return (
            Period(before.start if trialing else now, change.trial_end),
            change.trial_end,
            (began, change.trial_end),
        )
    if trialing and change.trial_end is None and not change.anchor_now:
        return before, data["billing_cycle_anchor"], (data["trial_start"], data["trial_end"])
    ends_trial = trialing and (change.trial_end is not None or change.anchor_now)
    if (
        change.anchor_now
        or ends_trial
        or interval != terms.interval_of(terms.items_of(data))
        or _first_paid(data, items)
    ):
        return period_at(now, interval, now), now, (data["trial_start"], now) if ends_trial else None
    return before, data["billing_cycle_anchor"], None


def _first_paid(data: Doc, items: Sequence[Doc]) -> bool:
    """In classic mode going from what is free to what costs begins a period of its own."""
    classic = data["billing_mode"]["type"] == "classic"
    return classic and _free(terms.items_of(data)) and not _free(items)


def _free(items: Sequence[Doc]) -> bool:
    return all(item["price"]["unit_amount"] == 0 for item in items)


def _prorations(
    world: World, data: Doc, items: Sequence[Doc], worth: Sequence[int], *, resets: bool, at: int
) -> list[Seed]:
    """Credits for what was, and charges for the rest; where a new period begins, its own lines do the charging."""
    old = {item["id"]: item for item in terms.items_of(data)}
    before = [terms.held(world, item) for item in old.values()]
    if data["status"] in {"trialing", "incomplete", "paused"}:
        return []
    if resets:
        return [
            terms.prorated(world, data, old[held.key], prorations.credit(held, at), at)
            for held in before
            if held.amount
        ]
    after = [terms.held(world, item, amount) for item, amount in zip(items, worth, strict=True)]
    new = {item["id"]: item for item in items}
    found = prorations.changed(before, after, at)
    return [terms.prorated(world, data, (old if each.credits else new)[each.key], each, at) for each in found]


def _status(data: Doc, trial: tuple[int, int] | None, now: int, *, renewed: bool) -> str:
    if trial is not None and trial[1] > now:
        return "trialing"
    return "active" if renewed and data["status"] in {"trialing", "paused"} else str(data["status"])
