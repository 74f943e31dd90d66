"""A whole billing in this process before the sandbox's Stripe; time is a test clock's, and ours goes with it."""

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from pydantic import SecretStr

from billing.api import ROUTERS
from billing.bootstrap import Selling, selling, selling_parts, stripe_of
from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.model import Price
from billing.credits.service import CreditService
from billing.customers.repository import CustomerRepository
from billing.entitlements.service import EntitlementService
from billing.notifications.source import NAME
from billing.organizations.service import OrganizationService
from billing.settings import BillingSettings
from billing.subscriptions.repository import SubscriptionRepository
from contracts import decode
from contracts.event import Event
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.ids import new_id
from kit.process import supervise
from kit.seal import Keyring, LocalMasterKey
from kit.seal.sealer import Sealer
from kit.testing.databases import TestDatabase
from kit.testing.delivering import Delivering
from kit.testing.programs import eventually
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .hearing import Ear, created

SECRET: Final = "whsec_sandbox"
KEY: Final = "sk_test_sandbox"
HOOK: Final = "/v1/webhooks/stripe"
MASTER: Final = "A" * 43


def settings(sandbox_url: str) -> BillingSettings:
    """Billing's settings for the sandbox."""
    return BillingSettings.model_construct(
        stripe_url=f"{sandbox_url}/stripe",
        stripe_api_key=SecretStr(KEY),
        stripe_api_version="2026-08-26.dahlia",
        stripe_webhook_secrets=(SecretStr(SECRET),),
        stripe_automatic_tax=False,
        public_url="http://127.0.0.1:8080",
        console_url="http://127.0.0.1:8080",
    )


