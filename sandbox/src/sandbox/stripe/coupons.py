"""Coupons: https://docs.stripe.com/api/coupons; and the discounts that they give."""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.stripe import errors, ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import ID, LIST, METADATA, PERIOD, Call, Operation, page, within
from sandbox.stripe.params import Choice, Hash, Integer, List, Map, Number, Text, noted
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import World


def _options(_: Store, coupon: Record) -> Doc:
    return dict(coupon.more["currency_options"])


def _applies_to(_: Store, coupon: Record) -> Doc | None:
    found: Doc | None = coupon.more["applies_to"]
    return found


KIND: Final = Kind("coupon", on_demand={"currency_options": _options, "applies_to": _applies_to})
DISCOUNT: Final = Kind(
    "discount",
    links={
        "customer": "customer",
        "promotion_code": "promotion_code",
        "source.coupon": "coupon",
        "subscription": "subscription",
    },
)
_OFF: Final = Integer(least=1, most=99_999_999)
_OPTIONS: Final = Map(Hash(amount_off=Integer(least=1, most=99_999_999, required=True)))


def operations() -> tuple[Operation, ...]:
    """All that is done with coupons."""
    creation = {
        "amount_off": _OFF,
        "applies_to": Hash(products=List(ID)),
        "currency": Text(),
        "currency_options": _OPTIONS,
        "duration": Choice("forever", "once", "repeating"),
        "duration_in_months": Integer(least=1),
        "id": Text(200),
        "max_redemptions": Integer(least=1),
        "metadata": METADATA,
        "name": Text(40),
        "percent_off": Number(least=Decimal("0.01"), most=Decimal(100), places=4),
        "redeem_by": Integer(least=0),
    }
    changes = {"currency_options": _OPTIONS, "metadata": METADATA, "name": Text(40)}
    return (
        Operation("POST", "/v1/coupons", _create, creation),
        Operation("GET", "/v1/coupons", _list, {**LIST, "created": PERIOD}),
        Operation("GET", "/v1/coupons/{}", lambda call: _fresh(call.world, call.world.need("coupon", call.ids[0]))),
        Operation("POST", "/v1/coupons/{}", _update, changes),
        Operation("DELETE", "/v1/coupons/{}", _delete),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    _refuse_contradictions(call)
    identifier = given.get("id") or ids.letters(8)
    if world.store.get("coupon", identifier):
        raise errors.invalid("Coupon already exists.", "id", "resource_already_exists")
    products = (given.get("applies_to") or {}).get("products")
    for i, one in enumerate(products or []):
        world.need("product", one, param=f"applies_to[products][{i}]", status=400)
    currency = currency_of(given["currency"]) if given.get("currency") and "amount_off" in given else None
    percent = given.get("percent_off")
    data: Doc = {
        "id": identifier,
        "object": "coupon",
        "amount_off": given.get("amount_off"),
        "created": world.now(),
        "currency": currency,
        "duration": given.get("duration", "once"),
        "duration_in_months": given.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": given.get("max_redemptions"),
        "metadata": noted({}, given.get("metadata", {})),
        "name": given.get("name"),
        "percent_off": None if percent is None else _number(percent),
        "redeem_by": given.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    options = {} if currency is None else {currency: {"amount_off": given["amount_off"]}}
    options |= given.get("currency_options") or {}
    more = {"applies_to": {"products": products} if products else None, "currency_options": options}
    coupon = world.add("coupon", data, more=more)
    world.tell("coupon.created", coupon)
    return coupon


def _refuse_contradictions(call: Call) -> None:
    given = call.given
    if ("amount_off" in given) == ("percent_off" in given):
        raise errors.invalid("You must pass either `percent_off` or `amount_off`, and not both.", "percent_off")
    if "amount_off" in given and not given.get("currency"):
        raise errors.invalid("You must pass `currency` when passing `amount_off`.", "currency", "parameter_missing")
    repeats = given.get("duration", "once") == "repeating"
    if repeats and "duration_in_months" not in given:
        raise errors.missing("duration_in_months")
    if "duration_in_months" in given and not repeats:
        raise errors.invalid(
            "You may only specify `duration_in_months` if the coupon is `repeating`.", "duration_in_months"
        )
    if given.get("redeem_by") is not None and given["redeem_by"] <= call.world.now():
        raise errors.invalid("The `redeem_by` date cannot be in the past.", "redeem_by")


def _number(value: Decimal) -> float | int:
    return int(value) if value == int(value) else float(value)


def _fresh(world: World, coupon: Record) -> Record:
    """The coupon, which may have ended by the time it is looked at."""
    coupon.data["valid"] = is_valid(world, coupon)
    return coupon


def _list(call: Call) -> Doc:
    found = (
        _fresh(call.world, one)
        for one in call.world.store.all("coupon")
        if within(one.data["created"], call.get("created"))
    )
    return page(call, found, kind="coupon")


def _update(call: Call) -> Record:
    coupon = call.world.need("coupon", call.ids[0])
    coupon.more["currency_options"] = {**coupon.more["currency_options"], **(call.get("currency_options") or {})}
    with call.world.changing(coupon) as data:
        if call.has("name"):
            data["name"] = call.given["name"]
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return coupon


def _delete(call: Call) -> Doc:
    coupon = call.world.need("coupon", call.ids[0])
    coupon.deleted = True
    call.world.tell("coupon.deleted", coupon)
    return coupon.shown()


def is_valid(world: World, coupon: Record, clock: str | None = None) -> bool:
    """Whether a coupon can still be redeemed."""
    data = coupon.data
    used_up = data["max_redemptions"] is not None and data["times_redeemed"] >= data["max_redemptions"]
    over = data["redeem_by"] is not None and data["redeem_by"] <= world.now(clock)
    return not (used_up or over or coupon.deleted)


def redeem(
    world: World, coupon: Record, customer: Record | None, *, code: Record | None = None, **about: Any
) -> Record:
    """Give a discount by a coupon, counted as one redemption; `about` says of what (`subscription`, `invoice` …).

    Raises:
        Refusal: The coupon is used up or over.
    """
    clock = customer.clock if customer else None
    if not is_valid(world, coupon, clock):
        raise errors.invalid(f"Coupon expired: {coupon.id}", "coupon", "coupon_expired")
    with world.changing(coupon) as data:
        data["times_redeemed"] += 1
        data["valid"] = is_valid(world, coupon, clock)
    start = world.now(clock)
    months = coupon.data["duration_in_months"] if coupon.data["duration"] == "repeating" else None
    made: Doc = {
        "id": ids.long_id("di"),
        "object": "discount",
        "checkout_session": None,
        "customer": customer.id if customer else None,
        "customer_account": None,
        "end": None if months is None else months_later(start, months),
        "invoice": None,
        "invoice_item": None,
        "promotion_code": code.id if code else None,
        "source": {"coupon": coupon.id, "type": "coupon"},
        "start": start,
        "subscription": None,
        "subscription_item": None,
        **about,
    }
    return world.add("discount", made, clock=clock)


def amount_off(coupon: Record, amount: int, currency: str) -> int | None:
    """How much a coupon takes off an amount; None where it has nothing to say in that currency."""
    if coupon.data["percent_off"] is not None:
        exact = Decimal(amount) * Decimal(str(coupon.data["percent_off"])) / 100
        return min(amount, int(exact.to_integral_value(rounding="ROUND_HALF_UP")))
    option: Mapping[str, int] | None = coupon.more["currency_options"].get(currency)
    return None if option is None else min(amount, option["amount_off"])


def months_later(start: int, months: int) -> int:
    """The same day and time so many months later, or the last day of a shorter month."""
    at = datetime.fromtimestamp(start, UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())
