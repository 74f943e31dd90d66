from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import sdk
from .stripe_billing import Shop, at, span


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with sdk(http) as client:
        yield Shop(client, http)


@pytest.mark.parametrize(
    ("after", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
async def test_a_renewal_that_fails_is_tried_again_as_the_account_says(shop: Shop, after: str, status: str) -> None:
    await shop.http.put("/stripe/control/account", json={"retry_days": [3, 5], "after_retries": after})
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    await shop.use("pm_card_chargeCustomerFail")
    await shop.to("2025-04-01T02:00:00")
    invoice = await shop.latest(subscription.id)
    assert ((await shop.read(subscription.id)).status, invoice.status, invoice.attempt_count) == (
        "past_due",
        "open",
        1,
    )
    assert invoice.next_payment_attempt == at("2025-04-04T01:00:00")
    await shop.to("2025-04-04T02:00:00")
    assert (await shop.latest(subscription.id)).attempt_count == 2
    await shop.to("2025-04-09T02:00:00")
    ended, invoice = await shop.read(subscription.id), await shop.latest(subscription.id)
    assert (ended.status, invoice.attempt_count, invoice.next_payment_attempt) == (status, 3, None)
    assert (await shop.told("invoice.payment_failed")).count("invoice.payment_failed") == 3
    if after == "cancel":
        assert ended.cancellation_details
        assert ended.cancellation_details.reason == "payment_failed"
        assert "customer.subscription.deleted" in await shop.told()
    else:
        await shop.use("pm_card_visa")
        await shop.client.v1.invoices.pay_async(invoice.id)
        assert (await shop.read(subscription.id)).status == "active"


async def test_a_late_renewal_that_is_paid_by_a_retry_is_active_again(shop: Shop) -> None:
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000))
    await shop.use("pm_card_chargeCustomerFail")
    await shop.to("2025-04-01T02:00:00")
    with pytest.raises(stripe.CardError):
        await shop.client.v1.invoices.pay_async(str((await shop.read(subscription.id)).latest_invoice))
    await shop.use("pm_card_visa")
    await shop.to("2025-04-20")
    invoice = await shop.latest(subscription.id)
    assert ((await shop.read(subscription.id)).status, invoice.status) == ("active", "paid")
    assert span(await shop.read(subscription.id)) == (at("2025-04-01"), at("2025-05-01"))


async def test_a_trial_warns_converts_and_bills_from_its_end(shop: Shop) -> None:
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000), trial_period_days=14)
    first = await shop.latest(subscription.id)
    assert (subscription.status, subscription.trial_end) == ("trialing", at("2025-03-15"))
    assert (first.status, first.total, first.lines.data[0].description) == ("paid", 0, "Trial period for Pro")
    await shop.to("2025-03-12T00:00:01")
    assert "customer.subscription.trial_will_end" in await shop.told()
    await shop.to("2025-03-15T02:00:00")
    now = await shop.read(subscription.id)
    assert (now.status, span(now)) == ("active", (at("2025-03-15"), at("2025-04-15")))
    assert [one.amount_paid for one in await shop.invoices(subscription=subscription.id)] == [0, 3000]


@pytest.mark.parametrize(
    ("behavior", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
)
async def test_a_trial_without_a_card_ends_as_it_was_set(shop: Shop, behavior: str, status: str) -> None:
    await shop.open("2025-03-01", card=None)
    subscription = await shop.subscribe(
        await shop.price("pro", 3000),
        trial_period_days=14,
        trial_settings={"end_behavior": {"missing_payment_method": behavior}},
    )
    await shop.to("2025-03-15T02:00:00")
    assert (await shop.read(subscription.id)).status == status
    if behavior == "pause":
        assert "customer.subscription.paused" in await shop.told()
        await shop.to("2025-04-20")
        await shop.to("2025-05-20")
        assert len(await shop.invoices(subscription=subscription.id)) == 1
        await shop.use("pm_card_visa")
        now: Any = {"billing_cycle_anchor": "now"}
        await shop.client.v1.subscriptions.resume_async(subscription.id, now)
        resumed = await shop.read(subscription.id)
        assert (resumed.status, span(resumed)[0]) == ("active", at("2025-05-20"))
        assert "customer.subscription.resumed" in await shop.told()
        assert (await shop.latest(subscription.id)).amount_paid == 3000


async def test_a_trial_ends_early_when_it_is_asked_to(shop: Shop) -> None:
    await shop.open("2025-03-01")
    subscription = await shop.subscribe(await shop.price("pro", 3000), trial_period_days=14)
    await shop.to("2025-03-05")
    now = await shop.client.v1.subscriptions.update_async(subscription.id, {"trial_end": "now"})
    assert (now.status, span(now), now.billing_cycle_anchor) == (
        "active",
        (at("2025-03-05"), at("2025-04-05")),
        shop.now,
    )
    assert (await shop.latest(subscription.id)).amount_paid == 3000
