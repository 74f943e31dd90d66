"""Subscription schedules: https://docs.stripe.com/api/subscription_schedules. Changes that come by themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.stripe import errors, ids
from sandbox.stripe.billing import (
    changing,
    choosing,
    following,
    moments,
    payments,
    phases,
    planning,
    settling,
    subscribing,
    terms,
)
from sandbox.stripe.billing.subscribing import Bought, Order
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import FLAG, ID, METADATA, PERIOD, TIME, Call, Operation, listing, reading
from sandbox.stripe.params import Choice, Either, Hash, Integer, List, Shape, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import CLOCK, World

NAME: Final = "subscription_schedule"
KIND: Final = Kind(
    NAME,
    links={"customer": "customer", "subscription": "subscription", "test_clock": CLOCK},
)
_PATH: Final = "/v1/subscription_schedules"
_PHASE: Final = Hash(
    billing_cycle_anchor=Choice("automatic", "phase_start"),
    collection_method=Choice("charge_automatically", "send_invoice"),
    currency=Text(),
    default_payment_method=ID,
    default_tax_rates=choosing.RATES,
    description=Text(500),
    discounts=choosing.DISCOUNTS,
    duration=Hash(interval=Choice("day", "month", "week", "year", required=True), interval_count=Integer(least=1)),
    end_date=TIME,
    items=List(
        Hash(
            metadata=METADATA,
            price=ID,
            price_data=choosing.PRICE_DATA,
            quantity=choosing.QUANTITY,
            tax_rates=choosing.RATES,
        ),
        most=20,
        required=True,
    ),
    metadata=METADATA,
    proration_behavior=choosing.BEHAVIOR,
    start_date=Either(Choice("now"), TIME),
    trial=FLAG,
    trial_end=TIME,
)
_FIELDS: Final[Mapping[str, Shape]] = {
    "end_behavior": Choice("cancel", "release"),
    "metadata": METADATA,
    "phases": List(_PHASE, most=10),
}


def operations() -> tuple[Operation, ...]:
    """All that is done with schedules."""
    creation = {
        **_FIELDS,
        "customer": ID,
        "from_subscription": ID,
        "start_date": Either(Choice("now"), TIME),
    }
    filters = {"created": PERIOD, "customer": ID}
    return (
        Operation("POST", _PATH, _create, creation),
        listing(NAME, "customer", path=_PATH, **filters),
        reading(NAME, _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, {**_FIELDS, "proration_behavior": choosing.BEHAVIOR}),
        Operation("POST", _PATH + "/{}/release", _release, {"preserve_cancel_date": FLAG}),
        Operation("POST", _PATH + "/{}/cancel", _cancel, {"invoice_now": FLAG, "prorate": FLAG}),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    if given.get("from_subscription"):
        others = set(given) - {"from_subscription"}
        if others:
            raise errors.invalid(f"You cannot set `{min(others)}` if `from_subscription` is set.", min(others))
        return _from(call)
    customer = call.named("customer", "customer")
    if customer is None:
        raise errors.missing("customer")
    now = world.now(customer.clock)
    start = given.get("start_date")
    if start is None:
        raise errors.missing("start_date")
    begins = now if start == "now" else start
    made = _phases(call, given.get("phases") or [], begins, customer.data["currency"])
    if not made:
        raise errors.missing("phases")
    schedule = _kept(world, customer, made, None, given)
    if begins <= now:
        begin(world, schedule)
    else:
        world.agenda.put(schedule.clock, schedule.id, begins)
    return schedule


def _from(call: Call) -> Record:
    """A schedule over the running period of a subscription, which it manages from then on."""
    world = call.world
    subscription = world.need("subscription", call.given["from_subscription"], param="from_subscription", status=400)
    changing.refuse_ended(subscription)
    if subscription.data["schedule"]:
        raise errors.invalid(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"{subscription.data['schedule']}.",
            "from_subscription",
        )
    customer = world.need("customer", subscription.data["customer"])
    schedule = _kept(world, customer, [phases.of_subscription(subscription.data)], subscription, {})
    with world.changing(subscription, "customer.subscription.updated") as data:
        data["schedule"] = schedule.id
    moments.plan(world, subscription)
    return schedule


def _kept(
    world: World, customer: Record, made: Sequence[Doc], subscription: Record | None, given: Mapping[str, Any]
) -> Record:
    first = made[0]
    data: Doc = {
        "id": ids.long_id("sub_sched"),
        "object": NAME,
        "application": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "canceled_at": None,
        "completed_at": None,
        "created": world.now(customer.clock),
        "current_phase": _span(first) if subscription else None,
        "customer": customer.id,
        "customer_account": None,
        "default_settings": _DEFAULTS | {},
        "end_behavior": given.get("end_behavior", "release"),
        "livemode": False,
        "metadata": noted({}, given.get("metadata", {})),
        "phases": list(made),
        "released_at": None,
        "released_subscription": None,
        "status": "active" if subscription else "not_started",
        "subscription": subscription.id if subscription else None,
        "test_clock": customer.clock,
    }
    record = world.add(NAME, data, clock=customer.clock)
    world.tell("subscription_schedule.created", record)
    return record


_DEFAULTS: Final[Doc] = {
    "application_fee_percent": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_cycle_anchor": "automatic",
    "billing_thresholds": None,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "description": None,
    "invoice_settings": {
        "account_tax_ids": None,
        "custom_fields": None,
        "days_until_due": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    },
    "on_behalf_of": None,
    "transfer_data": None,
}


def _span(phase: Doc) -> Doc:
    return {"end_date": phase["end_date"], "start_date": phase["start_date"]}


def _phases(call: Call, given: Sequence[Mapping[str, Any]], start: int, currency: str | None) -> list[Doc]:
    """The phases that are asked for, one after the other.

    Raises:
        Refusal: One ends before it begins, or its items cannot be sold.
    """
    found: list[Doc] = []
    for i, each in enumerate(given):
        at = f"phases[{i}]"
        begins = start if not found else found[-1]["end_date"]
        if each.get("start_date") not in {None, "now", begins}:
            raise errors.invalid("A phase begins where the one before it ends.", f"{at}[start_date]")
        end = phases.end_of(begins, each)
        if end <= begins:
            raise errors.invalid("The end of a phase must come after its start.", f"{at}[end_date]")
        items = []
        for j, one in enumerate(each["items"]):
            place = f"{at}[items][{j}]"
            price = choosing.price_of(call, one, place, currency)
            if price is None:
                raise errors.missing(f"{place}[price]")
            currency = currency or str(price.data["currency"])
            rates = choosing.rates(call, one.get("tax_rates"), f"{place}[tax_rates]")
            sold = choosing.recurring(price, f"{place}[price]")
            items.append(phases.item(sold, one.get("quantity", 1), noted({}, one.get("metadata", {})), rates))
        found.append(phases.phase(begins, end, items, currency or "", each))
    return found


def _open(call: Call) -> Record:
    schedule = call.world.need(NAME, call.ids[0])
    if schedule.data["status"] not in {"active", "not_started"}:
        raise errors.invalid(
            f"You cannot change a subscription schedule that is currently in the `{schedule.data['status']}` status.",
            code="resource_missing" if schedule.data["status"] == "released" else None,
        )
    return schedule


def _update(call: Call) -> Record:
    world, schedule = call.world, _open(call)
    given, running = call.given, schedule.data["current_phase"]
    subscription = world.store.get("subscription", schedule.data["subscription"] or "")
    start = running["start_date"] if running else schedule.data["phases"][0]["start_date"]
    currency = subscription.data["currency"] if subscription else None
    made = _phases(call, given["phases"], start, currency) if given.get("phases") else None
    with world.changing(schedule, "subscription_schedule.updated") as data:
        if "end_behavior" in given:
            data["end_behavior"] = given["end_behavior"]
        if "metadata" in given:
            data["metadata"] = noted(data["metadata"], given["metadata"])
        if made is not None:
            data["phases"] = made
            data["current_phase"] = _span(made[0]) if running else None
    if made is not None and subscription is not None:
        _enter(world, subscription, made[0], given.get("proration_behavior", "create_prorations"))
    if subscription is not None:
        moments.plan(world, subscription)
    return schedule


def _release(call: Call) -> Record:
    schedule = _open(call)
    release(call.world, schedule)
    return schedule


def release(world: World, schedule: Record) -> None:
    """Let the subscription go on by itself."""
    subscription = world.store.get("subscription", schedule.data["subscription"] or "")
    schedule.data |= {
        "status": "released",
        "released_at": world.now(schedule.clock),
        "released_subscription": schedule.data["subscription"],
        "subscription": None,
        "current_phase": None,
    }
    world.agenda.put(schedule.clock, schedule.id, None)
    world.tell("subscription_schedule.released", schedule)
    if subscription is not None:
        with world.changing(subscription, "customer.subscription.updated") as data:
            data["schedule"] = None
        moments.plan(world, subscription)


def _cancel(call: Call) -> Record:
    world, schedule = call.world, _open(call)
    subscription = world.store.get("subscription", schedule.data["subscription"] or "")
    if subscription is not None:
        following.end(world, subscription, "cancellation_requested")
    else:
        schedule.data |= {"status": "canceled", "canceled_at": world.now(schedule.clock)}
        world.agenda.put(schedule.clock, schedule.id, None)
        world.tell("subscription_schedule.canceled", schedule)
    return schedule


def begin(world: World, schedule: Record) -> None:
    """The first phase has come: the subscription is made and charged."""
    data, first = schedule.data, schedule.data["phases"][0]
    customer = world.need("customer", data["customer"])
    bought = [
        Bought(world.need("price", one["price"]).shown(), one["quantity"], one["metadata"], one["tax_rates"])
        for one in first["items"]
    ]
    fields = {"metadata": dict(first["metadata"]), "default_payment_method": first["default_payment_method"]}
    discounts = [{name: value for name, value in one.items() if value} for one in first["discounts"]]
    order = Order(customer, bought, first["currency"], fields, first["trial_end"], discounts=discounts)
    subscription, invoice = subscribing.begin(world, order)
    subscription.data["schedule"] = schedule.id
    data |= {"status": "active", "subscription": subscription.id, "current_phase": _span(first)}
    world.tell("subscription_schedule.updated", schedule)
    if invoice.data["status"] == "open" and payments.method_for(world, subscription.data):
        settling.collect(world, invoice)
    moments.plan(world, subscription)


def step(world: World, subscription: Record) -> None:
    """A phase has ended: the next begins, or the schedule is over."""
    schedule = world.store.get(NAME, subscription.data["schedule"] or "")
    now = world.now(subscription.clock)
    if schedule is None or schedule.data["current_phase"]["end_date"] > now:
        return
    coming = phases.following(world, subscription)
    if coming is None:
        _over(world, schedule, subscription)
        return
    with world.changing(schedule, "subscription_schedule.updated") as data:
        data["current_phase"] = _span(coming)
    _enter(world, subscription, coming, coming["proration_behavior"])


def _over(world: World, schedule: Record, subscription: Record) -> None:
    if schedule.data["end_behavior"] == "release":
        release(world, schedule)
        return
    schedule.data |= {"status": "completed", "completed_at": world.now(schedule.clock), "current_phase": None}
    world.tell("subscription_schedule.completed", schedule)
    subscription.data["schedule"] = None
    following.end(world, subscription, "cancellation_requested")


def _enter(world: World, subscription: Record, phase: Doc, behavior: str) -> None:
    """Make the subscription what a phase says: with prorations in mid-period, without them where one ends."""
    data = subscription.data
    items = phases.entered(world, data, phase)
    before = [(one["id"], one["price"]["id"], one["quantity"]) for one in terms.items_of(data)]
    if [(one["id"], one["price"]["id"], one["quantity"]) for one in items] == before:
        return
    ends = terms.period_of(data).end <= world.now(subscription.clock)
    gone = {one["id"] for one in terms.items_of(data)} - {one["id"] for one in items}
    known = {one["id"] for one in terms.items_of(data)}
    changes = [planning.ItemChange(each, deleted=True) for each in gone]
    changes += [
        planning.ItemChange(
            one["id"] if one["id"] in known else None, one["price"], one["quantity"], False, one["metadata"]
        )
        for one in items
    ]
    plan = planning.plan(world, subscription, planning.Change(changes, behavior="none" if ends else behavior))
    if ends:
        changing.replace_items(world, subscription, plan)
    else:
        changing.carry_out(world, subscription, plan, payment="allow_incomplete", off_session=True)


def look_at(world: World, schedule: Record) -> None:
    """Its moment has come: it begins."""
    if schedule.data["status"] == "not_started":
        begin(world, schedule)
