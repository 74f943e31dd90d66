"""A year of one subscription on a test clock, and what it must come to, reckoned here once more by other means."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import httpx
import pytest

from .stripe_account import sdk
from .stripe_billing import Shop, at, item_of


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with sdk(http) as client:
        yield Shop(client, http)


def share(amount: int, start: str, moment: str, end: str) -> int:
    """What is left of a period's price at a moment of it."""
    whole, left = Decimal(at(end) - at(start)), Decimal(at(end) - at(moment))
    return int((Decimal(amount) * left / whole).quantize(Decimal(1), ROUND_HALF_UP))


async def test_a_year_comes_to_the_cent_to_what_each_second_of_it_costs(shop: Shop) -> None:
    """Trial, conversion, upgrade, more seats, a failed renewal and its recovery, the switch to a year, the end."""
    await shop.open("2025-01-17T09:30:00")
    pro = await shop.price("pro", 2900)
    agency = await shop.price("agency", 9900)
    yearly = await shop.price("agency_yearly", 99_000, "year")
    subscription = await shop.subscribe(pro, trial_period_days=14)
    await shop.to("2025-02-01")
    expected = [0, 2900]

    first = item_of(subscription).id
    await shop.to("2025-02-11T13:45:07")
    await shop.client.v1.subscriptions.update_async(
        subscription.id, {"items": [{"id": first, "price": agency}], "proration_behavior": "always_invoice"}
    )
    period = ("2025-01-31T09:30:00", "2025-02-11T13:45:07", "2025-02-28T09:30:00")
    expected.append(share(9900, *period) - share(2900, *period))

    await shop.to("2025-03-01")
    expected.append(9900)

    await shop.to("2025-03-10T08:00:00")
    await shop.client.v1.subscriptions.update_async(subscription.id, {"items": [{"id": first, "quantity": 3}]})
    period = ("2025-02-28T09:30:00", "2025-03-10T08:00:00", "2025-03-31T09:30:00")
    await shop.to("2025-04-01")
    expected.append(3 * 9900 + share(3 * 9900, *period) - share(9900, *period))

    await shop.use("pm_card_chargeCustomerFail")
    await shop.to("2025-05-01")
    assert (await shop.read(subscription.id)).status == "past_due"
    await shop.use("pm_card_visa")
    await shop.to("2025-05-05")
    assert (await shop.read(subscription.id)).status == "active"
    expected.append(3 * 9900)

    for month in ("2025-06-01", "2025-07-01"):
        await shop.to(month)
        expected.append(3 * 9900)

    await shop.to("2025-07-14T22:10:00")
    preview = await shop.client.v1.invoices.create_preview_async(
        {
            "subscription": subscription.id,
            "subscription_details": {"items": [{"id": first, "price": yearly}], "proration_date": shop.now},
        }
    )
    switched = await shop.client.v1.subscriptions.update_async(
        subscription.id, {"items": [{"id": first, "price": yearly}], "proration_date": shop.now}
    )
    period = ("2025-06-30T09:30:00", "2025-07-14T22:10:00", "2025-07-31T09:30:00")
    expected.append(3 * 99_000 - share(3 * 9900, *period))
    assert preview.amount_due == expected[-1]
    end = datetime.fromtimestamp(item_of(switched).current_period_end, UTC)
    assert end.isoformat() == "2026-07-14T22:10:00+00:00"

    await shop.client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    await shop.to("2026-01-17")
    paid = await shop.invoices(subscription=subscription.id)
    assert [one.status for one in paid] == ["paid"] * len(expected)
    assert [one.amount_paid for one in paid] == expected
    numbers = [str(one.number)[-4:] for one in paid]
    assert numbers == [f"{number:04d}" for number in range(1, len(expected) + 1)]
    charges = await shop.client.v1.charges.list_async({"customer": shop.customer, "limit": 100})
    assert sum(one.amount for one in charges.data if one.paid) == sum(expected)
    await refuse_afterlife(shop, subscription.id, len(expected))


async def refuse_afterlife(shop: Shop, subscription: str, invoices: int) -> None:
    """It ends with its last period, and nothing is owed to anybody."""
    await shop.to("2026-07-15")
    ended = await shop.read(subscription)
    assert (ended.status, ended.ended_at) == ("canceled", at("2026-07-14T22:10:00"))
    assert len(await shop.invoices(subscription=subscription)) == invoices
    assert (await shop.client.v1.customers.retrieve_async(shop.customer)).balance == 0
