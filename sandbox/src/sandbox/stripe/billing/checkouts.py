"""Checkout Sessions: https://docs.stripe.com/api/checkout/sessions. What is sold, and what time does to the offer."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.stripe import errors, ids, prices
from sandbox.stripe.billing import choosing, orders
from sandbox.stripe.billing.subscriptions import AUTOMATIC_TAX, INVOICE_SETTINGS, TRIAL_SETTINGS
from sandbox.stripe.kinds import Kind, sublist
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, TIME, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Hash, Integer, List, Shape, Text, noted
from sandbox.stripe.store import Doc, Record, Store
from sandbox.stripe.world import World

SESSION: Final = "checkout.session"
_PATH: Final = "/v1/checkout/sessions"
_DAY: Final = 86_400
_ADJUSTABLE: Final = Hash(
    enabled=FLAG, maximum=Integer(least=1, most=999_999), minimum=Integer(least=0, most=999_999)
)
_PRICE: Final = Hash(
    currency=Text(required=True),
    product=ID,
    product_data=Hash(description=Text(), metadata=METADATA, name=Text(required=True), tax_code=Text()),
    recurring=prices.RECURRING,
    tax_behavior=prices.TAX_BEHAVIOR,
    unit_amount=prices.AMOUNT,
    unit_amount_decimal=prices.EXACT,
)
_ITEM: Final = Hash(
    adjustable_quantity=_ADJUSTABLE,
    dynamic_tax_rates=List(ID),
    metadata=METADATA,
    price=ID,
    price_data=_PRICE,
    quantity=Integer(least=1, most=999_999),
    tax_rates=List(ID),
)
_SUBSCRIPTION: Final = Hash(
    billing_cycle_anchor=TIME,
    billing_mode=Hash(
        flexible=Hash(proration_discounts=Choice("included", "itemized")),
        type=Choice("classic", "flexible", required=True),
    ),
    default_tax_rates=List(ID),
    description=Text(500),
    invoice_settings=INVOICE_SETTINGS,
    metadata=METADATA,
    proration_behavior=Choice("create_prorations", "none"),
    trial_end=TIME,
    trial_period_days=Integer(least=1, most=choosing.LONGEST_TRIAL),
    trial_settings=TRIAL_SETTINGS,
)
_INTENT: Final = Hash(
    capture_method=Choice("automatic", "automatic_async"),
    description=Text(1000),
    metadata=METADATA,
    receipt_email=Text(),
    setup_future_usage=Choice("off_session", "on_session"),
    statement_descriptor=Text(22),
    statement_descriptor_suffix=Text(22),
)
_HEX: Final = r"#[0-9a-fA-F]{6}"
_IMAGE: Final = Hash(file=ID, type=Choice("file", "url", required=True), url=Text())
_BRANDING: Final = Hash(
    background_color=Text(pattern=_HEX),
    border_style=Choice("pill", "rectangular", "rounded", unsets=True),
    button_color=Text(pattern=_HEX),
    display_name=Text(),
    font_family=Text(),
    icon=_IMAGE,
    logo=_IMAGE,
)
_TEXTS: Final = Hash(message=Text(1200, required=True), unsets=True)
_CREATION: Final[Mapping[str, Shape]] = {
    "adaptive_pricing": Hash(enabled=FLAG),
    "allow_promotion_codes": FLAG,
    "automatic_tax": AUTOMATIC_TAX,
    "billing_address_collection": Choice("auto", "required"),
    "branding_settings": _BRANDING,
    "cancel_url": Text(),
    "client_reference_id": Text(200),
    "consent_collection": Hash(promotions=Choice("auto", "none"), terms_of_service=Choice("none", "required")),
    "currency": Text(),
    "custom_text": Hash(
        after_submit=_TEXTS, shipping_address=_TEXTS, submit=_TEXTS, terms_of_service_acceptance=_TEXTS
    ),
    "customer": ID,
    "customer_creation": Choice("always", "if_required"),
    "customer_email": Text(800),
    "customer_update": Hash(
        address=Choice("auto", "never"), name=Choice("auto", "never"), shipping=Choice("auto", "never")
    ),
    "discounts": List(Hash(coupon=ID, promotion_code=ID), most=1),
    "expires_at": TIME,
    "invoice_creation": Hash(
        enabled=FLAG,
        invoice_data=Hash(
            custom_fields=List(Hash(name=Text(40, required=True), value=Text(140, required=True)), unsets=True),
            description=Text(1500),
            footer=Text(5000),
            metadata=METADATA,
        ),
    ),
    "line_items": List(_ITEM, most=100),
    "locale": Text(10),
    "metadata": METADATA,
    "mode": Choice("payment", "setup", "subscription", required=True),
    "payment_intent_data": _INTENT,
    "payment_method_collection": Choice("always", "if_required"),
    "payment_method_types": List(Choice("card", "link", "paypal", "sepa_debit"), most=100),
    "phone_number_collection": Hash(enabled=FLAG),
    "saved_payment_method_options": Hash(
        allow_redisplay_filters=List(Choice("always", "limited", "unspecified")),
        payment_method_remove=Choice("disabled", "enabled"),
        payment_method_save=Choice("disabled", "enabled"),
    ),
    "setup_intent_data": Hash(description=Text(1000), metadata=METADATA),
    "submit_type": Choice("auto", "book", "donate", "pay", "subscribe"),
    "subscription_data": _SUBSCRIPTION,
    "success_url": Text(),
    "tax_id_collection": Hash({"enabled": FLAG, "required": Choice("if_supported", "never")}),
    "ui_mode": Choice("hosted_page"),
}


def _line_items(_: Store, session: Record) -> Doc:
    return sublist(f"{_PATH}/{session.id}/line_items", session.more["lines"])


KIND: Final = Kind(
    SESSION,
    noun="checkout.session",
    links={
        "customer": "customer",
        "invoice": "invoice",
        "payment_intent": "payment_intent",
        "setup_intent": "setup_intent",
        "subscription": "subscription",
    },
    on_demand={"line_items": _line_items},
)


def operations() -> tuple[Operation, ...]:
    """All that is done with Checkout Sessions by the API."""
    filters = {
        "created": PERIOD,
        "customer": ID,
        "customer_details": Hash(email=Text(required=True)),
        "payment_intent": ID,
        "status": Choice("complete", "expired", "open"),
        "subscription": ID,
    }
    return (
        Operation("POST", _PATH, _create, _CREATION),
        Operation("GET", _PATH, _list, {**LIST, **filters}),
        reading(SESSION, _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, {"metadata": METADATA}),
        Operation("POST", _PATH + "/{}/expire", _expire),
        Operation("GET", _PATH + "/{}/line_items", _list_lines, LIST),
    )


def _create(call: Call) -> Record:
    world, given = call.world, call.given
    _refuse_contradictions(given)
    customer = call.named("customer", "customer")
    now = world.now(customer.clock if customer else None)
    bought = orders.bought(call)
    data = _session(call, customer, now, bought)
    more: Doc = {
        "bought": bought,
        "subscription": orders.subscription_fields(call) if given["mode"] == "subscription" else {},
        "intent": given.get("payment_intent_data") or given.get("setup_intent_data") or {},
        "invoice": (given.get("invoice_creation") or {}).get("invoice_data") or {},
        "discounts": given.get("discounts") or [],
        "lines": [],
    }
    session = world.add(SESSION, data, more=more, clock=customer.clock if customer else None)
    orders.reckon(world, session)
    world.agenda.put(session.clock, session.id, data["expires_at"])
    return session


def _refuse_contradictions(given: Mapping[str, Any]) -> None:
    mode = given["mode"]
    if not given.get("success_url"):
        raise errors.missing("success_url")
    if mode != "setup" and not given.get("line_items"):
        raise errors.missing("line_items")
    if mode == "setup" and given.get("line_items"):
        raise errors.invalid("`line_items` cannot be used in `setup` mode.", "line_items")
    if mode != "subscription" and given.get("subscription_data"):
        raise errors.invalid("You can not pass `subscription_data` in `payment` mode.", "subscription_data")
    if mode != "payment" and given.get("payment_intent_data"):
        raise errors.invalid(f"You can not pass `payment_intent_data` in `{mode}` mode.", "payment_intent_data")
    if mode != "setup" and given.get("setup_intent_data"):
        raise errors.invalid(f"You can not pass `setup_intent_data` in `{mode}` mode.", "setup_intent_data")
    if given.get("allow_promotion_codes") and given.get("discounts"):
        raise errors.invalid(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.", "allow_promotion_codes"
        )
    if given.get("customer") and given.get("customer_email"):
        raise errors.invalid("You may only specify one of these parameters: customer, customer_email.", "customer")
    if given.get("payment_method_collection") and mode != "subscription":
        raise errors.invalid(
            "`payment_method_collection` is for `subscription` mode only.", "payment_method_collection"
        )
    _refuse_untaxable(given)


def _refuse_untaxable(given: Mapping[str, Any]) -> None:
    collects = (given.get("tax_id_collection") or {}).get("enabled")
    if collects and given.get("customer") and (given.get("customer_update") or {}).get("name") != "auto":
        raise errors.invalid(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an "
            "existing customer, please set `customer_update[name]` to `auto`.",
            "tax_id_collection[enabled]",
        )


def _expiry(given: Mapping[str, Any], now: int) -> int:
    at = given.get("expires_at")
    if at is None:
        return now + _DAY
    if not now + 1800 <= at <= now + _DAY:
        raise errors.invalid(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from Checkout Session "
            "creation.",
            "expires_at",
        )
    return int(at)


def _branding(given: Mapping[str, Any] | None) -> Doc:
    """What a page that was given a look of its own shows beside it; others do not say."""
    if not given:
        return {}
    account = {
        "background_color": "#ffffff",
        "border_style": "rounded",
        "button_color": "#0074d4",
        "display_name": "Sandbox",
        "font_family": "default",
        "icon": None,
        "logo": None,
    }
    return {"branding_settings": {**account, **{name: value for name, value in given.items() if value is not None}}}


def _session(call: Call, customer: Record | None, now: int, bought: list[orders.Item]) -> Doc:
    given, mode = call.given, call.given["mode"]
    identifier = f"cs_test_a1{ids.letters(56)}"
    tax = given.get("automatic_tax") or {"enabled": False}
    currency = currency_of(given["currency"]) if given.get("currency") else (bought[0].currency if bought else None)
    creates = given.get("customer_creation", "always" if mode == "subscription" else "if_required")
    return {
        "id": identifier,
        "object": SESSION,
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": given.get("allow_promotion_codes"),
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {
            "enabled": tax["enabled"],
            "liability": {"type": "self"} if tax["enabled"] else None,
            "provider": "stripe" if tax["enabled"] else None,
            "status": "requires_location_inputs" if tax["enabled"] else None,
        },
        "billing_address_collection": given.get("billing_address_collection"),
        **_branding(given.get("branding_settings")),
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": given.get("consent_collection"),
        "created": now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            name: (given.get("custom_text") or {}).get(name)
            for name in ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        },
        "customer": customer.id if customer else None,
        "customer_account": None,
        "customer_creation": None if customer else creates,
        "customer_details": _details(customer, given),
        "customer_email": given.get("customer_email"),
        "discounts": [],
        "expires_at": _expiry(given, now),
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": _invoice_creation(given) if mode == "payment" else None,
        "livemode": False,
        "locale": given.get("locale"),
        "managed_payments": {"enabled": False},
        "metadata": noted({}, given.get("metadata", {})),
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": given.get("payment_method_collection", "always")
        if mode == "subscription"
        else None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": given.get("payment_method_types") or ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": bool((given.get("phone_number_collection") or {}).get("enabled"))},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": given.get("submit_type"),
        "subscription": None,
        "success_url": given["success_url"],
        "tax_id_collection": {
            "enabled": bool((given.get("tax_id_collection") or {}).get("enabled")),
            "required": (given.get("tax_id_collection") or {}).get("required", "never"),
        },
        "total_details": None if mode == "setup" else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{call.world.pages}/checkout/{identifier}",
        "wallet_options": None,
    }


def _details(customer: Record | None, given: Mapping[str, Any]) -> Doc | None:
    """Who buys, as far as is known before they have said so."""
    email = customer.data["email"] if customer else given.get("customer_email")
    if email is None:
        return None
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": customer.data["tax_exempt"] if customer else "none",
        "tax_ids": None,
    }


def _invoice_creation(given: Mapping[str, Any]) -> Doc:
    asked = given.get("invoice_creation") or {}
    data = asked.get("invoice_data") or {}
    names = ("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")
    whole = {name: data.get(name) for name in names}
    return {"enabled": bool(asked.get("enabled")), "invoice_data": {**whole, "metadata": data.get("metadata") or {}}}


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        data = one.data
        email = (call.get("customer_details") or {}).get("email")
        if email is not None and (data["customer_details"] or {}).get("email") != email:
            return False
        same = ("customer", "payment_intent", "status", "subscription")
        return within(data["created"], call.get("created")) and all(
            data[name] == call.given[name] for name in same if call.has(name)
        )

    return page(call, (one for one in call.world.store.all(SESSION) if meant(one)), kind=SESSION)


def _update(call: Call) -> Record:
    session = call.world.need(SESSION, call.ids[0])
    if call.has("metadata"):
        session.data["metadata"] = noted(session.data["metadata"], call.given["metadata"])
    return session


def _expire(call: Call) -> Record:
    session = call.world.need(SESSION, call.ids[0])
    if session.data["status"] != "open":
        raise errors.invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{session.data['status']}."
        )
    lapse(call.world, session)
    return session


def lapse(world: World, session: Record) -> None:
    """The offer is over."""
    session.data |= {"status": "expired", "url": None}
    world.agenda.put(session.clock, session.id, None)
    world.tell("checkout.session.expired", session)


def look_at(world: World, session: Record) -> None:
    """Its moment has come: an open session lapses."""
    if session.data["status"] == "open":
        lapse(world, session)


def _list_lines(call: Call) -> Doc:
    session = call.world.need(SESSION, call.ids[0])
    return orders.part(call, session.more["lines"])
