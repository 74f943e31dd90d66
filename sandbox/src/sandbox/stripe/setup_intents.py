"""Setup intents as the API has them: https://docs.stripe.com/api/setup_intents."""

from typing import Final

from sandbox.stripe import confirming, errors, setting_up
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import FLAG, ID, METADATA, PERIOD, Call, Operation, listing, reading
from sandbox.stripe.params import Choice, Text, noted
from sandbox.stripe.store import Record

KIND: Final = Kind(
    "setup_intent",
    noun="setupintent",
    links={"customer": "customer", "latest_attempt": "setup_attempt", "payment_method": "payment_method"},
)
ATTEMPT: Final = Kind("setup_attempt", links={"customer": "customer", "payment_method": "payment_method"})


def operations() -> tuple[Operation, ...]:
    """All that is done with setup intents."""
    path = "/v1/setup_intents"
    about = {
        "allowed_payment_method_types": confirming.METHOD_TYPES,
        "customer": ID,
        "description": Text(1_000),
        "metadata": METADATA,
        "payment_method_types": confirming.METHOD_TYPES,
    }
    back = {"return_url": Text(pattern=r"[a-z][a-z0-9+.-]*://\S+"), "use_stripe_sdk": FLAG}
    creation = {
        **about,
        **back,
        **confirming.CHOSEN,
        "automatic_payment_methods": confirming.AUTOMATIC,
        "confirm": FLAG,
        "usage": Choice("off_session", "on_session"),
    }
    filters = {"created": PERIOD, "customer": ID, "payment_method": ID}
    reasons = Choice("abandoned", "duplicate", "requested_by_customer")
    return (
        Operation("POST", path, _create, creation),
        listing("setup_intent", "customer", "payment_method", path=path, **filters),
        reading("setup_intent", f"{path}/{{}}"),
        Operation("POST", f"{path}/{{}}", _update, {**about, **confirming.CHOSEN}),
        Operation("POST", f"{path}/{{}}/confirm", _confirm, {**back, **confirming.CHOSEN}),
        Operation("POST", f"{path}/{{}}/cancel", _cancel, {"cancellation_reason": reasons}),
    )


def _create(call: Call) -> Record:
    for name in ("mandate_data", "return_url"):
        if call.has(name) and not call.get("confirm"):
            raise errors.invalid(
                f"`{name}` cannot be passed when creating a SetupIntent unless `confirm` is set to true.", name
            )
    customer = call.named("customer", "customer")
    method = confirming.chosen(call)
    if call.get("confirm") and method is None:
        raise setting_up.without_method()
    if method is not None:
        confirming.refuse_foreign(method, customer.id if customer else None, setting_up.WHAT)
    types = call.get("payment_method_types") or call.get("allowed_payment_method_types")
    automatic = call.get("automatic_payment_methods") or {}
    shown = {"allow_redirects": automatic.get("allow_redirects", "always"), "enabled": automatic.get("enabled", True)}
    intent = setting_up.make(
        call.world,
        customer=customer,
        automatic_payment_methods=None if types else shown,
        description=call.get("description"),
        metadata=noted({}, call.get("metadata", {})),
        payment_method=method.id if method else None,
        payment_method_types=types or ["card"],
        status="requires_confirmation" if method else "requires_payment_method",
        usage=call.get("usage", "off_session"),
    )
    return _confirmed(call, intent, method) if call.get("confirm") else intent


def _update(call: Call) -> Record:
    intent = call.world.need("setup_intent", call.ids[0])
    customer, method = call.named("customer", "customer"), confirming.chosen(call)
    if method is not None and intent.data["status"] not in setting_up.OPEN:
        raise confirming.unexpected("update", intent, setting_up.WHAT)
    if customer is not None:
        intent.data["customer"] = customer.id
    if method is not None:
        confirming.refuse_foreign(method, intent.data["customer"], setting_up.WHAT)
        intent.data |= {"payment_method": method.id, "status": "requires_confirmation", "next_action": None}
    if call.has("description"):
        intent.data["description"] = call.given["description"]
    if call.has("metadata"):
        intent.data["metadata"] = noted(intent.data["metadata"], call.given["metadata"])
    return intent


def _confirm(call: Call) -> Record:
    intent = call.world.need("setup_intent", call.ids[0])
    return _confirmed(call, intent, confirming.chosen(call))


def _confirmed(call: Call, intent: Record, method: Record | None) -> Record:
    refusal = setting_up.confirm(
        call.world,
        intent,
        method=method,
        return_url=call.get("return_url"),
        sdk=bool(call.get("use_stripe_sdk")),
    )
    if refusal is not None:
        raise refusal
    return intent


def _cancel(call: Call) -> Record:
    intent = call.world.need("setup_intent", call.ids[0])
    setting_up.cancel(call.world, intent, call.get("cancellation_reason"))
    return intent
