"""How a change is said to Stripe: its steps in order, each under an idempotency key of its own.

https://docs.stripe.com/billing/subscriptions/pending-updates, .../subscription-schedules, .../prorations
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from billing.changes.model import Action, Change, When
from billing.stripe_api import Json, StripeApi
from billing.subscriptions.seeing import id_of
from kit.ledger.model import Refused

_PAUSED: Final = "paused"
_KEPT_OF_A_PHASE: Final = ("start_date", "end_date", "trial_end")
_GONE: Final = frozenset({"resource_missing", "invoice_not_editable", "status_transition_invalid"})


@dataclass(frozen=True, slots=True)
class Steps:
    """Carries a change out; the same change sends the same however often it is carried out."""

    stripe: StripeApi
    change: Change

    async def take(self) -> Json:
        """All steps; the subscription as the last of them leaves it, with its latest invoice."""
        basis, action = self.change.basis, self.change.action
        if basis.schedule is not None and action is not Action.UNPAUSE:
            await self._release(basis.schedule)
        if action is Action.SWITCH and self.change.when is When.PERIOD_END:
            return await self._schedule()
        if action is Action.KEEP and basis.pending_invoice is not None:
            await self._void(basis.pending_invoice)
        if action is Action.UNPAUSE and basis.status == _PAUSED:
            return await self._post("resume", "/resume", {"billing_cycle_anchor": "now"})
        return await self._post("update", "", parameters(self.change))

    async def _post(self, step: str, path: str, params: Json) -> Json:
        subscription = f"/v1/subscriptions/{self.change.basis.subscription}{path}"
        return await self.stripe.post(subscription, {**params, "expand": ["latest_invoice"]}, key=self._key(step))

    async def _release(self, schedule: str) -> None:
        """Take a switch back that was to come with the end of the period."""
        await self._unless_gone("release", f"/v1/subscription_schedules/{schedule}/release")

    async def _void(self, invoice: str) -> None:
        """Take a switch back that was not paid: with its invoice Stripe lets go of it."""
        await self._unless_gone("void", f"/v1/invoices/{invoice}/void")

    async def _unless_gone(self, step: str, path: str) -> None:
        try:
            await self.stripe.post(path, {}, key=self._key(step))
        except Refused as refusal:
            if refusal.code not in _GONE:
                raise

    async def _schedule(self) -> Json:
        """Have Stripe switch at the instant at which the period ends, whatever we do then."""
        basis = self.change.basis
        made = await self.stripe.post(
            "/v1/subscription_schedules", {"from_subscription": basis.subscription}, key=self._key("schedule")
        )
        await self.stripe.post(
            f"/v1/subscription_schedules/{made['id']}", phases(made, self.change), key=self._key("phases")
        )
        return await self.stripe.get(f"/v1/subscriptions/{basis.subscription}")

    def _key(self, step: str) -> str:
        return f"change-{self.change.id}-{step}"


def parameters(change: Change) -> dict[str, Any]:
    """What a subscription is updated with."""
    match change.action:
        case Action.CANCEL:
            return {"cancel_at_period_end": True}
        case Action.KEEP:
            return {"cancel_at_period_end": False}
        case Action.PAUSE:
            return {"pause_collection": {"behavior": "void"}}
        case Action.UNPAUSE:
            return {"pause_collection": ""}
    if change.basis.status == "trialing":  # nothing has been paid, so nothing is given back or charged
        return {"items": items(change), "proration_behavior": "none"}
    return {"items": items(change), "payment_behavior": "pending_if_incomplete", **prorated(change)}


def prorated(change: Change) -> dict[str, Any]:
    """From when on it is charged; the same for the preview and for the change, so the amounts are the same."""
    at = change.proration_at
    return {"proration_behavior": "always_invoice"} | ({} if at is None else {"proration_date": int(at.timestamp())})


def preview(change: Change) -> dict[str, Any]:
    """What Stripe is asked for the invoice that a switch at once would be."""
    basis = change.basis
    behavior = {"proration_behavior": "none"} if basis.status == "trialing" else prorated(change)
    return {
        "customer": basis.customer,
        "subscription": basis.subscription,
        "subscription_details": {"items": items(change), **behavior},
    }


def items(change: Change) -> list[dict[str, Any]]:
    """The plan's item with its new price, and that of the seats: changed, added or taken away."""
    basis, seats = change.basis, 0 if change.target is None else change.target.seats
    found: list[dict[str, Any]] = [{"id": basis.plan_item, "price": basis.plan_price, "quantity": 1}]
    if seats and basis.seat_item is not None:
        found.append({"id": basis.seat_item, "price": basis.seat_price, "quantity": seats})
    elif seats:
        found.append({"price": basis.seat_price, "quantity": seats})
    elif basis.seat_item is not None:
        found.append({"id": basis.seat_item, "deleted": True})
    return found


def phases(schedule: Json, change: Change) -> dict[str, Any]:
    """The period as it is, and after it what was switched to; then the subscription goes on by itself."""
    now, target = schedule["phases"][0], change.target
    discounts = [_discount(each) for each in now.get("discounts") or ()]
    kept = {name: now[name] for name in _KEPT_OF_A_PHASE if now.get(name) is not None}
    seats = 0 if target is None else target.seats
    then = [{"price": change.basis.plan_price, "quantity": 1}]
    if seats:
        then.append({"price": change.basis.seat_price, "quantity": seats})
    following: dict[str, Any] = {
        "items": then,
        "proration_behavior": "none",
        "duration": {"interval": target.interval if target else change.basis.interval, "interval_count": 1},
    }
    current: dict[str, Any] = {"items": [_item(each) for each in now["items"]], **kept}
    if discounts:
        current["discounts"] = following["discounts"] = discounts
    return {"end_behavior": "release", "proration_behavior": "none", "phases": [current, following]}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"price": id_of(item["price"]), "quantity": item.get("quantity", 1)}


def _discount(discount: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("discount", "coupon", "promotion_code"):
        if discount.get(name):
            return {name: id_of(discount[name])}
    return {}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; a proration gives back or charges a part of a period."""

    amount: int
    proration: bool


@dataclass(frozen=True, slots=True)
class Invoice:
    """What an invoice, or the preview of one, comes to, in the currency's smallest unit.

    A negative total is given back: it goes to the customer's balance. `amount_due` is what is charged after that.
    """

    id: str | None
    total: int
    amount_due: int
    currency: str
    lines: Sequence[Line]


def invoice_of(invoice: Json) -> Invoice:
    """The invoice of a switch."""
    lines = [Line(int(line["amount"]), proration=_is_proration(line)) for line in invoice["lines"]["data"]]
    return Invoice(invoice.get("id"), int(invoice["total"]), int(invoice["amount_due"]), invoice["currency"], lines)


def _is_proration(line: Json) -> bool:
    details = (line.get("parent") or {}).get("subscription_item_details") or {}
    return bool(details.get("proration"))
