from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import refuse_other_shape, sdk
from .stripe_billing import Shop, at, item_of
from .test_stripe_invoices import Forms

BACK = "https://example.org/done?session={CHECKOUT_SESSION_ID}"
GOOD, ASKS, DECLINED = "4242424242424242", "4000002760003184", "4000000000000002"


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with sdk(http) as client:
        yield Shop(client, http)


async def offer(shop: Shop, **more: Any) -> stripe.checkout.Session:
    """A session that sells Pro by the month, unless told otherwise."""
    price = shop.prices.get("pro") or await shop.price("pro", 2900)
    given: Any = {
        "mode": "subscription",
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": BACK,
        "client_reference_id": "org-1",
        "metadata": {"row_id": "1"},
        **more,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return await shop.client.v1.checkout.sessions.create_async(given)


async def test_a_subscription_is_bought_and_the_buyer_led_back(shop: Shop) -> None:
    session = await offer(shop, subscription_data={"metadata": {"organization_id": "o"}})
    refuse_other_shape(session)
    assert (session.status, session.payment_status, session.amount_total, session.customer) == (
        "open",
        "unpaid",
        2900,
        None,
    )
    paid = await shop.control(f"checkout/{session.id}/pay", card=GOOD, email="ann@example.org", name="Ann")
    assert paid == {"state": "complete", "url": f"https://example.org/done?session={session.id}", "error": None}
    done = await shop.client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["line_items", "subscription", "customer", "invoice"]}
    )
    subscription: Any = done.subscription
    invoice: Any = done.invoice
    customer: Any = done.customer
    assert (done.status, done.payment_status, done.url, done.client_reference_id) == (
        "complete",
        "paid",
        None,
        "org-1",
    )
    assert (subscription.status, subscription.metadata.to_dict()) == ("active", {"organization_id": "o"})
    assert (invoice.status, invoice.amount_paid, customer.email) == ("paid", 2900, "ann@example.org")
    assert subscription.default_payment_method
    assert done.line_items
    refuse_other_shape(done.line_items.data[0])
    told = await shop.told()
    for what in ("customer.created", "customer.subscription.created", "invoice.paid", "checkout.session.completed"):
        assert told.count(what) == 1, what
    again = await shop.control(f"checkout/{session.id}/pay", card=GOOD, email="ann@example.org")
    assert "complete" in again["error"]["message"]


async def test_a_decline_leaves_the_session_open_and_the_bank_may_be_asked(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    session = await offer(shop, customer=shop.customer)
    declined = await shop.control(f"checkout/{session.id}/pay", card=DECLINED)
    assert (declined["state"], declined["error"]["decline_code"]) == ("declined", "generic_decline")
    asked = await shop.control(f"checkout/{session.id}/pay", card=ASKS)
    assert asked["state"] == "requires_action"
    failed = await shop.control(f"checkout/{session.id}/authenticate", succeeds=False)
    assert failed["state"] == "declined"
    assert (await shop.client.v1.checkout.sessions.retrieve_async(session.id)).status == "open"
    found = await shop.client.v1.subscriptions.list_async({"customer": shop.customer, "status": "all"})
    assert found.data == []
    paid = await shop.control(f"checkout/{session.id}/pay", card=ASKS, authenticates=True)
    assert paid["state"] == "complete"
    done = await shop.client.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["subscription"]})
    subscription: Any = done.subscription
    assert (subscription.status, subscription.customer) == ("active", shop.customer)
    await shop.to("2025-04-02")
    assert (await shop.read(subscription.id)).status == "past_due"


async def test_a_person_pays_on_the_page_with_a_code_and_a_bank_that_asks(shop: Shop) -> None:
    coupon = await shop.client.v1.coupons.create_async({"percent_off": 50, "duration": "once"})
    await shop.client.v1.promotion_codes.create_async(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "FALL20", "max_redemptions": 1}
    )
    session = await offer(shop, allow_promotion_codes=True, cancel_url="https://example.org/back")
    page = await shop.http.get(str(session.url))
    assert "https://example.org/back" in page.text
    (code_action, _), (pay_action, fields) = Forms(page.text).found
    wrong = await shop.http.post(code_action, data={"promotion_code": "NOPE"})
    assert "This code is invalid." in wrong.text
    assert "€14.50" in (await shop.http.post(code_action, data={"promotion_code": "fall20"})).text
    declined = await shop.http.post(pay_action, data={**fields, "email": "b@example.org", "card": DECLINED})
    assert "Your card was declined." in declined.text
    asked = await shop.http.post(pay_action, data={**fields, "email": "b@example.org", "card": ASKS})
    bank = await shop.http.get(asked.headers["location"])
    (yes_action, yes), _ = Forms(bank.text).found
    back = await shop.http.post(yes_action, data=yes)
    assert (back.status_code, back.headers["location"]) == (303, f"https://example.org/done?session={session.id}")
    done = await shop.client.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["invoice"]})
    invoice: Any = done.invoice
    assert (done.amount_subtotal, done.amount_total, invoice.amount_paid) == (2900, 1450, 1450)
    assert (await shop.client.v1.coupons.retrieve_async(coupon.id)).times_redeemed == 1
    assert (await shop.http.get(str(session.url))).status_code == 410


