"""Random lives of a subscription, in one process and without HTTP: whatever is done to it, the money adds up."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.stripe import errors
from sandbox.stripe.billing import terms
from sandbox.stripe.billing.walking import catch_up
from sandbox.stripe.member import Stripe
from sandbox.stripe.operations import Call
from sandbox.stripe.params import read_fields
from sandbox.stripe.store import Record

from .stripe_billing import at

DAY = 86_400
PRICES = {"pro": (2900, "month"), "agency": (9900, "month"), "small": (70, "month"), "yearly": (99_000, "year")}


MEMBER = Stripe("http://sandbox.test")


class Desk:
    """The account, called as its API is but for the wire."""

    def __init__(self) -> None:
        self.member = MEMBER
        self.member.reset()
        self.world = self.member.world
        self.clock = self.call("POST", "/v1/test_helpers/test_clocks", frozen_time=at("2025-01-31T12:00:00"))["id"]
        self.customer = self.call("POST", "/v1/customers", test_clock=self.clock, address={"country": "DE"})["id"]
        self.cards = {
            name: self.call("POST", f"/v1/payment_methods/{name}/attach", customer=self.customer)["id"]
            for name in ("pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired")
        }
        self.use("pm_card_visa")
        self.prices = {name: self.price(name, *about) for name, about in PRICES.items()}
        self.coupons = [
            self.call("POST", "/v1/coupons", percent_off=15, duration="forever")["id"],
            self.call("POST", "/v1/coupons", amount_off=500, currency="eur", duration="once")["id"],
            self.call("POST", "/v1/coupons", percent_off=33, duration="repeating", duration_in_months=2)["id"],
        ]

    def call(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        steps = path.split("/")
        for operation in self.member.operations:
            pattern = operation.path.split("/")
            fits = operation.method == method and len(pattern) == len(steps)
            if fits and all(one in {"{}", two} for one, two in zip(pattern, steps, strict=True)):
                found = tuple(two for one, two in zip(pattern, steps, strict=True) if one == "{}")
                if "{}" in path or (found and found[0] in {"create_preview", "search"}):
                    continue
                result = operation.run(Call(self.world, found, read_fields(operation.params, tree(given)), path))
                catch_up(self.world)
                return result.shown() if isinstance(result, Record) else result
        raise AssertionError(path)

    def price(self, name: str, amount: int, interval: str) -> str:
        made = self.call(
            "POST",
            "/v1/prices",
            currency="eur",
            unit_amount=amount,
            product_data={"name": name},
            recurring={"interval": interval},
        )
        return str(made["id"])

    def use(self, card: str) -> None:
        settings_ = {"default_payment_method": self.cards[card]}
        self.call("POST", f"/v1/customers/{self.customer}", invoice_settings=settings_)

    @property
    def now(self) -> int:
        return self.world.now(self.clock)

    def invoices(self) -> list[Record]:
        return list(self.world.store.all("invoice"))[::-1]


def tree(value: Any) -> Any:
    """As a form says it."""
    if isinstance(value, dict):
        return {name: tree(one) for name, one in value.items()}
    if isinstance(value, list):
        return {str(at): tree(one) for at, one in enumerate(value)} if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


actions = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 58 * DAY)),
    st.tuples(st.just("price"), st.sampled_from(list(PRICES))),
    st.tuples(st.just("quantity"), st.integers(1, 9)),
    st.tuples(
        st.just("card"),
        st.sampled_from(["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"]),
    ),
    st.tuples(st.just("discount"), st.integers(-1, 2)),
    st.tuples(st.just("anchor"), st.none()),
    st.tuples(st.just("trial"), st.integers(0, 20)),
    st.tuples(st.just("pause"), st.sampled_from([None, "void", "mark_uncollectible", "keep_as_draft"])),
    st.tuples(st.just("end"), st.booleans()),
)
hows = st.sampled_from(["create_prorations", "always_invoice", "none"])
payments = st.sampled_from(["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"])


@pytest.fixture(scope="module", autouse=True)
def _loop() -> Any:
    """Events find a loop to be sent from."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(st.tuples(actions, hows, payments), max_size=14),
    st.booleans(),
    st.sampled_from([0, 14]),
)
def test_whatever_is_done_to_a_subscription_the_money_adds_up(
    steps: list[tuple[tuple[str, Any], str, str]], taxed: bool, trial: int
) -> None:
    desk = Desk()
    made = desk.call(
        "POST",
        "/v1/subscriptions",
        customer=desk.customer,
        items=[{"price": desk.prices["pro"]}],
        automatic_tax={"enabled": taxed},
        trial_period_days=trial,
    )
    subscription = desk.world.need("subscription", made["id"])
    refuse_imbalance(desk)
    for (what, value), how, payment in steps:
        try:
            act(desk, subscription, what, value, how, payment)
        except errors.Refusal as refusal:
            assert refusal.status in {400, 402, 404}, refusal  # noqa: PT017 - a refusal is a good answer
        refuse_imbalance(desk)
        refuse_lost_time(desk, subscription)


