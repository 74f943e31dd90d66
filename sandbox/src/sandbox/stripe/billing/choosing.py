"""What a call chose, looked up: prices, tax rates, discounts, trials and anchors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.stripe import coupons, errors, ids, prices, promotion_codes
from sandbox.stripe.billing.planning import ItemChange
from sandbox.stripe.billing.seeds import option, tariff
from sandbox.stripe.engine.periods import AnchorConfig, Interval, anchor_from, boundary
from sandbox.stripe.engine.states import DAY
from sandbox.stripe.operations import FLAG, ID, METADATA, TIME, Call
from sandbox.stripe.params import Choice, Either, Hash, Integer, List, Shape, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

LONGEST_TRIAL: Final = 730
QUANTITY: Final = Integer(least=0, most=999_999)
RATES: Final = List(ID, unsets=True)
DISCOUNTS: Final = List(Hash(coupon=ID, discount=ID, promotion_code=ID), most=20, unsets=True)
PRICE_DATA: Final = Hash(
    currency=Text(required=True),
    product=Text(required=True),
    recurring=prices.RECURRING,
    tax_behavior=prices.TAX_BEHAVIOR,
    unit_amount=prices.AMOUNT,
    unit_amount_decimal=prices.EXACT,
)
ITEM_FIELDS: Final[Mapping[str, Shape]] = {
    "discounts": DISCOUNTS,
    "metadata": METADATA,
    "price": ID,
    "price_data": PRICE_DATA,
    "quantity": QUANTITY,
    "tax_rates": RATES,
}
NEW_ITEMS: Final = List(Hash(ITEM_FIELDS), most=20)
CHANGED_ITEMS: Final = List(Hash({**ITEM_FIELDS, "id": ID, "deleted": FLAG, "clear_usage": FLAG}), most=20)
EXTRA_ITEMS: Final = List(
    Hash(discounts=DISCOUNTS, metadata=METADATA, price=ID, price_data=PRICE_DATA, quantity=QUANTITY, tax_rates=RATES),
    most=20,
)
BEHAVIOR: Final = Choice("always_invoice", "create_prorations", "none")
PAYMENT: Final = Choice("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
TRIAL_END: Final = Either(Choice("now"), TIME)


def price_of(call: Call, given: Mapping[str, Any], at: str, currency: str | None = None) -> Record | None:
    """The price that is named or made on the way; None where neither is given.

    Raises:
        Refusal: There is no such price, or nobody can buy at it any more, or not in that currency.
    """
    if given.get("price_data"):
        place = f"{at}[price_data]"
        call.world.need("product", given["price_data"]["product"], param=f"{place}[product]", status=400)
        return prices.create(call, given["price_data"], at=place)
    if not given.get("price"):
        return None
    place = f"{at}[price]" if at else "price"
    price = call.world.need("price", given["price"], param=place, status=400)
    if not price.data["active"]:
        raise errors.invalid(
            f"The price specified is inactive. This field only accepts active prices. (price: {price.id})", place
        )
    if currency is not None and not option(call.world, price.data, currency):
        raise errors.invalid(
            f"The price specified only supports `{price.data['currency']}`. This doesn't match the expected "
            f"currency: `{currency}`.",
            place,
        )
    return price


def recurring(price: Record, at: str) -> Doc:
    """A price that recurs, as items hold it.

    Raises:
        Refusal: It is paid once.
    """
    if price.data["recurring"] is None:
        raise errors.invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            at,
        )
    return price.shown()


def item_changes(
    call: Call, currency: str, given: Sequence[Mapping[str, Any]], subscription: str
) -> list[ItemChange]:
    """What becomes of the items of a subscription."""
    found = []
    for i, each in enumerate(given):
        at = f"items[{i}]"
        price = price_of(call, each, at, currency)
        chosen = recurring(price, f"{at}[price]") if price else None
        before = call.world.store.get("subscription_item", each.get("id", ""))
        metadata = None
        if "metadata" in each:
            metadata = noted(before.data["metadata"] if before else {}, each["metadata"])
        found.append(
            ItemChange(
                each.get("id"),
                chosen,
                each.get("quantity"),
                bool(each.get("deleted")),
                metadata,
                rates(call, each["tax_rates"], f"{at}[tax_rates]") if "tax_rates" in each else None,
                _item_discounts(call, each, at, subscription) if "discounts" in each else None,
            )
        )
    return found


def _item_discounts(call: Call, each: Mapping[str, Any], at: str, subscription: str) -> list[str]:
    record = call.world.store.get("subscription", subscription)
    customer = call.world.store.get("customer", record.data["customer"]) if record else None
    return discounts(call.world, customer, each["discounts"], f"{at}[discounts]", subscription_item=each.get("id"))


def rates(call: Call, given: Sequence[str] | None, at: str) -> list[Doc]:
    """The tax rates that are named, whole."""
    return [
        call.world.need("tax_rate", one, param=f"{at}[{i}]", status=400).shown() for i, one in enumerate(given or [])
    ]


def tried(world: World, given: Sequence[Mapping[str, Any]] | None, at: int) -> list[Record]:
    """Discounts as previews try them: not redeemed, and to be removed again.

    Raises:
        Refusal: There is no such coupon, code or discount; nothing was made.
    """
    coupons_ = [_coupon_of(world, each, f"discounts[{i}]") for i, each in enumerate(given or [])]
    made: list[Doc] = [
        {"id": ids.long_id("di"), "object": "discount", "source": {"coupon": one}, "start": at, "end": None}
        for one in coupons_
    ]
    return [world.store.add("discount", data) for data in made]


def _coupon_of(world: World, given: Mapping[str, Any], at: str) -> str:
    if given.get("discount"):
        held = world.need("discount", given["discount"], param=f"{at}[discount]", status=400)
        return str(held.data["source"]["coupon"])
    if given.get("promotion_code"):
        code = world.need("promotion_code", given["promotion_code"], param=f"{at}[promotion_code]", status=400)
        return str(code.data["promotion"]["coupon"])
    return world.need("coupon", given.get("coupon") or "", param=f"{at}[coupon]", status=400).id


def discounts(
    world: World,
    customer: Record | None,
    given: Sequence[Mapping[str, Any]] | None,
    at: str,
    *,
    amount: int = 0,
    currency: str = "",
    **about: Any,
) -> list[str]:
    """The ids of the discounts that coupons and promotion codes give, redeemed; known discounts stay.

    Raises:
        Refusal: One cannot be redeemed, or is none.
    """
    found = []
    for i, each in enumerate(given or []):
        if sum(bool(each.get(name)) for name in ("coupon", "discount", "promotion_code")) != 1:
            raise errors.invalid(
                "You must specify exactly one of `coupon`, `discount` or `promotion_code`.", f"{at}[{i}]"
            )
        if each.get("discount"):
            found.append(world.need("discount", each["discount"], param=f"{at}[{i}][discount]", status=400).id)
        else:
            bought = (amount, currency)
            found.append(_redeemed(world, customer, each, f"{at}[{i}]", bought=bought, about=about).id)
    return found


def _redeemed(
    world: World,
    customer: Record | None,
    given: Mapping[str, Any],
    at: str,
    *,
    bought: tuple[int, str],
    about: Mapping[str, Any],
) -> Record:
    if given.get("coupon"):
        coupon = world.need("coupon", given["coupon"], param=f"{at}[coupon]", status=400)
        made = coupons.redeem(world, coupon, customer, **about)
    else:
        place = f"{at}[promotion_code]"
        code = world.need("promotion_code", given["promotion_code"], param=place, status=400)
        paid = customer is not None and has_paid(world, customer)
        made = promotion_codes.redeem(
            world, code, customer, amount=bought[0], currency=bought[1], has_paid=paid, param=place, **about
        )
    world.tell("customer.discount.created", made)
    return made


def has_paid(world: World, customer: Record) -> bool:
    """Whether the customer has paid anything before."""
    return any(
        one.data["customer"] == customer.id and one.data["status"] == "paid" and one.data["amount_paid"] > 0
        for one in world.store.all("invoice")
    )


def costs(world: World, items: Sequence[tuple[Doc, int]], currency: str) -> int:
    """What prices in such quantities cost for one period."""
    return sum(tariff(world, price, currency).amount(quantity) for price, quantity in items)


def trial_end(given: Mapping[str, Any], sold: Sequence[Doc], now: int, at: str = "") -> int | None:
    """When a trial that is asked for ends; None where there is none.

    Raises:
        Refusal: Two ways to say it are given, or it ends in the past or too late.
    """
    place = f"{at}[trial_end]" if at else "trial_end"
    if given.get("trial_end") not in {None, "now"} and given.get("trial_period_days") is not None:
        raise errors.invalid("You may only specify one of these parameters: trial_end, trial_period_days.", place)
    end = given.get("trial_end")
    if end == "now":
        return None
    if end is None and given.get("trial_period_days"):
        end = now + given["trial_period_days"] * DAY
    if end is None and given.get("trial_from_plan"):
        days = [(price["recurring"] or {}).get("trial_period_days") or 0 for price in sold]
        end = now + max(days) * DAY if max(days, default=0) else None
    if end is None:
        return None
    if end <= now:
        raise errors.invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", place)
    if end > now + LONGEST_TRIAL * DAY:
        raise errors.invalid("Invalid trial_end: a trial can last two years at most.", place)
    return int(end)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The billing cycle anchor, and its parts where it was given by them."""

    at: int
    config: Doc | None = None


def anchor(given: Mapping[str, Any], interval: Interval, now: int) -> Anchor | None:
    """The anchor that is asked for; None where it is the start.

    Raises:
        Refusal: It lies in the past, or after the end of what would be the first period.
    """
    config = given.get("billing_cycle_anchor_config")
    at = given.get("billing_cycle_anchor")
    if config and at is not None:
        raise errors.invalid(
            "You may only specify one of these parameters: billing_cycle_anchor, billing_cycle_anchor_config.",
            "billing_cycle_anchor_config",
        )
    if config:
        whole = {name: config.get(name) for name in ("day_of_month", "hour", "minute", "month", "second")}
        return Anchor(anchor_from(AnchorConfig(**whole), now), whole)
    if at is None:
        return None
    if at < now:
        raise errors.invalid("`billing_cycle_anchor` cannot be in the past.", "billing_cycle_anchor")
    if at > boundary(now, interval, 1):
        raise errors.invalid(
            "`billing_cycle_anchor` cannot be later than next natural billing date for plan", "billing_cycle_anchor"
        )
    return Anchor(at)