async def test_a_trial_costs_nothing_today_and_needs_a_card_only_where_it_is_wanted(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    trial: Any = {"trial_period_days": 14, "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}}}
    with_card = await offer(shop, customer=shop.customer, subscription_data=trial)
    without = await offer(
        shop, customer=shop.customer, subscription_data=trial, payment_method_collection="if_required"
    )
    assert (with_card.amount_total, without.amount_total) == (0, 0)
    refused = await shop.control(f"checkout/{with_card.id}/pay")
    assert refused["error"]["param"] == "card"
    assert (await shop.control(f"checkout/{with_card.id}/pay", card=GOOD))["state"] == "complete"
    assert (await shop.control(f"checkout/{without.id}/pay"))["state"] == "complete"
    ids = []
    for session in (with_card, without):
        done = await shop.client.v1.checkout.sessions.retrieve_async(session.id)
        assert done.payment_status == "no_payment_required"
        ids.append(str(done.subscription))
    assert [(await shop.read(each)).status for each in ids] == ["trialing", "trialing"]
    await shop.to("2025-03-15T02:00:00")
    assert [(await shop.read(each)).status for each in ids] == ["active", "canceled"]


async def test_a_session_lapses_by_time_or_by_hand(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    late = await offer(shop, customer=shop.customer, expires_at=at("2025-03-01T00:30:00"))
    ended = await offer(shop, customer=shop.customer)
    expired = await shop.client.v1.checkout.sessions.expire_async(ended.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.checkout.sessions.expire_async(ended.id)
    await shop.to("2025-03-01T01:00:00")
    assert (await shop.client.v1.checkout.sessions.retrieve_async(late.id)).status == "expired"
    assert (await shop.told("checkout")).count("checkout.session.expired") == 2
    refused = await shop.control(f"checkout/{late.id}/pay", card=GOOD)
    assert "expired" in refused["error"]["message"]
    with pytest.raises(stripe.InvalidRequestError, match="30 minutes"):
        await offer(shop, customer=shop.customer, expires_at=shop.now + 60)


async def test_things_are_bought_once_with_or_without_an_invoice(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    once = await shop.price("credits", 4000, "")
    items = [{"price": once, "quantity": 2}]
    plain = await offer(shop, mode="payment", line_items=items, payment_intent_data={"metadata": {"row_id": "9"}})
    assert (await shop.control(f"checkout/{plain.id}/pay", card=GOOD, email="c@example.org"))["state"] == "complete"
    done = await shop.client.v1.checkout.sessions.retrieve_async(plain.id, {"expand": ["payment_intent"]})
    intent: Any = done.payment_intent
    assert (done.payment_status, intent.status, intent.amount, intent.metadata.to_dict()) == (
        "paid",
        "succeeded",
        8000,
        {"row_id": "9"},
    )
    billed = await offer(
        shop, mode="payment", line_items=items, customer=shop.customer, invoice_creation={"enabled": True}
    )
    await shop.control(f"checkout/{billed.id}/pay", card=GOOD)
    found = await shop.client.v1.checkout.sessions.retrieve_async(billed.id, {"expand": ["invoice"]})
    invoice: Any = found.invoice
    assert (invoice.status, invoice.amount_paid) == ("paid", 8000)
    for wrong in ({"mode": "payment"}, {"line_items": items}):
        with pytest.raises(stripe.InvalidRequestError):
            await offer(shop, **wrong)


async def test_a_card_is_kept_for_later(shop: Shop) -> None:
    await shop.open("2025-03-01", card=None)
    session = await offer(
        shop, mode="setup", line_items=None, customer=shop.customer, setup_intent_data={"metadata": {"a": "b"}}
    )
    assert session.payment_status == "no_payment_required"
    assert (await shop.control(f"checkout/{session.id}/pay", card=GOOD))["state"] == "complete"
    done = await shop.client.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["setup_intent"]})
    intent: Any = done.setup_intent
    assert (intent.status, intent.metadata.to_dict()) == ("succeeded", {"a": "b"})
    held = await shop.client.v1.customers.payment_methods.list_async(shop.customer)
    assert [one.id for one in held.data] == [intent.payment_method]


async def test_tax_follows_the_country_that_is_entered_and_quantities_may_be_changed(shop: Shop) -> None:
    price = await shop.price("pro", 1000, tax_behavior="exclusive")
    session = await offer(
        shop,
        automatic_tax={"enabled": True},
        line_items=[
            {"price": price, "quantity": 1, "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 5}}
        ],
    )
    assert session.automatic_tax.status == "requires_location_inputs"
    (line,) = (await shop.client.v1.checkout.sessions.line_items.list_async(session.id)).data
    wanted: dict[str, Any] = {"card": GOOD, "email": "d@example.org", "country": "FR"}
    too_many = await shop.control(f"checkout/{session.id}/pay", **wanted, quantities={line.id: 6})
    assert "quantity" in too_many["error"]["param"]
    await shop.control(f"checkout/{session.id}/pay", **wanted, quantities={line.id: 3})
    done = await shop.client.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["subscription", "invoice"]})
    subscription: Any = done.subscription
    invoice: Any = done.invoice
    assert done.total_details
    assert (done.amount_total, done.total_details.amount_tax, invoice.amount_paid) == (3600, 600, 3600)
    assert item_of(subscription).quantity == 3


async def test_a_code_is_refused_to_whom_its_restrictions_do_not_fit(shop: Shop) -> None:
    await shop.open("2025-03-01")
    coupon = await shop.client.v1.coupons.create_async({"percent_off": 10, "duration": "forever"})
    code = await shop.client.v1.promotion_codes.create_async(
        {
            "promotion": {"type": "coupon", "coupon": coupon.id},
            "restrictions": {"first_time_transaction": True},
        }
    )
    first = await shop.subscribe(await shop.price("pro", 2900), discounts=[{"promotion_code": code.id}])
    assert (await shop.latest(first.id)).amount_paid == 2610
    with pytest.raises(stripe.InvalidRequestError, match="prior transactions"):
        await shop.subscribe(shop.prices["pro"], discounts=[{"promotion_code": code.id}])


async def test_in_the_portal_people_cancel_come_back_and_change_their_card(shop: Shop) -> None:
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 2900))
    session = await shop.client.v1.billing_portal.sessions.create_async(
        {"customer": shop.customer, "return_url": "https://example.org/account"}
    )
    refuse_other_shape(session)
    page = await shop.http.get(session.url)
    assert subscription.id in page.text
    assert "https://example.org/account" in page.text
    (cancel_action, cancel), (card_action, card) = Forms(page.text).found
    await shop.http.post(cancel_action, data=cancel)
    assert (await shop.read(subscription.id)).cancel_at_period_end
    kept = await shop.control(f"portal/{session.id}", action="keep", subscription=subscription.id)
    assert kept["state"] == "complete"
    assert not (await shop.read(subscription.id)).cancel_at_period_end
    await shop.http.post(card_action, data={**card, "card": "5555555555554444"})
    after = await shop.read(subscription.id)
    method = await shop.client.v1.payment_methods.retrieve_async(str(after.default_payment_method))
    assert method.card
    assert method.card.brand == "mastercard"
    declined = await shop.control(f"portal/{session.id}", action="change_card", card=DECLINED)
    assert declined["error"]["code"] == "card_declined"
    refused = await shop.control(
        f"portal/{session.id}", action="switch", subscription=subscription.id, price="price_x"
    )
    assert "do not allow" in refused["error"]["message"]


async def test_the_portal_does_what_its_configuration_says(shop: Shop) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("pro", 1000))
    dearer = await shop.price("agency", 2000)
    product = (await shop.client.v1.prices.retrieve_async(dearer)).product
    configuration = await shop.client.v1.billing_portal.configurations.create_async(
        {
            "features": {
                "subscription_cancel": {"enabled": True, "mode": "immediately"},
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "products": [{"product": str(product), "prices": [dearer]}],
                    "proration_behavior": "always_invoice",
                },
            }
        }
    )
    refuse_other_shape(configuration)
    session = await shop.client.v1.billing_portal.sessions.create_async(
        {"customer": shop.customer, "configuration": configuration.id}
    )
    await shop.to("2025-04-16")
    await shop.control(f"portal/{session.id}", action="switch", subscription=subscription.id, price=dearer)
    assert (await shop.latest(subscription.id)).amount_paid == 500
    await shop.control(
        f"portal/{session.id}", action="cancel", subscription=subscription.id, feedback="too_expensive"
    )
    ended = await shop.read(subscription.id)
    assert ended.cancellation_details
    assert (ended.status, ended.cancellation_details.feedback) == ("canceled", "too_expensive")
