from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.received import Received
from sandbox.stripe import (
    balance,
    balances,
    charges,
    coupons,
    customers,
    disputes,
    endpoints,
    events,
    payment_intents,
    payment_methods,
    prices,
    products,
    promotion_codes,
    refunds,
    setup_intents,
    tax_ids,
)
from sandbox.stripe.api import Api
from sandbox.stripe.bank import Bank
from sandbox.stripe.billing import KINDS, billing_operations
from sandbox.stripe.billing.hearing import Hearing
from sandbox.stripe.billing.people import People
from sandbox.stripe.billing.walking import Ticking
from sandbox.stripe.endpoints import RETRIES, Endpoints
from sandbox.stripe.operations import Operation
from sandbox.stripe.watching import Watching
from sandbox.stripe.world import World
from sandbox.webhooks import WebhookSender

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


class Stripe:
    """Stripe: the account's objects, the API over them, and the events of what happens to them."""

    name = "stripe"
    about = "Stripe: payments and billing of one test account, with events and signed webhooks."
    door: Door = "http"
    doors: Sequence[str] = ("/stripe/v1",)
    servers: Sequence[Server] = ()

    def __init__(self, browser_url: str = "") -> None:
        self.faults = Faults()
        self.received = Received()
        self.world = World(browser_url)
        self.world.register(
            balance.KIND,
            balances.KIND,
            charges.KIND,
            coupons.DISCOUNT,
            coupons.KIND,
            customers.KIND,
            disputes.KIND,
            disputes.WARNING,
            endpoints.KIND,
            events.KIND,
            payment_intents.KIND,
            payment_methods.KIND,
            prices.KIND,
            products.KIND,
            promotion_codes.KIND,
            refunds.KIND,
            setup_intents.ATTEMPT,
            setup_intents.KIND,
            tax_ids.KIND,
            *KINDS,
        )
        self._endpoints = Endpoints(self.world)
        self.webhooks = WebhookSender(self._endpoints.sign, self.faults, retries=RETRIES, ended=self._endpoints.ended)
        self._endpoints.deliver = self.webhooks.send
        self.world.listeners.append(self._endpoints.hear)
        self.world.listeners.append(Hearing(self.world).hear)
        self._ticking = Ticking(self.world)
        self.operations = all_operations()
        self._api = Api(self.world, self.operations, tick=self._ticking.set)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: an account without any object."""
        self._ticking.stop()
        self.world.begin()
        self._api.begin()
        self.webhooks.retry_as(RETRIES)
        self.webhooks.spread(1)

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        routes.include_router(Watching(self.world, self._endpoints, self.webhooks).routes())
        routes.include_router(People(self.world, self._ticking.set).routes())
        routes.include_router(Bank(self.world).routes())
        routes.add_route("/stripe/v1/{rest:path}", self._api.serve, methods=METHODS)
        return routes


def all_operations() -> list[Operation]:
    """Every operation of the API, by the object it is about."""
    return [
        *balance.operations(),
        *balances.operations(),
        *billing_operations(),
        *charges.operations(),
        *coupons.operations(),
        *customers.operations(),
        *disputes.operations(),
        *endpoints.operations(),
        *events.operations(),
        *payment_intents.operations(),
        *payment_methods.operations(),
        *prices.operations(),
        *products.operations(prices.create, prices.DEFAULT_PRICE),
        *promotion_codes.operations(),
        *refunds.operations(),
        *setup_intents.operations(),
        *tax_ids.operations(),
    ]
