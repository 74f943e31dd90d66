"""A year of a subscription by Stripe's test clock, and what it must come to, reckoned once more here."""

import random
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .shop import Customer, Shop


def share(amount: int, start: int, moment: int, end: int) -> int:
    """What is left of a period's price at a moment of it, to the cent."""
    left = Decimal(amount) * (end - moment) / (end - start)
    return int(left.quantize(Decimal(1), ROUND_HALF_UP))


def span(shown: dict[str, Any]) -> tuple[int, int]:
    """The period of a subscription as it is shown."""
    return seconds(shown["period_start"]), seconds(shown["period_end"])


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@dataclass
class Year:
    """Ann's year, and what she should have paid by now."""

    shop: Shop
    ann: Customer
    expected: list[int] = field(default_factory=list)

    async def tries_and_converts(self) -> None:
        """Fourteen days for nothing, then the first payment."""
        await self.shop.subscribe(self.ann, "pro_month_eur_v1", trial_period_days=14)
        assert (await self.ann.get())["state"] == "trialing"
        assert await self.shop.plan(self.ann) == "pro"
        await self.shop.forward(self.ann, days=14, hours=2)
        self.expected.append(4_900)
        assert (await self.ann.get())["state"] == "active"

    async def upgrades_in_the_middle_of_a_period(self) -> None:
        """What is charged is what was previewed, and what the seconds that are left cost."""
        await self.shop.forward(self.ann, days=9, hours=3, minutes=7)
        begin, end = span(await self.ann.get())
        preview = await self.ann.post("/preview", plan="agency", seats=2)
        at = seconds(preview["proration_at"])
        due = sum(share(amount, begin, at, end) for amount in (19_900, 2_000)) - share(4_900, begin, at, end)
        change = await self.ann.post("/changes", plan="agency", seats=2, proration_at=preview["proration_at"])
        self.expected.append(due)
        assert (change["state"], change["amount_due"], preview["amount_due"]) == ("applied", due, due)
        assert (await self.ann.get())["plan"] == "agency"  # read by the request itself: no event has come yet
        await self.shop.follow(random.Random(7))
        assert await self.shop.plan(self.ann) == "agency"

    async def owes_and_pays_within_the_grace(self) -> None:
        """A renewal fails, and a later attempt succeeds."""
        await self.shop.use(self.ann, "pm_card_chargeCustomerFail")
        await self.shop.forward(self.ann, days=22)
        assert ((await self.ann.get())["state"], await self.shop.plan(self.ann)) == ("past_due", "agency")
        await self.shop.use(self.ann, "pm_card_visa")
        await self.shop.forward(self.ann, days=4)
        assert (await self.ann.get())["state"] == "active"
        self.expected.append(19_900 + 2_000)

    async def switches_to_a_year(self) -> None:
        """A new period begins with it; what is left of the month is given back."""
        begin, end = span(await self.ann.get())
        preview = await self.ann.post("/preview", interval="year")
        at = seconds(preview["proration_at"])
        due = 199_000 + 20_000 - sum(share(amount, begin, at, end) for amount in (19_900, 2_000))
        change = await self.ann.post("/changes", interval="year", proration_at=preview["proration_at"])
        self.expected.append(due)
        assert (change["state"], change["amount_due"], preview["amount_due"]) == ("applied", due, due)
        await self.shop.follow(random.Random(11))
        shown = await self.ann.get()
        assert (shown["interval"], shown["seats"]) == ("year", 2)

    async def is_refunded(self, amount: int) -> None:
        """A part of the latest invoice is given back."""
        latest = await last_invoice(self.shop, self.ann)
        payments = await self.shop.at_stripe("GET", "/invoice_payments", {"invoice": latest})
        intent = payments["data"][0]["payment"]["payment_intent"]
        await self.shop.at_stripe("POST", "/refunds", {"payment_intent": intent, "amount": amount})

    async def cancels_and_ends(self) -> None:
        """It goes on until the period ends."""
        ends = (await self.ann.get())["period_end"]
        assert (await self.ann.post("/cancel"))["state"] == "applied"
        cancelling = await self.ann.get()
        assert (cancelling["state"], cancelling["cancel_at"]) == ("cancelling", ends)
        await self.shop.forward(self.ann, days=300)
        assert await self.shop.plan(self.ann) == "agency"
        await self.shop.forward(self.ann, days=70)
        assert ((await self.ann.get())["state"], await self.shop.plan(self.ann)) == ("ended", "free")


async def test_a_year_comes_to_the_cent_to_what_each_second_of_it_costs(shop: Shop) -> None:
    await shop.put_up_all()
    year = Year(shop, await shop.customer())
    await year.tries_and_converts()
    await year.upgrades_in_the_middle_of_a_period()
    await year.owes_and_pays_within_the_grace()
    await year.switches_to_a_year()
    await year.is_refunded(50_000)
    await year.cancels_and_ends()

    paid = [each["amount_paid"] for each in await shop.invoices(year.ann) if each["amount_paid"]]
    assert paid == year.expected
    assert await shop.charged(year.ann) == sum(year.expected) - 50_000
    names = [type(each).__name__ for each in await shop.told(year.ann)]
    assert [each for each in names if each.startswith(("Subscription", "Trial"))] == [
        "SubscriptionStarted",
        "SubscriptionTrialStarted",
        "SubscriptionRenewed",
        "SubscriptionChanged",
        "SubscriptionRenewed",
        "SubscriptionPastDue",
        "SubscriptionRecovered",
        "SubscriptionChanged",
        "SubscriptionRenewed",
        "SubscriptionCancelling",
        "SubscriptionEnded",
    ]


async def last_invoice(shop: Shop, ann: Customer) -> str:
    mirror = await shop.mirror(ann)
    found = await shop.at_stripe("GET", f"/subscriptions/{mirror.seen.stripe_id}")
    return str(found["latest_invoice"])
