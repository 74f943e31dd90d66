"""What is asked of Stripe for a page: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from billing.branding import AS_THE_ACCOUNT, Brand
from billing.catalogue.catalogue import CATALOGUE
from billing.checkouts.model import Checkout, CheckoutKind

RETURNS: Final = "/v1/billing/checkout-returns"


@dataclass(frozen=True, slots=True)
class Places:
    """Where browsers meet us and where they go in the end; whether Stripe computes taxes, and how its pages look."""

    public_url: str
    console_url: str
    automatic_tax: bool
    brand: Brand = AS_THE_ACCOUNT

    def back(self, checkout: Checkout) -> str:
        """Where Stripe sends the browser when all is done; it puts the session's id into the braces."""
        return f"{self.public_url}{RETURNS}/{checkout.id}?session_id={{CHECKOUT_SESSION_ID}}"

    def console(self, checkout_id: object) -> str:
        """Where the browser goes in the end."""
        return f"{self.console_url}?checkout={checkout_id}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A checkout with what its page needs: Stripe's ids of the customer, of prices by lookup key, of the coupon."""

    checkout: Checkout
    customer: str
    prices: Mapping[str, str]
    coupon: str | None

    @property
    def complete(self) -> bool:
        """Whether Stripe has everything that the page sells."""
        return set(self.prices) == set(lookup_keys(self.checkout))


def lookup_keys(checkout: Checkout) -> Mapping[str, int]:
    """The prices that a checkout sells, with how many of each."""
    offer = checkout.offer
    plan = CATALOGUE.plan(offer.plan, offer.version) if offer else None
    if offer is None or plan is None:
        return {}
    own = plan.price(offer.interval, offer.currency)
    seat = plan.price(offer.interval, offer.currency, seat=True)
    keys = {} if own is None else {own.lookup_key: 1}
    return keys if seat is None or offer.seats == 0 else {**keys, seat.lookup_key: offer.seats}


def path_of(kind: CheckoutKind) -> str:
    """Where such pages are made."""
    return "/v1/billing_portal/sessions" if kind is CheckoutKind.PORTAL else "/v1/checkout/sessions"


def params(asked: Asked, places: Places) -> Mapping[str, Any]:
    """The parameters, the same whenever they are asked for: they belong to the idempotency key."""
    match asked.checkout.kind:
        case CheckoutKind.PORTAL:
            return {"customer": asked.customer, "return_url": places.console(asked.checkout.id)}
        case CheckoutKind.CARD:
            return _session(asked, places) | {"mode": "setup", "payment_method_types": ["card"]}
        case CheckoutKind.SUBSCRIPTION:
            return _session(asked, places) | _subscription(asked, places)


def _session(asked: Asked, places: Places) -> dict[str, Any]:
    checkout = asked.checkout
    return {
        "customer": asked.customer,
        "client_reference_id": str(checkout.id),
        "success_url": places.back(checkout),
        "cancel_url": places.console(checkout.id),
        "metadata": _names(checkout),
        **places.brand.of_pages(),
    }


def _subscription(asked: Asked, places: Places) -> dict[str, Any]:
    trial = asked.checkout.offer.trial_days if asked.checkout.offer else 0
    subscription: dict[str, Any] = {"metadata": _names(asked.checkout)}
    if trial:
        subscription["trial_period_days"] = trial
        subscription["trial_settings"] = {"end_behavior": {"missing_payment_method": "cancel"}}
    counts = lookup_keys(asked.checkout)
    page: dict[str, Any] = {
        "mode": "subscription",
        "line_items": [{"price": asked.prices[key], "quantity": count} for key, count in counts.items()],
        "subscription_data": subscription,
        "payment_method_collection": "always",
        "automatic_tax": {"enabled": places.automatic_tax},
        "billing_address_collection": "required" if places.automatic_tax else "auto",
        "tax_id_collection": {"enabled": True},
        "customer_update": {"name": "auto", "address": "auto"},
    }
    return page if asked.coupon is None else page | {"discounts": [{"coupon": asked.coupon}]}


def _names(checkout: Checkout) -> dict[str, str]:
    return {"organization_id": str(checkout.organization_id), "row_id": str(checkout.id)}
