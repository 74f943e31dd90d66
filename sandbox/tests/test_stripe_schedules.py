from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import refuse_other_shape, sdk
from .stripe_billing import Shop, at, item_of, span


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with sdk(http) as client:
        yield Shop(client, http)


async def planned(shop: Shop, subscription: stripe.Subscription, price: str, quantity: int = 1, **more: Any) -> str:
    """A schedule that switches to a price when the running period ends."""
    made = await shop.client.v1.subscription_schedules.create_async({"from_subscription": subscription.id})
    (now,) = made.phases
    items = [{"price": str(one.price), "quantity": one.quantity} for one in now.items]
    phases: Any = [
        {"items": items, "start_date": now.start_date, "end_date": now.end_date},
        {"items": [{"price": price, "quantity": quantity}], "proration_behavior": "none", **more},
    ]
    given: Any = {"phases": phases, "proration_behavior": "none", "end_behavior": "release"}
    await shop.client.v1.subscription_schedules.update_async(made.id, given)
    return made.id


@pytest.mark.parametrize(
    ("price", "interval", "end"), [("pro", "month", "2025-06-01"), ("yearly", "year", "2026-05-01")]
)
async def test_a_switch_comes_with_the_next_period_and_costs_nothing_before(
    shop: Shop, price: str, interval: Any, end: str
) -> None:
    await shop.open("2025-04-01")
    subscription = await shop.subscribe(await shop.price("agency", 9900))
    await shop.price("pro", 2900)
    await shop.price("yearly", 29_000, "year")
    schedule = await planned(shop, subscription, shop.prices[price], 2, duration={"interval": interval})
    held = await shop.read(subscription.id)
    assert (held.schedule, item_of(held).price.id) == (schedule, shop.prices["agency"])
    preview = await shop.client.v1.invoices.create_preview_async({"subscription": subscription.id})
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        await shop.client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    await shop.to("2025-05-01T02:00:00")
    now = await shop.read(subscription.id)
    assert (item_of(now).price.id, item_of(now).quantity) == (shop.prices[price], 2)
    assert span(now) == (at("2025-05-01"), at(end))
    renewal = await shop.latest(subscription.id)
    wanted = {"pro": 5800, "yearly": 58_000}[price]
    assert (renewal.amount_paid, preview.total) == (wanted, wanted)
    assert len(await shop.invoices(subscription=subscription.id)) == 2
    running = await shop.client.v1.subscription_schedules.retrieve_async(schedule)
    assert running.current_phase
    assert (running.status, running.current_phase.start_date) == ("active", at("2025-05-01"))
    refuse_other_shape(running)


async def test_a_schedule_lets_go_when_it_is_told_or_when_it_is_over(shop: Shop) -> None:
    await shop.open("2025-04-01")
    price = await shop.price("agency", 9900)
    one, other = await shop.subscribe(price), await shop.subscribe(price)
    await shop.price("pro", 2900)
    first, second = await planned(shop, one, shop.prices["pro"]), await planned(shop, other, shop.prices["pro"])
    released = await shop.client.v1.subscription_schedules.release_async(first)
    assert (released.status, released.released_subscription, (await shop.read(one.id)).schedule) == (
        "released",
        one.id,
        None,
    )
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.subscription_schedules.release_async(first)
    await shop.to("2025-05-02")
    await shop.to("2025-06-02")
    assert item_of(await shop.read(one.id)).price.id == price
    after = await shop.read(other.id)
    assert (after.schedule, item_of(after).price.id, after.status) == (None, shop.prices["pro"], "active")
    assert (await shop.client.v1.subscription_schedules.retrieve_async(second)).status == "released"
    assert (await shop.told("subscription_schedule")).count("subscription_schedule.released") == 2


async def test_a_schedule_begins_a_subscription_later_and_ends_it(shop: Shop) -> None:
    await shop.open("2025-04-01")
    price = await shop.price("pro", 2900)
    given: Any = {
        "customer": shop.customer,
        "start_date": at("2025-04-10"),
        "end_behavior": "cancel",
        "phases": [{"items": [{"price": price}], "duration": {"interval": "month", "interval_count": 2}}],
    }
    schedule = await shop.client.v1.subscription_schedules.create_async(given)
    assert (schedule.status, schedule.subscription) == ("not_started", None)
    await shop.to("2025-04-11")
    begun = await shop.client.v1.subscription_schedules.retrieve_async(schedule.id)
    subscription = str(begun.subscription)
    assert ((await shop.read(subscription)).status, (await shop.latest(subscription)).amount_paid) == ("active", 2900)
    await shop.to("2025-05-11")
    await shop.to("2025-06-11")
    ended = await shop.read(subscription)
    assert (ended.status, ended.ended_at) == ("canceled", at("2025-06-10"))
    assert (await shop.client.v1.subscription_schedules.retrieve_async(schedule.id)).status == "completed"
    assert len(await shop.invoices(subscription=subscription)) == 2


async def test_without_a_test_clock_time_is_the_accounts_own(shop: Shop) -> None:
    customer = await shop.client.v1.customers.create_async({})
    shop.customer = customer.id
    await shop.use("pm_card_visa")
    subscription = await shop.subscribe(await shop.price("pro", 2900))
    session: Any = {"mode": "setup", "success_url": "https://example.org", "customer": customer.id}
    session = await shop.client.v1.checkout.sessions.create_async(session)
    await shop.http.put("/stripe/control/account", json={"ahead_seconds": 32 * 86_400})
    renewed = await shop.read(subscription.id)
    await shop.http.put("/stripe/control/account", json={"ahead_seconds": 32 * 86_400 + 7_200})
    assert span(renewed)[0] == span(subscription)[1]
    assert [one.status for one in await shop.invoices(subscription=subscription.id)] == ["paid", "paid"]
    assert (await shop.client.v1.checkout.sessions.retrieve_async(session.id)).status == "expired"
