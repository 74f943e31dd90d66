"""What confirming a payment and confirming a set-up have in common: the card, and whether its bank asks its owner."""

from typing import Any, Final

from sandbox.stripe import errors, payment_methods
from sandbox.stripe.cards import Decline
from sandbox.stripe.operations import Call
from sandbox.stripe.params import Choice, Flag, Hash, List, Metadata, Shape, Text
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

METHOD_TYPES: Final = List(Choice("card", "link"), least=1)
OPTIONS: Final = Hash(
    card=Hash(
        request_three_d_secure=Choice("any", "automatic", "challenge"),
        setup_future_usage=Choice("none", "off_session", "on_session", unsets=True),
    ),
    unsets=True,
)
MANDATE: Final = Hash(
    customer_acceptance=Hash(
        accepted_at=Text(unsets=False),
        offline=Hash(),
        online=Hash(ip_address=Text(), user_agent=Text()),
        type=Choice("offline", "online", required=True),
        required=True,
    ),
    unsets=True,
)
CHOSEN: Final[dict[str, Shape]] = {
    "mandate_data": MANDATE,
    "payment_method": Text(),
    "payment_method_data": Hash(payment_methods.DATA),
    "payment_method_options": OPTIONS,
}
AUTOMATIC: Final = Hash(allow_redirects=Choice("always", "never"), enabled=Flag(required=True))
NOTES: Final = Metadata()
FAILED: Final = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this {} again."
)


def chosen(call: Call) -> Record | None:
    """The payment method that a call names or describes.

    Raises:
        Refusal: There is none of that id, or it describes none.
    """
    if call.get("payment_method_data"):
        return payment_methods.of_data(call.world, call.given["payment_method_data"], "payment_method_data")
    if call.get("payment_method"):
        return payment_methods.usable(call.world, call.given["payment_method"])
    return None


def refuse_foreign(method: Record, customer: str | None, what: str) -> None:
    """Refuse a payment method of somebody else.

    Raises:
        Refusal: It is another customer's, or belongs to nobody any more.
    """
    owner = method.data["customer"]
    if method.more.get("detached"):
        raise errors.invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be "
            "used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
            "payment_method",
        )
    if owner is not None and customer is None:
        raise errors.invalid(
            f"The payment method supplied ({method.id}) belongs to a Customer. Please include the Customer in the "
            f"`customer` parameter on the {what}.",
            "payment_method",
        )
    if owner not in {None, customer}:
        raise errors.invalid(
            f"The customer does not have a payment method with the ID {method.id}. The payment method must be "
            "attached to the customer.",
            "payment_method",
            "resource_missing",
        )


def asks(method: Record, intent: Record, *, off_session: bool) -> bool:
    """Whether the bank asks its customer to authenticate."""
    card = payment_methods.card_of(method)
    wanted = (intent.data["payment_method_options"].get("card") or {}).get("request_three_d_secure")
    if card.authentication == "always":
        return True
    if off_session:
        return card.authentication == "unless_set_up" and not method.more["set_up"]
    return card.authentication in {"unless_set_up", "on_session"} or wanted in {"any", "challenge"}


def action(world: World, intent: Record, return_url: str | None, *, sdk: bool) -> Doc:
    """What has to be done next: the person goes to a page of the bank, alone or led there by Stripe's own code."""
    page = f"{world.pages}/authenticate/{intent.id}"
    intent.more["return_url"] = return_url
    if return_url and not sdk:
        return {"redirect_to_url": {"return_url": return_url, "url": page}, "type": "redirect_to_url"}
    leads = {"source": intent.id, "stripe_js": page, "type": "three_d_secure_redirect"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": leads}


def refused(decline: Decline, intent: Record, method: Record, **more: Any) -> errors.Refusal:
    """The answer to a card that was declined, with the intent as it is now."""
    refusal = payment_methods.card_error(decline, payment_method=method.shown(), **more)
    refusal.more[intent.kind] = intent.shown()
    return refusal


def told(refusal: errors.Refusal) -> Doc:
    """A refusal as an intent keeps it."""
    found = refusal.error("")
    return {name: value for name, value in found.items() if name not in {"request_log_url", "payment_intent"}}


def unexpected(
    verb: str, intent: Record, what: str, allowed: tuple[str, ...] = (), done: str = "confirmed"
) -> errors.Refusal:
    """The intent is in no state for what was asked."""
    name = "payment_intent" if what == "PaymentIntent" else "setup_intent"
    only = (
        f" Only a {what} with one of the following statuses may be {done}: {', '.join(allowed)}." if allowed else ""
    )
    return errors.Refusal(
        400,
        f"You cannot {verb} this {what} because it has a status of {intent.data['status']}.{only}",
        code=f"{name}_unexpected_state",
        remembered=False,
        payment_intent=intent.shown() if intent.kind == "payment_intent" else None,
        setup_intent=intent.shown() if intent.kind == "setup_intent" else None,
    )
