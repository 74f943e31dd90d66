from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import refuse_other_shape, sdk
from .stripe_billing import Shop, at, item_of, span

ANY_PLACE: Any = {"country": "DE"}


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with sdk(http) as client:
        yield Shop(client, http)


def day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


async def test_a_subscription_is_paid_at_once_and_renews_on_the_thirty_first_or_what_there_is_of_it(
    shop: Shop,
) -> None:
    await shop.open("2025-01-31T10:00:00")
    subscription = await shop.subscribe(await shop.price("pro", 3000), 2, metadata={"row_id": "1"})
    refuse_other_shape(subscription)
    refuse_other_shape(item_of(subscription))
    assert (subscription.status, subscription.currency) == ("active", "eur")
    first = await shop.latest(subscription.id)
    refuse_other_shape({**first.to_dict(), "subscription": None})  # the sample still has what the API dropped
    refuse_other_shape(first.lines.data[0])
    assert (first.status, first.amount_paid, first.billing_reason) == ("paid", 6000, "subscription_create")
    assert first.lines.data[0].description == "2 \u00d7 Pro (at €30.00 / month)"
    assert first.parent
    assert first.parent.subscription_details
    assert first.parent.subscription_details.subscription == subscription.id
    assert first.parent.subscription_details.metadata
    assert first.parent.subscription_details.metadata.to_dict() == {"row_id": "1"}
    ends = []
    for moment in ("2025-02-28T12:00:00", "2025-03-31T12:00:00", "2025-04-30T12:00:00"):
        await shop.to(moment)
        ends.append(day(span(await shop.read(subscription.id))[1]))
    assert ends == ["2025-03-31", "2025-04-30", "2025-05-31"]
    assert [one.amount_paid for one in await shop.invoices(subscription=subscription.id)] == [6000] * 4