@dataclass
class Customer:
    """An organization that is a customer at Stripe, on a test clock of its own."""

    organization_id: UUID
    stripe_id: str
    clock: str | None
    client: httpx.AsyncClient
    token: Callable[[], str]

    async def ask(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """Ask something of its subscription."""
        headers = {"authorization": f"Bearer {self.token()}", **more.pop("headers", {})}
        return await self.client.request(method, f"/v1/billing/subscription{path}", headers=headers, **more)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """The same, for what has to succeed."""
        answer = await self.ask("POST", path, json=body or None, headers={"idempotency-key": new_id().hex})
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str = "") -> dict[str, Any]:
        """What stands there."""
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@dataclass
class Shop:
    """Billing with its doors, and Stripe as the test acts on it."""

    place: TestDatabase
    database: Database
    made: Selling
    app: Any
    issuer: Issuer
    stripe: httpx.AsyncClient
    prices: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def ear(self) -> Ear:
        return Ear(self.database)

    @property
    def delivering(self) -> Delivering:
        return Delivering(self.place, "billing", self.made.ledger)

    # Stripe

    async def at_stripe(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do something at Stripe, as its desk would."""
        if method == "GET":
            return dict(await self.made.stripe.get(f"/v1{path}", params))
        if method == "DELETE":
            return dict(await self.made.stripe.delete(f"/v1{path}"))
        return dict(await self.made.stripe.post(f"/v1{path}", params, key=f"test-{new_id()}"))

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        """Do what a person does in front of one of Stripe's pages."""
        answer = await self.stripe.post(f"/stripe/control/{path}", json=body)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def put_up(self, *prices: Price) -> None:
        """Have these prices at Stripe."""
        for each in prices:
            if each.lookup_key not in self.prices:
                made = await self.at_stripe(
                    "POST",
                    "/prices",
                    {
                        "currency": each.currency,
                        "unit_amount": each.amount,
                        "recurring": {"interval": each.interval.value},
                        "lookup_key": each.lookup_key,
                        "product_data": {"name": each.lookup_key},
                    },
                )
                self.prices[each.lookup_key] = made["id"]

    async def put_up_all(self, currency: str = "eur") -> None:
        """Have everything that is sold in a currency at Stripe."""
        await self.put_up(*(each for each in CATALOGUE.prices if each.currency == currency))

    async def customer(self, card: str | None = "pm_card_visa", *, on_clock: bool = True) -> Customer:
        """An organization that billing knows and that is a customer, with a card; on a test clock of its own."""
        organization_id = new_id()
        await self.ear.hear(created(organization_id))
        about: dict[str, Any] = {"metadata": {"organization_id": str(organization_id)}}
        if on_clock:
            clock = await self.at_stripe("POST", "/test_helpers/test_clocks", {"frozen_time": self.now()})
            about["test_clock"] = clock["id"]
        made = await self.at_stripe("POST", "/customers", about)
        async with self.database.transaction(organization_id) as tx:
            customers = CustomerRepository(tx)
            await customers.made((await customers.take(organization_id)).id, made["id"])
        user = str(new_id())

        def token() -> str:
            return self.issuer.token(self.database.clock.now(), organization_id, "owner", sub=user)

        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://billing.test")
        self.clients.append(client)
        found = Customer(organization_id, made["id"], about.get("test_clock"), client, token)
        if card:
            await self.use(found, card)
        return found

    async def use(self, customer: Customer, card: str) -> None:
        """Make a card the customer's default."""
        method = await self.at_stripe("POST", f"/payment_methods/{card}/attach", {"customer": customer.stripe_id})
        await self.at_stripe(
            "POST",
            f"/customers/{customer.stripe_id}",
            {"invoice_settings": {"default_payment_method": method["id"]}},
        )

    async def subscribe(
        self, customer: Customer, key: str = "pro_month_eur_v1", *, seats: int = 0, **more: Any
    ) -> str:
        """Buy at Stripe, as Checkout does; Stripe's id of the subscription, which is followed then."""
        items = [{"price": self.prices[key], "quantity": 1}]
        if seats:
            plan, _, rest = key.partition("_")
            items.append({"price": self.prices[f"{plan}_seat_{rest}"], "quantity": seats})
        given = {"customer": customer.stripe_id, "items": items, **more}
        made = await self.at_stripe("POST", "/subscriptions", given)
        await self.follow()
        return str(made["id"])

    # time

    def now(self) -> int:
        return int(self.database.clock.timestamp())

    async def forward(self, customer: Customer, **delta: float) -> None:
        """Let time pass, here and on the customer's clock, and follow what happens."""
        await self.travel(timedelta(**delta).total_seconds())
        await self.advance(customer)
        await self.follow()

    async def travel(self, seconds: float) -> None:
        """Move our own time on."""
        await self.place.forward(seconds)
        await self.database.clock.synchronise()

    async def advance(self, customer: Customer) -> None:
        """Bring the customer's clock up to ours, in steps that Stripe allows."""
        path = f"/test_helpers/test_clocks/{customer.clock}"
        await self.at_stripe("POST", f"{path}/advance", {"frozen_time": self.now()})
        assert (await self.at_stripe("GET", path))["status"] == "ready"

    # following

    async def events(self) -> list[dict[str, Any]]:
        """What Stripe has told of that was not delivered yet, the oldest first."""
        found = [each async for each in self.made.stripe.pages("/v1/events") if each["id"] not in self.seen]
        return [dict(each) for each in found[::-1]]

    async def deliver(self, events: Sequence[dict[str, Any]]) -> None:
        """Let these events arrive, in this order."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://billing.test"
        ) as client:
            for each in events:
                body = json.dumps(each).encode()
                at = self.now()
                signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
                answer = await client.post(HOOK, content=body, headers={"stripe-signature": f"t={at},v1={signature}"})
                assert answer.status_code == 200, answer.text
                self.seen.add(each["id"])

    async def reduce(self) -> None:
        """Let workers run until what came in is done."""
        stop = asyncio.Event()
        working = asyncio.create_task(supervise(self.made.intake.loops(), stop))
        try:
            await eventually(self._reduced, within=60)
        finally:
            stop.set()
            await working

    async def _reduced(self) -> bool:
        (row,) = await self.database.statement(
            """
            SELECT (SELECT count(*) FROM intake_deliveries WHERE state = 'received')
                 + (SELECT count(*) FROM intake_items WHERE verdict IS NULL) AS left
            """
        )
        return not row["left"]

    async def follow(self, chance: random.Random | None = None) -> None:
        """Let all that Stripe tells arrive, and be read; with `chance` in any order, some of it twice."""
        events = await self.events()
        if chance is not None:
            events += [each for each in events if chance.random() < 0.3]
            chance.shuffle(events)
        await self.deliver(events)
        await self.reduce()
        await self.delivering.work()

    async def mirror(self, customer: Customer) -> Any:
        """The subscription as we hold it."""
        async with self.database.transaction(customer.organization_id) as tx:
            return await SubscriptionRepository(tx).current()

    async def told(self, customer: Customer) -> list[Event]:
        """Every fact about the customer's organization, in order."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", customer.organization_id
            )
        return [decode(row["body"]) for row in rows]

    async def plan(self, customer: Customer) -> str:
        """The plan in force."""
        return (await self.ear.organization(customer.organization_id)).plan

    async def invoices(self, customer: Customer) -> list[dict[str, Any]]:
        """All invoices at Stripe, the oldest first."""
        asked = {"customer": customer.stripe_id}
        found = [dict(each) async for each in self.made.stripe.pages("/v1/invoices", asked)]
        return found[::-1]

    async def charged(self, customer: Customer) -> int:
        """What was taken from the customer's cards, less what was given back to them."""
        asked = {"customer": customer.stripe_id}
        charges = [each async for each in self.made.stripe.pages("/v1/charges", asked)]
        return sum(each["amount"] - each["amount_refunded"] for each in charges if each["paid"])


def _asked_beside(database: Database) -> tuple[object, ...]:
    return OrganizationService(database), EntitlementService(database), CreditService(database)


@asynccontextmanager
async def shop_at(sandbox: httpx.AsyncClient, place: TestDatabase, database: Database) -> AsyncIterator[Shop]:
    """Billing before the sandbox at this address, which begins anew."""
    answer = await sandbox.post("/control/reset")
    assert answer.status_code < 300, answer.text
    keyring = Keyring(database, LocalMasterKey(Sealer.from_text(MASTER)))
    told = settings(str(sandbox.base_url).rstrip("/"))
    made = selling(told, database, keyring, stripe_of(told))
    issuer = Issuer()
    app = create_app(
        service="billing",
        title="Billing",
        routers=ROUTERS,
        parts=[
            OrganizationService(database),
            EntitlementService(database),
            CreditService(database),
            *selling_parts(made),
        ],
        verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
        mounts={HOOK: made.intake.asgi(NAME)},
        clock=database.clock,
    )
    shop = Shop(place, database, made, app, issuer, sandbox)
    try:
        yield shop
    finally:
        await asyncio.gather(*(client.aclose() for client in shop.clients))
        await made.stripe.close()
