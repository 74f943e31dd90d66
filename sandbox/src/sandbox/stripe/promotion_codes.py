"""Promotion codes, by which people redeem coupons: https://docs.stripe.com/api/promotion_codes."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import coupons, errors, ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, Call, Operation, page, within
from sandbox.stripe.params import Choice, Hash, Integer, Map, Text, noted
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import World


def _options(_: Store, code: Record) -> Doc:
    return dict(code.more["currency_options"])


KIND: Final = Kind(
    "promotion_code",
    noun="promotion code",
    links={"promotion.coupon": "coupon", "customer": "customer"},
    on_demand={"restrictions.currency_options": _options},
)
_MINIMA: Final = Map(Hash(minimum_amount=Integer(least=1)))


def operations() -> tuple[Operation, ...]:
    """All that is done with promotion codes."""
    creation = {
        "active": FLAG,
        "code": Text(500, unsets=False, pattern=r"[A-Za-z0-9-]+"),
        "customer": ID,
        "customer_account": ID,
        "expires_at": Integer(least=0),
        "max_redemptions": Integer(least=1),
        "metadata": METADATA,
        "promotion": Hash(coupon=ID, type=Choice("coupon", required=True), required=True),
        "restrictions": Hash(
            currency_options=_MINIMA,
            first_time_transaction=FLAG,
            minimum_amount=Integer(least=1),
            minimum_amount_currency=ID,
        ),
    }
    changes = {"active": FLAG, "metadata": METADATA, "restrictions": Hash(currency_options=_MINIMA)}
    filters = {"active": FLAG, "code": ID, "coupon": ID, "created": PERIOD, "customer": ID, "customer_account": ID}
    return (
        Operation("POST", "/v1/promotion_codes", _create, creation),
        Operation("GET", "/v1/promotion_codes", _list, {**LIST, **filters}),
        Operation(
            "GET",
            "/v1/promotion_codes/{}",
            lambda call: fresh(call.world, call.world.need("promotion_code", call.ids[0])),
        ),
        Operation("POST", "/v1/promotion_codes/{}", _update, changes),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    if not given["promotion"].get("coupon"):
        raise errors.missing("promotion[coupon]")
    coupon = world.need("coupon", given["promotion"]["coupon"], param="promotion[coupon]", status=400)
    _refuse_more_than(coupon, given)
    customer = call.named("customer", "customer")
    spelled = given.get("code") or ids.letters(8).upper()
    if _taken(world, spelled, given.get("customer")):
        raise errors.invalid("An active promotion code with `code: " + spelled + "` already exists.", "code")
    limits = given.get("restrictions") or {}
    least, currency = limits.get("minimum_amount"), limits.get("minimum_amount_currency")
    if (least is None) != (currency is None):
        raise errors.missing(f"restrictions[{'minimum_amount' if least is None else 'minimum_amount_currency'}]")
    currency = currency_of(currency, "restrictions[minimum_amount_currency]") if currency else None
    data: Doc = {
        "id": ids.long_id("promo"),
        "object": "promotion_code",
        "active": given.get("active", True) and coupons.is_valid(world, coupon),
        "code": spelled,
        "created": world.now(),
        "customer": customer.id if customer else None,
        "customer_account": None,
        "expires_at": given.get("expires_at"),
        "livemode": False,
        "max_redemptions": given.get("max_redemptions"),
        "metadata": noted({}, given.get("metadata", {})),
        "promotion": {"coupon": coupon.id, "type": "coupon"},
        "restrictions": {
            "first_time_transaction": limits.get("first_time_transaction", False),
            "minimum_amount": least,
            "minimum_amount_currency": currency,
        },
        "times_redeemed": 0,
    }
    minima = limits.get("currency_options") or {}
    own = {currency: {"minimum_amount": least}} if currency else {}
    code = world.add("promotion_code", data, more={"currency_options": {**own, **minima}})
    world.tell("promotion_code.created", code)
    return code


def _refuse_more_than(coupon: Record, given: Mapping[str, Any]) -> None:
    """A code can't outlive its coupon, nor be redeemed more often."""
    most, end = coupon.data["max_redemptions"], coupon.data["redeem_by"]
    if most is not None and (given.get("max_redemptions") or 0) > most:
        raise errors.invalid(
            "Promotion code `max_redemptions` cannot be greater than the coupon's `max_redemptions`.",
            "max_redemptions",
        )
    if end is not None and (given.get("expires_at") or 0) > end:
        raise errors.invalid("Promotion code `expires_at` cannot be after the coupon's `redeem_by`.", "expires_at")


