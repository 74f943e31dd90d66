"""A customer on a test clock, and what is sold to them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import stripe


def at(text: str) -> int:
    """A moment in UTC, in Unix seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@dataclass
class Shop:
    """The account as a test uses it: one clock, one customer with a card, prices by name."""

    client: stripe.StripeClient
    http: httpx.AsyncClient
    clock: str = ""
    customer: str = ""
    now: int = 0
    prices: dict[str, str] = field(default_factory=dict)

    async def open(self, start: str, card: str | None = "pm_card_visa", **about: Any) -> "Shop":
        """Begin at a moment, with a customer who has a card."""
        self.now = at(start)
        self.clock = (await self.client.v1.test_helpers.test_clocks.create_async({"frozen_time": self.now})).id
        given: Any = {"email": "ann@example.org", "name": "Ann", "test_clock": self.clock, **about}
        made = await self.client.v1.customers.create_async(given)
        self.customer = made.id
        if card is not None:
            await self.use(card)
        return self

    async def use(self, card: str) -> str:
        """Make a card the customer's default."""
        method = await self.client.v1.payment_methods.attach_async(card, {"customer": self.customer})
        await self.client.v1.customers.update_async(
            self.customer, {"invoice_settings": {"default_payment_method": method.id}}
        )
        return method.id

    async def price(self, name: str, amount: int, interval: str = "month", **more: Any) -> str:
        """A price of a product of that name."""
        given: Any = {"currency": "eur", "unit_amount": amount, "product_data": {"name": name.capitalize()}, **more}
        given = {name: value for name, value in given.items() if value is not None}
        if interval:
            given["recurring"] = {"interval": interval}
        self.prices[name] = (await self.client.v1.prices.create_async(given)).id
        return self.prices[name]

    async def subscribe(self, price: str, quantity: int = 1, **more: Any) -> stripe.Subscription:
        """Subscribe to one price."""
        items = [{"price": price, "quantity": quantity}]
        given: Any = {"customer": self.customer, "items": items, **more}
        return await self.client.v1.subscriptions.create_async(given)

    async def to(self, text: str) -> None:
        """Let time pass up to a moment, in steps that Stripe allows."""
        self.now = at(text)
        await self.client.v1.test_helpers.test_clocks.advance_async(self.clock, {"frozen_time": self.now})
        assert (await self.client.v1.test_helpers.test_clocks.retrieve_async(self.clock)).status == "ready"

    async def read(self, subscription: str) -> stripe.Subscription:
        """The subscription as it is now."""
        return await self.client.v1.subscriptions.retrieve_async(subscription)

    async def invoices(self, **filters: Any) -> list[stripe.Invoice]:
        """All invoices, oldest first."""
        given: Any = {"limit": 100, **filters}
        found = await self.client.v1.invoices.list_async(given)
        return found.data[::-1]

    async def latest(self, subscription: str) -> stripe.Invoice:
        """The latest invoice of a subscription."""
        found = (await self.read(subscription)).latest_invoice
        return await self.client.v1.invoices.retrieve_async(str(found))

    async def told(self, prefix: str = "") -> list[str]:
        """The types of all events so far, oldest first."""
        events = await self.client.v1.events.list_async({"limit": 100})
        found = [event.type async for event in events.auto_paging_iter()]
        return [each for each in found[::-1] if each.startswith(prefix)]

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        """Do what a person does in front of a page."""
        answer = await self.http.post(f"/stripe/control/{path}", json=body)
        found: dict[str, Any] = answer.json()
        return found


def item_of(subscription: stripe.Subscription) -> stripe.SubscriptionItem:
    """Its first item."""
    found: stripe.SubscriptionItem = subscription["items"].data[0]
    return found


def span(subscription: stripe.Subscription) -> tuple[int, int]:
    """The period it is in."""
    item = item_of(subscription)
    return item.current_period_start, item.current_period_end
