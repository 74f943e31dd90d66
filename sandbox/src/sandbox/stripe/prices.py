"""Prices: https://docs.stripe.com/api/prices. Per unit or in tiers, in one currency and others beside it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.stripe import errors, ids, products
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Either, Hash, Integer, List, Map, Number, Shape, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import World

INTERVALS: Final = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""The longest period of each unit: three years."""
AMOUNT: Final = Integer(least=0, most=99_999_999_999)
EXACT: Final = Number(most=Decimal(99_999_999_999))
TAX_BEHAVIOR: Final = Choice("exclusive", "inclusive", "unspecified")
_TIER: Final = Hash(
    flat_amount=AMOUNT,
    flat_amount_decimal=EXACT,
    unit_amount=AMOUNT,
    unit_amount_decimal=EXACT,
    up_to=Either(Choice("inf"), Integer(least=1), required=True),
)
_CUSTOM: Final = Hash(enabled=FLAG, maximum=AMOUNT, minimum=AMOUNT, preset=AMOUNT)
_OPTION: Final = Hash(
    custom_unit_amount=_CUSTOM,
    tax_behavior=TAX_BEHAVIOR,
    tiers=List(_TIER),
    unit_amount=AMOUNT,
    unit_amount_decimal=EXACT,
)
RECURRING: Final = Hash(
    interval=Choice(*INTERVALS, required=True),
    interval_count=Integer(least=1),
    meter=ID,
    trial_period_days=Integer(least=0, most=730),
    usage_type=Choice("licensed", "metered"),
)
_AMOUNTS: Final[Mapping[str, Shape]] = {
    "currency": Text(required=True),
    "currency_options": Map(_OPTION),
    "custom_unit_amount": _CUSTOM,
    "recurring": RECURRING,
    "tax_behavior": TAX_BEHAVIOR,
    "unit_amount": AMOUNT,
    "unit_amount_decimal": EXACT,
}
DEFAULT_PRICE: Final = Hash(_AMOUNTS, metadata=METADATA)


def _options(_: Store, price: Record) -> Doc:
    return dict(price.more["currency_options"])


def _tiers(_: Store, price: Record) -> list[Doc] | None:
    found: list[Doc] | None = price.more["tiers"]
    return found


KIND: Final = Kind(
    "price",
    links={"product": "product"},
    on_demand={"currency_options": _options, "tiers": _tiers},
    searched={
        "active": "active",
        "currency": "currency",
        "lookup_key": "lookup_key",
        "product": "product",
        "type": "type",
    },
)


def operations() -> tuple[Operation, ...]:
    """All that is done with prices."""
    product = Hash(
        active=FLAG,
        id=ID,
        metadata=METADATA,
        name=Text(required=True),
        statement_descriptor=Text(22),
        tax_code=Text(),
        tax_details=Hash(performance_location=Text(), tax_code=Text()),
        unit_label=Text(12),
    )
    creation = {
        **_AMOUNTS,
        "active": FLAG,
        "billing_scheme": Choice("per_unit", "tiered"),
        "lookup_key": Text(200),
        "metadata": METADATA,
        "nickname": Text(),
        "product": ID,
        "product_data": product,
        "tiers": List(_TIER),
        "tiers_mode": Choice("graduated", "volume"),
        "transfer_lookup_key": FLAG,
        "transform_quantity": Hash(
            divide_by=Integer(least=1, required=True), round=Choice("down", "up", required=True)
        ),
    }
    changes = {
        "active": FLAG,
        "currency_options": Map(_OPTION, unsets=True),
        "lookup_key": Text(200),
        "metadata": METADATA,
        "nickname": Text(),
        "tax_behavior": TAX_BEHAVIOR,
        "transfer_lookup_key": FLAG,
    }
    filters = {
        "active": FLAG,
        "created": PERIOD,
        "currency": ID,
        "lookup_keys": List(ID, most=10),
        "product": ID,
        "recurring": Hash(interval=Choice(*INTERVALS), meter=ID, usage_type=Choice("licensed", "metered")),
        "type": Choice("one_time", "recurring"),
    }
    return (
        Operation("POST", "/v1/prices", _create, creation),
        Operation("GET", "/v1/prices", _list, {**LIST, **filters}),
        searching(KIND, "/v1/prices/search"),
        reading("price", "/v1/prices/{}"),
        Operation("POST", "/v1/prices/{}", _update, changes),
    )


