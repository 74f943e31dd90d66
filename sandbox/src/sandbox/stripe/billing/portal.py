"""The customer portal: its settings, its sessions, what people do there.

https://docs.stripe.com/api/customer_portal
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from sandbox.stripe import errors, ids
from sandbox.stripe.billing import payments, subscriptions, terms
from sandbox.stripe.billing.subscriptions import CANCELLATION
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, Call, Operation, page, reading
from sandbox.stripe.params import Choice, Hash, List, Shape, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

SESSION: Final = "billing_portal.session"
CONFIGURATION: Final = "billing_portal.configuration"
KIND: Final = Kind(SESSION, links={"configuration": CONFIGURATION})
SETTINGS: Final = Kind(CONFIGURATION, noun="configuration")
_PATH: Final = "/v1/billing_portal"
_ALLOWED: Final = ("address", "email", "name", "phone", "shipping", "tax_id")
_REASONS: Final = (
    "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex",
    "too_expensive", "unused",
)  # fmt: skip
_SWITCHES: Final = Hash(
    default_allowed_updates=List(Choice("price", "promotion_code", "quantity"), unsets=True),
    enabled=FLAG,
    products=List(Hash(prices=List(ID), product=ID), most=10, unsets=True),
    proration_behavior=Choice("always_invoice", "create_prorations", "none"),
    schedule_at_period_end=Hash(conditions=List(Hash(type=Choice("decreasing_item_amount", "shortening_interval")))),
)
_FIELDS: Final[Mapping[str, Shape]] = {
    "business_profile": Hash(headline=Text(60), privacy_policy_url=Text(), terms_of_service_url=Text(), unsets=True),
    "default_return_url": Text(),
    "features": Hash(
        customer_update=Hash(allowed_updates=List(Choice(*_ALLOWED), unsets=True), enabled=FLAG),
        invoice_history=Hash(enabled=FLAG),
        payment_method_update=Hash(enabled=FLAG),
        subscription_cancel=Hash(
            cancellation_reason=Hash(enabled=FLAG, options=List(Choice(*_REASONS), unsets=True)),
            enabled=FLAG,
            mode=Choice("at_period_end", "immediately"),
            proration_behavior=Choice("always_invoice", "create_prorations", "none"),
        ),
        subscription_update=_SWITCHES,
    ),
    "login_page": Hash(enabled=FLAG),
    "metadata": METADATA,
    "name": Text(),
}
_FLOW: Final = Hash(
    after_completion=Hash(
        hosted_confirmation=Hash(custom_message=Text(500)),
        redirect=Hash(return_url=Text(required=True)),
        type=Choice("hosted_confirmation", "portal_homepage", "redirect", required=True),
    ),
    subscription_cancel=Hash(subscription=Text(required=True)),
    subscription_update=Hash(subscription=Text(required=True)),
    type=Choice("payment_method_update", "subscription_cancel", "subscription_update", required=True),
)
_BEGINNING: Final[Doc] = {
    "customer_update": {"allowed_updates": ["email", "address", "name", "tax_id"], "enabled": True},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": list(_REASONS)},
        "enabled": True,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


def operations() -> tuple[Operation, ...]:
    """All that is done with the portal by the API."""
    asking = {
        "configuration": ID,
        "customer": Text(required=True, unsets=False),
        "flow_data": _FLOW,
        "locale": Text(10),
        "return_url": Text(),
    }
    path = f"{_PATH}/configurations"
    return (
        Operation("POST", f"{_PATH}/sessions", _open, asking),
        Operation("POST", path, _configure, _FIELDS),
        Operation("GET", path, _list, {**LIST, "active": FLAG, "is_default": FLAG}),
        reading(CONFIGURATION, path + "/{}"),
        Operation("POST", path + "/{}", _reconfigure, {**_FIELDS, "active": FLAG}),
    )


def _configure(call: Call) -> Record:
    if not call.has("features"):
        raise errors.missing("features")
    made = _new(call.world, call.given, default=False)
    call.world.tell("billing_portal.configuration.created", made)
    return made


def _new(world: World, given: Mapping[str, Any], *, default: bool) -> Record:
    features = deepcopy(_BEGINNING)
    if not default:
        for feature in features.values():
            feature["enabled"] = False
    data: Doc = {
        "id": ids.long_id("bpc"),
        "object": CONFIGURATION,
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": world.now(),
        "default_return_url": None,
        "features": features,
        "is_default": default,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": world.now(),
    }
    _write(data, given)
    return world.add(CONFIGURATION, data)


def _write(data: Doc, given: Mapping[str, Any]) -> None:
    for name in ("active", "default_return_url", "name"):
        if name in given:
            data[name] = given[name]
    data["business_profile"] |= given.get("business_profile") or {}
    data["login_page"] |= given.get("login_page") or {}
    for name, feature in (given.get("features") or {}).items():
        data["features"][name] |= feature
    if "metadata" in given:
        data["metadata"] = noted(data["metadata"], given["metadata"])


def _list(call: Call) -> Doc:
    found = (
        one
        for one in call.world.store.all(CONFIGURATION)
        if all(one.data[name] == call.given[name] for name in ("active", "is_default") if call.has(name))
    )
    return page(call, found, kind=CONFIGURATION)


def _reconfigure(call: Call) -> Record:
    record = call.world.need(CONFIGURATION, call.ids[0])
    with call.world.changing(record, "billing_portal.configuration.updated") as data:
        _write(data, call.given)
        data["updated"] = call.world.now()
    return record


def _default(world: World) -> Record:
    """The account's own settings, which are as a dashboard has them once they were saved."""
    found = next((one for one in world.store.all(CONFIGURATION) if one.data["is_default"]), None)
    return found or _new(world, {}, default=True)