def act(desk: Desk, subscription: Record, what: str, value: Any, how: str, payment: str) -> None:
    path = f"/v1/subscriptions/{subscription.id}"
    item = {"id": terms.items_of(subscription.data)[0]["id"]}
    if what == "wait":
        desk.call("POST", f"/v1/test_helpers/test_clocks/{desk.clock}/advance", frozen_time=desk.now + value)
    elif what == "card":
        desk.use(value)
    elif what == "discount":
        given = [{"coupon": desk.coupons[value]}] if value >= 0 else []
        desk.call("POST", path, discounts=given)
    elif what == "pause":
        desk.call("POST", path, pause_collection={"behavior": value} if value else None)
    elif what == "end":
        desk.call("POST", path, cancel_at_period_end=value)
    else:
        change: dict[str, Any] = {"billing_cycle_anchor": "now"}
        if what == "price":
            change = {"items": [{**item, "price": desk.prices[value]}]}
        elif what == "quantity":
            change = {"items": [{**item, "quantity": value}]}
        elif what == "trial":
            change = {"trial_end": "now" if value == 0 else desk.now + value * DAY}
        update(desk, subscription, {**change, "proration_behavior": how}, payment)


def update(desk: Desk, subscription: Record, change: dict[str, Any], payment: str) -> None:
    """Change it, and hold what is billed at once against what a preview had said."""
    preview = desk.call(
        "POST", "/v1/invoices/create_preview", subscription=subscription.id, subscription_details=change
    )
    known = {one.id for one in desk.invoices()}
    desk.call("POST", f"/v1/subscriptions/{subscription.id}", **change, payment_behavior=payment)
    for invoice in desk.invoices():
        if invoice.id not in known and invoice.data["billing_reason"] == "subscription_update":
            assert [line["amount"] for line in invoice.more["lines"]] == [
                line["amount"] for line in preview["lines"]["data"]
            ] or preview["lines"]["has_more"]
            assert invoice.data["total"] == preview["total"]


def refuse_imbalance(desk: Desk) -> None:
    """Every cent of every invoice was paid, is owed, forgiven, or stands in the customer's balance."""
    world = desk.world
    owed = paid = total = 0
    for invoice in desk.invoices():
        data = invoice.data
        exclusive = sum(tax["amount"] for tax in data["total_taxes"] if tax["tax_behavior"] == "exclusive")
        off = sum(each["amount"] for each in data["total_discount_amounts"])
        assert data["subtotal"] == sum(line["amount"] for line in invoice.more["lines"])
        assert data["total"] == data["subtotal"] - off + exclusive
        if data["status"] in {"draft", "void"}:
            continue
        assert data["amount_due"] == data["amount_paid"] + data["amount_remaining"]
        assert data["total"] + data["starting_balance"] == data["amount_due"] + data["ending_balance"]
        owed, paid, total = owed + data["amount_remaining"], paid + data["amount_paid"], total + data["total"]
    customer = world.need("customer", desk.customer)
    moved = sum(one.data["amount"] for one in world.store.all("customer_balance_transaction"))
    charged = sum(one.data["amount"] for one in world.store.all("charge") if one.data["paid"])
    assert customer.data["balance"] == moved
    assert charged == paid
    assert total == paid + owed + customer.data["balance"]


def refuse_lost_time(desk: Desk, subscription: Record) -> None:
    """What runs is in a period that holds now; what waits is never left behind by the clock."""
    data = subscription.data
    if data["status"] in {"active", "trialing", "past_due", "unpaid"}:
        assert terms.period_of(data).holds(desk.now)
    due = desk.world.agenda.next(desk.clock)
    assert due is None or due > desk.now
    for invoice in desk.invoices():
        finalizes = invoice.data["automatically_finalizes_at"]
        assert finalizes is None or finalizes > desk.now or not invoice.data["auto_advance"]