def _create(call: Call) -> Record:
    given = dict(call.given)
    if ("product" in given) == ("product_data" in given):
        raise errors.invalid("You must specify either `product` or `product_data` when creating a price.", "product")
    call.named("product", "product")
    amounts = _amounts(given, "")
    if "product_data" in given:
        given["product"] = products.create(call.world, given["product_data"]).id
    return _made(call, given, amounts)


def create(call: Call, given: Mapping[str, Any], *, at: str = "") -> Record:
    """A new price of a product; also one made on the way (`price_data`), whose parameters stand at a place.

    Raises:
        Refusal: What is given makes no price.
    """
    return _made(call, given, _amounts(given, at))


def _made(call: Call, given: Mapping[str, Any], amounts: Doc) -> Record:
    world = call.world
    key = given.get("lookup_key")
    if key:
        _take_key(world, key, None, transfer=bool(given.get("transfer_lookup_key")))
    data: Doc = {
        "id": ids.long_id("price"),
        "object": "price",
        "active": given.get("active", True),
        "billing_scheme": amounts["billing_scheme"],
        "created": world.now(),
        "currency": amounts["currency"],
        "custom_unit_amount": _custom(given.get("custom_unit_amount")),
        "livemode": False,
        "lookup_key": key,
        "metadata": noted({}, given.get("metadata", {})),
        "nickname": given.get("nickname"),
        "product": given["product"],
        "recurring": _recurring(given.get("recurring")),
        "tax_behavior": given.get("tax_behavior", "unspecified"),
        "tiers_mode": given.get("tiers_mode"),
        "transform_quantity": given.get("transform_quantity"),
        "type": "recurring" if given.get("recurring") else "one_time",
        "unit_amount": amounts["unit_amount"],
        "unit_amount_decimal": amounts["unit_amount_decimal"],
    }
    own = {name: data[name] for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")}
    options = {amounts["currency"]: {**own, **({"tiers": amounts["tiers"]} if amounts["tiers"] else {})}}
    options |= _currency_options(given.get("currency_options") or {}, "currency_options")
    price = world.add("price", data, more={"currency_options": options, "tiers": amounts["tiers"]})
    world.tell("price.created", price)
    return price


def _amounts(given: Mapping[str, Any], at: str) -> Doc:
    """What one unit costs, or the tiers; exactly one of the ways to say it."""

    def place(name: str) -> str:
        return f"{at}[{name}]" if at else name

    currency = currency_of(given["currency"], place("currency"))
    scheme = given.get("billing_scheme") or "per_unit"
    _refuse_period(given.get("recurring"), place("recurring"))
    if scheme == "tiered":
        if not given.get("tiers") or not given.get("tiers_mode"):
            raise errors.missing(place("tiers" if not given.get("tiers") else "tiers_mode"))
        tiers = read_tiers(given["tiers"], place("tiers"))
        return _priced(currency, scheme, None, None, tiers)
    if given.get("tiers") or given.get("tiers_mode"):
        raise errors.invalid("`tiers` may only be set when `billing_scheme` is `tiered`.", place("tiers"))
    ways = [name for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount") if name in given]
    if len(ways) > 1:
        raise errors.invalid(f"You may only specify one of these parameters: {', '.join(ways)}.", place(ways[0]))
    if not ways:
        raise errors.missing(place("unit_amount"))
    if ways == ["custom_unit_amount"]:
        return _priced(currency, scheme, None, None, None)
    amount, exact = exactly(given.get("unit_amount"), given.get("unit_amount_decimal"))
    return _priced(currency, scheme, amount, exact, None)


def _priced(currency: str, scheme: str, amount: int | None, exact: str | None, tiers: list[Doc] | None) -> Doc:
    return {
        "currency": currency,
        "billing_scheme": scheme,
        "unit_amount": amount,
        "unit_amount_decimal": exact,
        "tiers": tiers,
    }


def exactly(amount: int | None, exact: Decimal | None) -> tuple[int | None, str | None]:
    """An amount in whole minor units, if it is one, and in decimals."""
    if exact is None:
        return amount, None if amount is None else str(amount)
    return (int(exact) if exact == int(exact) else None), f"{exact.normalize():f}"


def read_tiers(given: list[Doc], at: str) -> list[Doc]:
    """Tiers as they are kept; the last goes on for ever.

    Raises:
        Refusal: The last tier ends, or they do not rise.
    """
    bounds = [tier["up_to"] for tier in given]
    if bounds[-1] != "inf":
        raise errors.invalid("The last tier must have `up_to` set to `inf`.", f"{at}[{len(given) - 1}][up_to]")
    inner = bounds[:-1]
    if "inf" in inner or inner != sorted(set(inner)):
        raise errors.invalid("Tiers must be in ascending order of `up_to`.", at)
    found = []
    for tier in given:
        flat, flat_exact = exactly(tier.get("flat_amount"), tier.get("flat_amount_decimal"))
        unit, unit_exact = exactly(tier.get("unit_amount"), tier.get("unit_amount_decimal"))
        found.append(
            {
                "flat_amount": flat,
                "flat_amount_decimal": flat_exact,
                "unit_amount": unit,
                "unit_amount_decimal": unit_exact,
                "up_to": None if tier["up_to"] == "inf" else tier["up_to"],
            }
        )
    return found


def _currency_options(given: Mapping[str, Doc], at: str) -> Doc:
    found: Doc = {}
    for name, option in given.items():
        amount, exact = exactly(option.get("unit_amount"), option.get("unit_amount_decimal"))
        found[currency_of(name, f"{at}[{name}]")] = {
            "custom_unit_amount": _custom(option.get("custom_unit_amount")),
            "tax_behavior": option.get("tax_behavior", "unspecified"),
            "unit_amount": amount,
            "unit_amount_decimal": exact,
            **({"tiers": read_tiers(option["tiers"], f"{at}[{name}][tiers]")} if option.get("tiers") else {}),
        }
    return found


def _refuse_period(recurring: Mapping[str, Any] | None, at: str) -> None:
    if not recurring:
        return
    longest = INTERVALS[recurring["interval"]]
    if recurring.get("interval_count", 1) > longest:
        raise errors.invalid(
            f"`interval_count` for the interval `{recurring['interval']}` must be at most {longest}: a period is at "
            "most three years.",
            f"{at}[interval_count]",
        )


def _recurring(given: Mapping[str, Any] | None) -> Doc | None:
    if not given:
        return None
    return {
        "interval": given["interval"],
        "interval_count": given.get("interval_count", 1),
        "meter": given.get("meter"),
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": given.get("usage_type", "licensed"),
    }


def _custom(given: Mapping[str, Any] | None) -> Doc | None:
    if not given:
        return None
    return {name: given.get(name) for name in ("maximum", "minimum", "preset")}


def _list(call: Call) -> Doc:
    recurring = call.get("recurring", {})

    def meant(one: Record) -> bool:
        data = one.data
        if not within(data["created"], call.get("created")):
            return False
        if call.get("lookup_keys") and data["lookup_key"] not in call.given["lookup_keys"]:
            return False
        if recurring and any((data["recurring"] or {}).get(name) != value for name, value in recurring.items()):
            return False
        return all(
            data[name] == call.given[name] for name in ("active", "currency", "product", "type") if call.has(name)
        )

    return page(call, (one for one in call.world.store.all("price") if meant(one)), kind="price")


def _update(call: Call) -> Record:
    price, world = call.world.need("price", call.ids[0]), call.world
    behavior = call.get("tax_behavior")
    if behavior and price.data["tax_behavior"] not in {"unspecified", behavior}:
        raise errors.invalid("Once specified, tax behavior of a price cannot be changed.", "tax_behavior")
    if key := call.get("lookup_key"):
        _take_key(world, key, price, transfer=bool(call.get("transfer_lookup_key")))
    if call.has("currency_options"):
        own = price.data["currency"]
        given = _currency_options(call.given["currency_options"] or {}, "currency_options")
        price.more["currency_options"] = {own: price.more["currency_options"][own], **given}
    with world.changing(price) as data:
        for name in ("active", "lookup_key", "nickname", "tax_behavior"):
            if call.has(name):
                data[name] = call.given[name]
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return price


def _take_key(world: World, key: str, wanting: Record | None, *, transfer: bool) -> None:
    """A lookup key names one price; another may take it over when it says so."""
    if not re.fullmatch(r"[\x20-\x7e]+", key):
        raise errors.invalid("Invalid lookup_key.", "lookup_key")
    holder = next((one for one in world.store.all("price") if one.data["lookup_key"] == key), None)
    if holder is None or holder is wanting:
        return
    if not transfer:
        raise errors.invalid(
            f"A price (`{holder.id}`) already uses that lookup key.", "lookup_key", "resource_already_exists"
        )
    with world.changing(holder) as data:
        data["lookup_key"] = None
