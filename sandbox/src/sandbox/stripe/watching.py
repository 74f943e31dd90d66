"""For those who watch Stripe from outside: set it up, be the person or the bank, see what is there."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from sandbox.stripe.endpoints import RETRIES, SECRET, Endpoints, new_endpoint
from sandbox.stripe.store import Record
from sandbox.stripe.world import Account, World
from sandbox.webhooks import Retries, WebhookSender

Waits = Annotated[list[Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]], Field(max_length=50)]
Url = Annotated[str, Field(pattern=r"^https?://", max_length=2000)]


class WebhookIn(BaseModel):
    """The one endpoint that hears of everything, in place of the one set so before."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    secrets: Annotated[list[str], Field(min_length=1, max_length=10)] = [SECRET]
    """All of them sign, as they do while a secret is being rolled."""
    types: list[str] = ["*"]
    retry_seconds: Waits = list(RETRIES.waits)
    at_a_time: Annotated[int, Field(ge=1, le=64)] = 1
    """How many deliveries may be on their way together; with more than one there is no order."""


class Roll(BaseModel):
    """A new secret for an endpoint."""

    old_lives_seconds: Annotated[int, Field(ge=0, le=86_400)] = 86_400


class RawEvent(BaseModel):
    """An event as nobody has caused it: of any type and content, signed as it is asked."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(min_length=1, max_length=200)]
    data: dict[str, JsonValue] = {}
    """The object that it is about."""
    signature: Literal["right", "wrong", "none"] = "right"
    signed_seconds_ago: int = 0


class Resend(BaseModel):
    """An event once more."""

    signature: Literal["right", "wrong", "none"] = "right"
    signed_seconds_ago: int = 0


class Watching:
    """The paths below /stripe/control."""

    def __init__(self, world: World, endpoints: Endpoints, sender: WebhookSender) -> None:
        self._world, self._endpoints, self._sender = world, endpoints, sender

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/stripe/control")
        add = routes.add_api_route
        add("/account", self.read_account, methods=["GET"])
        add("/account", self.put_account, methods=["PUT"])
        add("/webhook", self.put_webhook, methods=["PUT"])
        add("/webhook_endpoints/{identifier}/roll", self.roll, methods=["POST"])
        add("/events", self.make_event, methods=["POST"], status_code=201)
        add("/events/{identifier}/resend", self.resend, methods=["POST"])
        add("/untold", self.count_untold, methods=["GET"])
        add("/objects/{kind}", self.list_objects, methods=["GET"])
        return routes

    async def read_account(self) -> Account:
        """How Stripe treats the account."""
        return self._world.account

    async def put_account(self, account: Account) -> Account:
        """Treat the account so; what is not given is as at the start."""
        self._world.account = account
        return account

    async def put_webhook(self, webhook: WebhookIn) -> dict[str, JsonValue]:
        """Send events there; the endpoint, as the API shows it."""
        for one in list(self._world.store.all("webhook_endpoint")):
            if one.more.get("by_control"):
                self._world.store.remove(one)
        made = new_endpoint(self._world, webhook.url, types=webhook.types, secrets=webhook.secrets)
        made.more["by_control"] = True
        self._sender.retry_as(Retries(tuple(webhook.retry_seconds)))
        self._sender.spread(webhook.at_a_time)
        return made.shown()

    async def roll(self, identifier: str, roll: Roll) -> dict[str, str]:
        """Give an endpoint a new secret; both sign while the old one lives."""
        endpoint = self._found("webhook_endpoint", identifier)
        return {"secret": self._endpoints.roll(endpoint, roll.old_lives_seconds)}

    async def make_event(self, raw: RawEvent) -> dict[str, JsonValue]:
        """Send an event that nobody has caused."""
        event = self._world.tell_of(raw.type, {"object": raw.data}, quiet=True)
        self._send(event, raw.signature, raw.signed_seconds_ago)
        return event.shown()

    async def resend(self, identifier: str, resend: Resend) -> dict[str, JsonValue]:
        """Send an event to all endpoints again."""
        event = self._found("event", identifier)
        self._send(event, resend.signature, resend.signed_seconds_ago)
        return event.shown()

    async def count_untold(self) -> dict[str, int]:
        """How many deliveries of events no endpoint has taken yet; those that were given up count, too."""
        return {"untold": sum(one.data["pending_webhooks"] for one in self._world.store.all("event"))}

    async def list_objects(
        self, kind: str, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, JsonValue]]:
        """Objects of a kind, newest first, as the API shows them."""
        return [one.shown() for one, _ in zip(self._world.store.all(kind), range(limit), strict=False)]

    def _send(self, event: Record, signed: str, aged: int) -> None:
        for endpoint in list(self._world.store.all("webhook_endpoint")):
            self._endpoints.send(event, endpoint, signed=signed, aged=aged)

    def _found(self, kind: str, identifier: str) -> Record:
        record = self._world.store.get(kind, identifier)
        if record is None:
            raise HTTPException(404, f"There is no such {kind}.")
        return record