async def test_a_renewal_is_a_draft_for_an_hour_and_events_come_in_stripes_order(shop: Shop) -> None:
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    before = len(await shop.told())
    await shop.to("2025-04-01T00:30:00")
    draft = await shop.latest(subscription.id)
    assert (draft.status, draft.billing_reason, draft.number) == ("draft", "subscription_cycle", None)
    assert (draft.period_start, draft.period_end) == (at("2025-03-01"), at("2025-04-01"))
    assert draft.automatically_finalizes_at == at("2025-04-01T01:00:00")
    await shop.to("2025-04-01T02:00:00")
    assert (await shop.latest(subscription.id)).status == "paid"
    told = [each for each in (await shop.told())[before:] if "test_clock" not in each]
    wanted = [
        "invoice.upcoming",
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    assert [each for each in told if each in wanted] == wanted


async def test_a_first_payment_is_confirmed_by_the_browser_with_the_invoices_secret(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    subscription = await shop.subscribe(
        await shop.price("pro", 3000),
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret", "latest_invoice.payments"],
    )
    assert subscription.status == "incomplete"
    invoice: Any = subscription.latest_invoice
    payment = invoice.payments.data[0]
    refuse_other_shape(payment)
    intent = payment.payment.payment_intent
    assert invoice.confirmation_secret.client_secret.startswith(intent)
    await shop.client.v1.payment_intents.confirm_async(intent, {"payment_method": "pm_card_visa"})
    after = await shop.read(subscription.id)
    assert after.status == "active"
    assert after.default_payment_method
    paid = await shop.client.v1.invoices.retrieve_async(invoice.id, {"expand": ["payments"]})
    assert paid.payments
    assert (paid.status, paid.payments.data[0].status, paid.payments.data[0].amount_paid) == ("paid", "paid", 3000)


async def test_what_the_bank_asks_leaves_a_subscription_incomplete_and_expires_after_23_hours(shop: Shop) -> None:
    await shop.open("2025-03-01", card="pm_card_authenticationRequired")
    price = await shop.price("pro", 3000)
    paid, left = await shop.subscribe(price), await shop.subscribe(price)
    assert [paid.status, left.status] == ["incomplete", "incomplete"]
    assert "invoice.payment_action_required" in await shop.told()
    answer = await shop.control(f"invoices/{paid.latest_invoice}/authenticate", succeeds=True)
    assert answer["state"] == "complete", answer
    await shop.to("2025-03-02")
    assert (await shop.read(paid.id)).status == "active"
    expired = await shop.read(left.id)
    assert (expired.status, (await shop.latest(left.id)).status) == ("incomplete_expired", "void")
    assert expired.ended_at == at("2025-03-01T23:00:00")


async def test_an_unpayable_subscription_is_refused_and_leaves_nothing(shop: Shop) -> None:
    await shop.open("2025-03-01", card="pm_card_chargeCustomerFail")
    price = await shop.price("pro", 3000)
    with pytest.raises(stripe.CardError) as refusal:
        await shop.subscribe(price, payment_behavior="error_if_incomplete")
    assert refusal.value.code == "card_declined"
    found = await shop.client.v1.subscriptions.list_async({"customer": shop.customer, "status": "all"})
    assert found.data == []
    assert await shop.invoices(customer=shop.customer) == []
    incomplete = await shop.subscribe(price)
    assert incomplete.status == "incomplete"
    other = await shop.client.v1.customers.create_async({"test_clock": shop.clock})
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        await shop.client.v1.subscriptions.create_async({"customer": other.id, "items": [{"price": price}]})


CHANGES: list[dict[str, Any]] = [
    {"items": [{"price": "agency"}], "proration_behavior": "always_invoice"},
    {"items": [{"price": "agency"}], "proration_behavior": "create_prorations"},
    {"items": [{"price": "agency"}], "proration_behavior": "none"},
    {"items": [{"quantity": 7}], "proration_behavior": "always_invoice"},
    {"items": [{"quantity": 1}], "proration_behavior": "create_prorations"},
    {"items": [{"price": "agency_yearly"}], "proration_behavior": "create_prorations"},
    {"items": [{"price": "agency_yearly"}], "proration_behavior": "none"},
    {"items": [{}, {"price": "seat", "quantity": 3}], "proration_behavior": "always_invoice"},
    {"billing_cycle_anchor": "now", "proration_behavior": "create_prorations"},
]


@pytest.mark.parametrize(
    "change", CHANGES, ids=lambda change: f"{change.get('items')}-{change['proration_behavior']}"
)
@pytest.mark.parametrize("discounted", [False, True])
async def test_a_preview_is_what_is_then_charged(shop: Shop, change: dict[str, Any], *, discounted: bool) -> None:
    await shop.open("2025-01-31", address=ANY_PLACE)
    for name, amount, interval in (
        ("pro", 3100, "month"),
        ("agency", 9900, "month"),
        ("agency_yearly", 99_000, "year"),
        ("seat", 700, "month"),
    ):
        await shop.price(name, amount, interval)
    coupon = await shop.client.v1.coupons.create_async({"percent_off": 15, "duration": "forever"})
    more: dict[str, Any] = (
        {"discounts": [{"coupon": coupon.id}], "automatic_tax": {"enabled": True}} if discounted else {}
    )
    subscription = await shop.subscribe(shop.prices["pro"], 2, **more)
    await shop.to("2025-02-11T07:13:05")
    asked: Any = {**change, "proration_date": shop.now}
    if "items" in change:
        first = {"id": item_of(subscription).id}
        asked["items"] = [
            {
                **(first if i == 0 else {}),
                **each,
                **({"price": shop.prices[each["price"]]} if "price" in each else {}),
            }
            for i, each in enumerate(change["items"])
        ]
    if "billing_cycle_anchor" in change:
        del asked["proration_date"]
    preview = await shop.client.v1.invoices.create_preview_async(
        {"subscription": subscription.id, "subscription_details": asked}
    )
    assert preview.id.startswith("upcoming_in_")
    updated = await shop.client.v1.subscriptions.update_async(subscription.id, asked)
    if updated.latest_invoice == subscription.latest_invoice:
        await shop.to("2025-02-28T02:00:00")
    charged = await shop.latest(subscription.id)
    assert charged.status == "paid"
    assert charged.id != subscription.latest_invoice

    def lines(invoice: stripe.Invoice) -> list[tuple[Any, ...]]:
        return [(one.amount, one.description, one.period.start, one.period.end) for one in invoice.lines.data]

    assert lines(charged) == lines(preview)
    assert (charged.total, charged.amount_due, charged.amount_paid) == (
        preview.total,
        preview.amount_due,
        preview.amount_due,
    )


async def test_the_unused_time_is_credited_and_the_remaining_charged_by_the_second(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("pro", 1000))
    await shop.price("agency", 2000)
    await shop.to("2025-04-16")
    await shop.client.v1.subscriptions.update_async(
        subscription.id,
        {
            "items": [{"id": item_of(subscription).id, "price": shop.prices["agency"]}],
            "proration_behavior": "always_invoice",
        },
    )
    invoice = await shop.latest(subscription.id)
    assert [(one.description, one.amount) for one in invoice.lines.data] == [
        ("Unused time on Pro after 16 Apr 2025", -500),
        ("Remaining time on Agency after 16 Apr 2025", 1000),
    ]
    parent: Any = invoice.lines.data[0].parent
    assert parent.type == "subscription_item_details"
    assert parent.subscription_item_details.proration
    assert (invoice.billing_reason, invoice.amount_paid) == ("subscription_update", 500)


async def test_a_downgrade_becomes_credit_that_pays_the_next_renewal(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("agency", 10_000))
    await shop.price("pro", 1000)
    await shop.to("2025-04-16")
    await shop.client.v1.subscriptions.update_async(
        subscription.id,
        {
            "items": [{"id": item_of(subscription).id, "price": shop.prices["pro"]}],
            "proration_behavior": "always_invoice",
        },
    )
    credit = await shop.latest(subscription.id)
    assert (credit.status, credit.total, credit.amount_due, credit.ending_balance) == ("paid", -4500, 0, -4500)
    customer = await shop.client.v1.customers.retrieve_async(shop.customer)
    assert customer.balance == -4500
    await shop.to("2025-05-02")
    renewal = await shop.latest(subscription.id)
    assert (renewal.total, renewal.amount_due, renewal.starting_balance, renewal.ending_balance) == (
        1000,
        0,
        -4500,
        -3500,
    )


async def test_a_cancellation_at_the_periods_end_can_be_taken_back_and_else_ends_it(shop: Shop) -> None:
    await shop.open("2025-03-01")
    price = await shop.price("pro", 3000)
    one, other = await shop.subscribe(price), await shop.subscribe(price)
    for each in (one, other):
        ending = await shop.client.v1.subscriptions.update_async(each.id, {"cancel_at_period_end": True})
        assert (ending.status, ending.cancel_at, ending.canceled_at) == ("active", at("2025-04-01"), shop.now)
    kept = await shop.client.v1.subscriptions.update_async(other.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    await shop.to("2025-04-02")
    gone = await shop.read(one.id)
    assert (gone.status, gone.ended_at) == ("canceled", at("2025-04-01"))
    assert (await shop.read(other.id)).status == "active"
    assert len(await shop.invoices(subscription=one.id)) == 1
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        await shop.client.v1.subscriptions.update_async(one.id, {"description": "Late"})


async def test_a_cancellation_at_once_gives_back_the_unused_time_when_asked(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    await shop.to("2025-04-11")
    ended = await shop.client.v1.subscriptions.cancel_async(
        subscription.id, {"prorate": True, "invoice_now": True, "cancellation_details": {"feedback": "unused"}}
    )
    assert ended.cancellation_details
    assert (ended.status, ended.ended_at, ended.cancellation_details.feedback) == ("canceled", shop.now, "unused")
    invoice = await shop.latest(subscription.id)
    assert (invoice.total, invoice.status) == (-2000, "paid")
    assert (await shop.client.v1.customers.retrieve_async(shop.customer)).balance == -2000


@pytest.mark.parametrize(
    ("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
)
async def test_while_collection_is_paused_invoices_end_as_the_pause_says(
    shop: Shop, behavior: Any, status: str
) -> None:
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    paused = await shop.client.v1.subscriptions.update_async(
        subscription.id, {"pause_collection": {"behavior": behavior, "resumes_at": at("2025-04-15")}}
    )
    assert paused.status == "active"
    await shop.to("2025-04-02")
    assert (await shop.latest(subscription.id)).status == status
    await shop.to("2025-05-02")
    after = await shop.read(subscription.id)
    assert (after.pause_collection, after.status, (await shop.latest(subscription.id)).status) == (
        None,
        "active",
        "paid",
    )


async def test_a_pending_update_applies_when_it_is_paid_and_lapses_when_not(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("pro", 1000))
    await shop.price("agency", 2000)
    await shop.use("pm_card_chargeCustomerFail")
    await shop.to("2025-04-16")
    change: Any = {
        "items": [{"id": item_of(subscription).id, "price": shop.prices["agency"]}],
        "payment_behavior": "pending_if_incomplete",
        "proration_behavior": "always_invoice",
    }
    waiting = await shop.client.v1.subscriptions.update_async(subscription.id, change)
    assert waiting.pending_update
    assert (waiting.status, item_of(waiting).price.id) == ("active", shop.prices["pro"])
    await shop.to("2025-04-17")
    lapsed = await shop.read(subscription.id)
    assert (lapsed.pending_update, item_of(lapsed).price.id) == (None, shop.prices["pro"])
    assert (await shop.client.v1.invoices.retrieve_async(str(waiting.latest_invoice))).status == "void"
    waiting = await shop.client.v1.subscriptions.update_async(subscription.id, change)
    await shop.use("pm_card_visa")
    await shop.client.v1.invoices.pay_async(str(waiting.latest_invoice))
    applied = await shop.read(subscription.id)
    assert (applied.pending_update, item_of(applied).price.id) == (None, shop.prices["agency"])
    told = await shop.told("customer.subscription.pending")
    assert told == ["customer.subscription.pending_update_expired", "customer.subscription.pending_update_applied"]


async def test_an_update_that_cannot_be_paid_is_refused_or_leaves_it_late(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("pro", 1000))
    await shop.price("agency", 2000)
    await shop.use("pm_card_chargeCustomerFail")
    await shop.to("2025-04-16")
    change: Any = {
        "items": [{"id": item_of(subscription).id, "price": shop.prices["agency"]}],
        "proration_behavior": "always_invoice",
    }
    strict: Any = {**change, "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError):
        await shop.client.v1.subscriptions.update_async(subscription.id, strict)
    assert item_of(await shop.read(subscription.id)).price.id == shop.prices["pro"]
    late = await shop.client.v1.subscriptions.update_async(subscription.id, change)
    assert (late.status, item_of(late).price.id) == ("past_due", shop.prices["agency"])


@pytest.mark.parametrize(
    ("duration", "paid"),
    [("once", [2000, 3000, 3000, 3000]), ("repeating", [2000, 2000, 3000, 3000]), ("forever", [2000] * 4)],
)
async def test_a_coupon_works_once_for_some_months_or_for_ever(shop: Shop, duration: Any, paid: list[int]) -> None:
    await shop.open("2025-01-31")
    coupon = await shop.client.v1.coupons.create_async(
        {
            "amount_off": 1000,
            "currency": "eur",
            "duration": duration,
            **({"duration_in_months": 2} if duration == "repeating" else {}),
        }
    )
    subscription = await shop.subscribe(await shop.price("pro", 3000), discounts=[{"coupon": coupon.id}])
    for moment in ("2025-03-01", "2025-04-01", "2025-05-01"):
        await shop.to(moment)
    assert [one.amount_paid for one in await shop.invoices(subscription=subscription.id)] == paid
    first = (await shop.invoices(subscription=subscription.id))[0]
    assert first.total_discount_amounts
    assert first.total_discount_amounts[0].amount == 1000
    kept = (await shop.read(subscription.id)).discounts
    assert len(kept) == (1 if duration == "forever" else 0)


async def test_tax_is_that_of_the_customers_country_or_of_the_rates_that_are_named(shop: Shop) -> None:
    await shop.open("2025-03-01", address={"country": "FR"})
    price = await shop.price("pro", 1000, tax_behavior="exclusive")
    automatic = await shop.subscribe(price, automatic_tax={"enabled": True})
    invoice = await shop.latest(automatic.id)
    assert invoice.total_taxes
    assert (invoice.subtotal, invoice.total, invoice.total_taxes[0].amount) == (1000, 1200, 200)
    assert (invoice.automatic_tax.status, invoice.total_excluding_tax) == ("complete", 1000)
    rate = await shop.client.v1.tax_rates.create_async({"display_name": "VAT", "percentage": 19, "inclusive": True})
    named = await shop.subscribe(price, default_tax_rates=[rate.id])
    invoice = await shop.latest(named.id)
    assert invoice.total_taxes
    assert (invoice.total, invoice.total_taxes[0].amount, invoice.total_excluding_tax) == (1000, 160, 840)
    await shop.client.v1.customers.update_async(shop.customer, {"tax_exempt": "reverse"})
    reversed_ = await shop.latest((await shop.subscribe(price, automatic_tax={"enabled": True})).id)
    assert reversed_.total_taxes
    assert (reversed_.total, reversed_.total_taxes[0].taxability_reason) == (1000, "reverse_charge")
    nowhere = await shop.client.v1.customers.create_async({})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await shop.client.v1.subscriptions.create_async(
            {
                "customer": nowhere.id,
                "items": [{"price": price}],
                "automatic_tax": {"enabled": True},
                "payment_behavior": "default_incomplete",
            }
        )
    assert refusal.value.code == "customer_tax_location_invalid"


async def test_a_first_period_up_to_an_anchor_is_charged_by_its_share(shop: Shop) -> None:
    await shop.open("2025-04-16")
    subscription = await shop.subscribe(await shop.price("pro", 3000), billing_cycle_anchor=at("2025-05-01"))
    assert span(subscription) == (at("2025-04-16"), at("2025-05-01"))
    assert (await shop.latest(subscription.id)).amount_paid == 1500
    await shop.to("2025-05-02")
    assert (await shop.latest(subscription.id)).amount_paid == 3000
    assert span(await shop.read(subscription.id)) == (at("2025-05-01"), at("2025-06-01"))


async def test_a_price_in_another_currency_is_charged_in_it(shop: Shop) -> None:
    await shop.open("2025-04-01")
    price = await shop.price("pro", 3000, currency_options={"jpy": {"unit_amount": 4500}})
    subscription = await shop.subscribe(price, currency="jpy")
    invoice = await shop.latest(subscription.id)
    assert (subscription.currency, invoice.currency, invoice.amount_paid) == ("jpy", "jpy", 4500)
    assert invoice.lines.data[0].description == "1 \u00d7 Pro (at ¥4,500 / month)"
    with pytest.raises(stripe.InvalidRequestError, match="only supports"):
        await shop.subscribe(price, currency="gbp")


async def test_a_clock_goes_forward_only_and_two_intervals_at_most(shop: Shop) -> None:
    await shop.open("2025-04-01")
    clock = await shop.client.v1.test_helpers.test_clocks.retrieve_async(shop.clock)
    refuse_other_shape(clock)
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    for moment in ("2025-03-01", "2025-06-02"):
        with pytest.raises(stripe.InvalidRequestError):
            await shop.client.v1.test_helpers.test_clocks.advance_async(shop.clock, {"frozen_time": at(moment)})
    answer = await shop.client.v1.test_helpers.test_clocks.advance_async(
        shop.clock, {"frozen_time": at("2025-06-01")}
    )
    assert answer.status == "advancing"
    assert len(await shop.invoices(subscription=subscription.id)) == 3
    await shop.client.v1.test_helpers.test_clocks.delete_async(shop.clock)
    with pytest.raises(stripe.InvalidRequestError):
        await shop.read(subscription.id)


async def test_items_are_added_changed_and_removed_one_at_a_time(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    seat = await shop.client.v1.subscription_items.create_async(
        {"subscription": subscription.id, "price": await shop.price("seat", 600), "quantity": 2}
    )
    refuse_other_shape(seat)
    await shop.client.v1.subscription_items.update_async(seat.id, {"quantity": 5, "metadata": {"a": "b"}})
    listed = await shop.client.v1.subscription_items.list_async({"subscription": subscription.id})
    assert [(one.id, one.quantity) for one in listed.data] == [(seat.id, 5), (item_of(subscription).id, 1)]
    await shop.client.v1.subscription_items.delete_async(seat.id)
    await shop.to("2025-05-02")
    assert (await shop.latest(subscription.id)).total == 3000
    with pytest.raises(stripe.InvalidRequestError, match="at least one"):
        await shop.client.v1.subscription_items.delete_async(item_of(subscription).id)
