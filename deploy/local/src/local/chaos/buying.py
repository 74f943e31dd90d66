"""What customers and staff do about money all the time while things go wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from contracts.event import new_id
from local.chaos import books
from local.chaos.client import Client
from local.chaos.outside import Sandbox
from local.chaos.tenant import Tenant
from local.chaos.traffic import Clock, Lane, Traffic

_CARDS: Final = ("4242424242424242", "4000002500003155")
"""One that pays, one whose bank asks (https://docs.stripe.com/testing)."""
_DECLINED: Final = "4000000000000002"
_PLANS: Final = ("creator", "pro", "agency")
_NO = (404, 409, 422)
"""There is nothing to do it with, it cannot be done now, or it is no more than there is."""


Fits = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Customer:
    """An organization that buys, with its owner's session in it."""

    client: Client
    organization: str
    mark: str
    random: Random


class Buying(Traffic):
    """What one tenant spends; `desk` is the session of a member of our staff."""

    def __init__(self, tenant: Tenant, desk: Client, sandbox: Sandbox, stop: asyncio.Event, now: Clock) -> None:
        super().__init__(tenant, sandbox, stop, now)
        self._desk = desk
        self._counts: dict[str, int] = {}

    def all(self) -> Sequence[Lane]:
        """Every lane."""
        return (self.live, self.open_shops)

    async def live(self) -> None:
        """Subscribe, and then change, refund, correct, grant and spend."""
        tenant = self._tenant
        customer = Customer(self._owner, tenant.organization, tenant.tag, tenant.random("buy"))
        await self._subscribe(customer)
        while not self._stop.is_set():
            await customer.random.choice(self._deeds())(customer)
            await self._rest(customer.random.uniform(0.3, 2.0))

    async def open_shops(self) -> None:
        """Found organizations that subscribe and do a few things."""
        random, count = self._tenant.random("shops"), 0
        while not self._stop.is_set():
            count += 1
            mark = f"Shop {count} of {self._tenant.tag}"
            made = await self._make(books.ORGANIZATION, mark, "/v1/organizations", {"name": mark})
            if made is None:
                return
            organization = made.json()["id"]
            client = Client(replace(self._owner.visitor), self._book, self._owner.over, organization)
            if not await client.sign_in(instead_of=client.visitor.access_token):
                return
            customer = Customer(client, organization, mark, Random(mark))
            await self._subscribe(customer)
            for _ in range(random.randint(1, 3)):
                if not self._stop.is_set():
                    await random.choice(self._deeds())(customer)
            await self._rest(random.uniform(1.0, 3.0))

    def _deeds(self) -> Sequence[Callable[[Customer], Awaitable[None]]]:
        often = (self._switch, self._refund)
        return (*often, *often, self._correct, self._grant, self._spend, self._waver)

    async def _subscribe(self, customer: Customer) -> None:
        """Open the page, pay on it, come back or not, and wait for the plan."""
        random = customer.random
        wish = {"plan": random.choice(_PLANS), "interval": random.choice(("month", "year")), "currency": "eur"}
        while not self._stop.is_set():  # not before billing has heard of the organization
            page = await self._count(customer, books.CHECKOUT, "/v1/billing/checkouts", wish)
            if page is not None:
                await self._pay(customer, page.json())
                return await self._until_it_has(customer, wish["plan"])
            await self._rest(1.0)
        return None

    async def _pay(self, customer: Customer, page: dict[str, Any]) -> None:
        session = urlsplit(str(page["url"])).path.rsplit("/", 1)[-1]
        path, card = f"/stripe/control/checkout/{session}/pay", customer.random.choice(_CARDS)
        entered = {"country": "DE", "email": f"{customer.organization}@example.com", "authenticates": True}
        if customer.random.random() < 0.3:
            await self._sandbox.ask("POST", path, {**entered, "card": _DECLINED})
        paid = await self._sandbox.ask("POST", path, {**entered, "card": card})
        for _ in range(customer.random.choice((0, 1, 2))):
            with suppress(httpx.TransportError):
                await customer.client.visitor.http.get(paid["url"], follow_redirects=False)

    async def _until_it_has(self, customer: Customer, plan: str) -> None:
        while not self._stop.is_set():
            found = await customer.client.ask("GET", "/v1/billing/organization", {200, 404})
            if found is None or (found.status_code == httpx.codes.OK and found.json()["plan"] == plan):
                return
            await self._rest(0.5)

    async def _switch(self, customer: Customer) -> None:
        """Another number of seats or another plan, some of them as previewed, confirmed where the bank asks."""
        random, path = customer.random, "/v1/billing/subscription"
        wish: dict[str, Any] = {"seats": random.randint(0, 9)}
        if random.random() < 0.4:
            wish = {"plan": random.choice(_PLANS)}
        if random.random() < 0.5:
            asked = await customer.client.ask("POST", f"{path}/preview", {200, *_NO}, json=wish)
            if asked is not None and asked.status_code == httpx.codes.OK and asked.json()["proration_at"]:
                wish["proration_at"] = asked.json()["proration_at"]
        made = await self._count(customer, books.CHANGE, f"{path}/changes", wish)
        if made is not None:
            await self._settled(customer, f"{path}/changes/{made.json()['id']}")

    async def _settled(self, customer: Customer, path: str) -> None:
        """Wait until a change is neither pending nor waiting for the bank, which is answered."""
        while not self._stop.is_set():
            found = await customer.client.ask("GET", path, {200})
            if found is None or found.json()["state"] not in {"pending", "requires_action"}:
                return
            if found.json()["state"] == "requires_action" and customer.random.random() < 0.7:
                link = await customer.client.ask("GET", f"{path}/payment-link", {200, 404})
                if link is not None and link.status_code == httpx.codes.OK:
                    await customer.client.visitor.http.post(
                        f"{link.json()['url']}/authenticate", data={"answer": "yes"}
                    )
            await self._rest(0.5)

    async def _waver(self, customer: Customer) -> None:
        """Cancel, and then stay."""
        for what in ("cancel", "keep"):
            await self._count(customer, books.CHANGE, f"/v1/billing/subscription/{what}", None)
            await self._rest(customer.random.uniform(0.2, 1.0))

    async def _refund(self, customer: Customer) -> None:
        """Give a part of a payment back, or now and then all of it; too much is refused."""
        payment = await self._one(customer, "payments", lambda each: each["state"] == "succeeded")
        if payment is not None:
            amount = customer.random.choice((1, 100, payment["received"] // 3 or 1, payment["received"]))
            order = {"amount": amount, "reason": "requested_by_customer"}
            path = self._desk_of(customer, f"payments/{payment['id']}/refunds")
            await self._count(customer, books.REFUND, path, order, by=self._desk)

    async def _correct(self, customer: Customer) -> None:
        """Correct an invoice by a credit note."""
        invoice = await self._one(customer, "invoices", lambda each: each["status"] == "paid" and each["total"] > 0)
        if invoice is not None:
            order = {"amount": customer.random.choice((1, 250, invoice["total"] // 2 or 1)), "reason": "other"}
            path = self._desk_of(customer, f"invoices/{invoice['id']}/credit-notes")
            await self._count(customer, books.CREDIT_NOTE, path, order, by=self._desk)

    async def _grant(self, customer: Customer) -> None:
        """Grant a lot of credits."""
        lot = {"amount": customer.random.randint(1, 500), "reason": "goodwill"}
        await self._count(customer, books.LOT, self._desk_of(customer, "credits/lots"), lot, by=self._desk)

    async def _spend(self, customer: Customer) -> None:
        """Spend credits, twice at once under one id; there may be too few."""
        spend_id, path = str(new_id()), "/v1/billing/credits/spends"
        spend = {"id": spend_id, "amount": customer.random.randint(1, 100), "purpose": "image_generation"}
        self._book.asked[books.SPEND].add(spend_id)
        asking = (customer.client.ask("POST", path, {200, *_NO}, json=spend) for _ in range(2))
        for answer in await asyncio.gather(*asking):
            if answer is not None and answer.status_code == httpx.codes.OK:
                self._book.accept(books.SPEND, spend_id, f"{spend_id} {answer.json()['amount']}")

    async def _one(self, customer: Customer, what: str, fits: Fits) -> dict[str, Any] | None:
        found = await customer.client.ask("GET", f"/v1/billing/{what}?limit=20", {200, 404})
        if found is None or found.status_code != httpx.codes.OK:
            return None
        fitting = [each for each in found.json()["items"] if fits(each)]
        return customer.random.choice(fitting) if fitting else None

    async def _count(
        self, customer: Customer, kind: str, path: str, body: dict[str, Any] | None, *, by: Client | None = None
    ) -> httpx.Response | None:
        """Ask for the next of a kind; what cannot be had now is refused."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        mark = f"{kind} {self._counts[kind]} of {customer.mark}"
        return await self._make(kind, mark, path, body, refused=_NO, by=by or customer.client)

    @staticmethod
    def _desk_of(customer: Customer, path: str) -> str:
        return f"/v1/staff/billing/organizations/{customer.organization}/{path}"