def _taken(world: World, spelled: str, customer: str | None) -> bool:
    """Whether an active code of that spelling is there, for everybody or for one of the same customers."""
    same = (one for one in world.store.all("promotion_code") if one.data["code"].lower() == spelled.lower())
    return any(
        fresh(world, one).data["active"] and (customer is None or one.data["customer"] in {None, customer})
        for one in same
    )


def fresh(world: World, code: Record) -> Record:
    """The code, which may have ended by the time it is looked at."""
    code.data["active"] = code.data["active"] and not _is_over(world, code)
    return code


def _is_over(world: World, code: Record, clock: str | None = None) -> bool:
    data = code.data
    used_up = data["max_redemptions"] is not None and data["times_redeemed"] >= data["max_redemptions"]
    over = data["expires_at"] is not None and data["expires_at"] <= world.now(clock)
    coupon = world.store.get("coupon", data["promotion"]["coupon"])
    return used_up or over or coupon is None or not coupons.is_valid(world, coupon, clock)


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        data = fresh(call.world, one).data
        if not within(data["created"], call.get("created")):
            return False
        if call.has("code") and data["code"].lower() != call.given["code"].lower():
            return False
        if call.has("coupon") and data["promotion"]["coupon"] != call.given["coupon"]:
            return False
        return all(data[name] == call.given[name] for name in ("active", "customer") if call.has(name))

    found = (one for one in call.world.store.all("promotion_code") if meant(one))
    return page(call, found, kind="promotion_code")


def _update(call: Call) -> Record:
    code = call.world.need("promotion_code", call.ids[0])
    if call.get("active") and _is_over(call.world, code):
        raise errors.invalid(
            "This promotion code cannot be activated: it, or its coupon, is expired or used up.", "active"
        )
    minima = (call.get("restrictions") or {}).get("currency_options") or {}
    code.more["currency_options"] = {**code.more["currency_options"], **minima}
    with call.world.changing(code) as data:
        if call.has("active"):
            data["active"] = call.given["active"]
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return code


def redeem(
    world: World,
    code: Record,
    customer: Record | None,
    *,
    amount: int,
    currency: str,
    has_paid: bool,
    param: str = "promotion_code",
    **about: Any,
) -> Record:
    """Give the discount of a code's coupon; `amount` is what is bought, `has_paid` whether they bought before.

    Raises:
        Refusal: The code is over or used up, for another customer, or its restrictions are not met.
    """
    clock = customer.clock if customer else None
    if not code.data["active"] or _is_over(world, code, clock):
        raise errors.invalid(f"Promotion code expired: {code.data['code']}", param, "coupon_expired")
    if code.data["customer"] not in {None, customer.id if customer else None}:
        raise errors.invalid(
            "This promotion code cannot be redeemed because it is for another customer.", param, "resource_missing"
        )
    if code.data["restrictions"]["first_time_transaction"] and has_paid:
        raise errors.invalid(
            "This promotion code cannot be redeemed because the associated customer has prior transactions.", param
        )
    least = code.more["currency_options"].get(currency, {}).get("minimum_amount")
    if least is not None and amount < least:
        raise errors.invalid(
            f"This promotion code cannot be redeemed because the minimum order amount is {least} {currency}.", param
        )
    coupon = world.need("coupon", code.data["promotion"]["coupon"], param=param, status=400)
    made = coupons.redeem(world, coupon, customer, code=code, **about)
    with world.changing(code) as data:
        data["times_redeemed"] += 1
        data["active"] = data["active"] and not _is_over(world, code, clock)
    return made