def _open(call: Call) -> Record:
    world, given = call.world, call.given
    customer = world.need("customer", given["customer"], param="customer", status=400)
    settings = call.named(CONFIGURATION, "configuration") or _default(world)
    flow = given.get("flow_data")
    identifier = ids.long_id("bps")
    token = f"test_{ids.letters(40)}"
    data: Doc = {
        "id": identifier,
        "object": SESSION,
        "configuration": settings.id,
        "created": world.now(customer.clock),
        "customer": customer.id,
        "customer_account": None,
        "flow": _flow(call, flow) if flow else None,
        "livemode": False,
        "locale": given.get("locale"),
        "on_behalf_of": None,
        "return_url": given.get("return_url") or settings.data["default_return_url"],
        "url": f"{world.pages}/portal/{token}",
    }
    session = world.add(SESSION, data, more={"token": token}, clock=customer.clock)
    world.tell("billing_portal.session.created", session)
    return session


def _flow(call: Call, flow: Mapping[str, Any]) -> Doc:
    kind = flow["type"]
    if kind != "payment_method_update":
        at = f"flow_data[{kind}]"
        if not flow.get(kind):
            raise errors.missing(at)
        found = call.world.need("subscription", flow[kind]["subscription"], param=f"{at}[subscription]", status=400)
        if found.data["customer"] != call.given["customer"]:
            raise errors.invalid("The subscription is not of this customer.", f"{at}[subscription]")
    after = flow.get("after_completion") or {"type": "portal_homepage"}
    return {
        "after_completion": {
            "hosted_confirmation": after.get("hosted_confirmation"),
            "redirect": after.get("redirect"),
            "type": after["type"],
        },
        "subscription_cancel": {"retention": None, **flow["subscription_cancel"]}
        if flow.get("subscription_cancel")
        else None,
        "subscription_update": flow.get("subscription_update"),
        "subscription_update_confirm": None,
        "type": kind,
    }


def by_token(world: World, token: str) -> Record | None:
    """The session that a page's address names, by its id or by what stands in the address."""
    named = (one for one in world.store.all(SESSION) if token in {one.id, one.more["token"]})
    return next(named, None)


def _feature(world: World, session: Record, name: str) -> Doc:
    settings = world.need(CONFIGURATION, session.data["configuration"])
    feature: Doc = settings.data["features"][name]
    if not feature["enabled"]:
        raise errors.invalid(f"The portal's settings do not allow this: {name}.")
    return feature


def _own(world: World, session: Record, identifier: str) -> Record:
    found = world.need("subscription", identifier)
    if found.data["customer"] != session.data["customer"]:
        raise errors.no_such("subscription", identifier)
    return found


def cancel(world: World, session: Record, identifier: str, details: Mapping[str, Any] | None = None) -> Record:
    """Somebody cancels a subscription, in the way the portal's settings say.

    Raises:
        Refusal: They may not, or it is not theirs.
    """
    feature = _feature(world, session, "subscription_cancel")
    subscription = _own(world, session, identifier)
    said = Hash(cancellation_details=CANCELLATION).read({"cancellation_details": details}, "") if details else None
    about = said or {}
    if feature["mode"] == "at_period_end":
        subscriptions.update(Call(world, (identifier,), {"cancel_at_period_end": True, **about}, ""), subscription)
        return subscription
    prorates = feature["proration_behavior"] != "none"
    given = {"prorate": prorates, "invoice_now": feature["proration_behavior"] == "always_invoice", **about}
    return subscriptions.cancel(Call(world, (identifier,), given, ""))


def keep(world: World, session: Record, identifier: str) -> Record:
    """Somebody takes back that a subscription ends with its period.

    Raises:
        Refusal: It is not theirs, or has ended.
    """
    subscription = _own(world, session, identifier)
    if subscription.data["status"] in {"canceled", "incomplete_expired"}:
        raise errors.invalid("This subscription has ended.")
    subscriptions.update(Call(world, (identifier,), {"cancel_at_period_end": False}, ""), subscription)
    return subscription


def switch(world: World, session: Record, identifier: str, price: str, quantity: int | None = None) -> Record:
    """Somebody changes to another price.

    Raises:
        Refusal: They may not, or that price is not on offer.
    """
    feature = _feature(world, session, "subscription_update")
    offered = [one for each in feature.get("products") or [] for one in each["prices"]]
    if price not in offered:
        raise errors.no_such("price", price, "price", 400)
    subscription = _own(world, session, identifier)
    first = terms.items_of(subscription.data)[0]
    item = {"id": first["id"], "price": price, **({} if quantity is None else {"quantity": quantity})}
    given = {"items": [item], "proration_behavior": feature["proration_behavior"]}
    subscriptions.update(Call(world, (identifier,), given, ""), subscription)
    return subscription


def change_card(world: World, session: Record, card: Mapping[str, Any]) -> str:
    """Somebody gives another card: it is the customer's from then on, and that of all their subscriptions.

    Raises:
        Refusal: They may not, or the card is no good.
    """
    _feature(world, session, "payment_method_update")
    customer = world.need("customer", session.data["customer"])
    method = payments.card(world, card)
    payments.attach(world, method, customer)
    payments.set_up(world, customer, method, {})
    with world.changing(customer) as data:
        data["invoice_settings"]["default_payment_method"] = method
    for one in world.store.all("subscription"):
        if one.data["customer"] == customer.id and one.data["status"] not in {"canceled", "incomplete_expired"}:
            with world.changing(one, "customer.subscription.updated") as data:
                data["default_payment_method"] = method
    return method
