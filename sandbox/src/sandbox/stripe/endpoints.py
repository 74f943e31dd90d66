"""Webhook endpoints and what is sent to them: https://docs.stripe.com/webhooks."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from sandbox.stripe import ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import METADATA, Call, Operation, listing, reading
from sandbox.stripe.params import Flag, List, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World
from sandbox.webhooks import Retries, Webhook

KIND: Final = Kind("webhook_endpoint", noun="webhook endpoint")
RETRIES: Final = Retries(waits=(1.0, 5.0, 30.0, 300.0), timeout=10.0)
"""Stripe tries three times over some hours in test mode, and for three days otherwise; a sandbox is less patient."""
SECRET: Final = "whsec_sandbox"  # noqa: S105 - the sandbox's own, known to everybody

_URL: Final = r"https?://[^\s]{1,2000}"
_TYPES: Final = List(Text(most=200, required=True), least=1)


@dataclass(frozen=True, slots=True)
class Delivery(Webhook):
    """An event on its way to one endpoint; another signature may be asked for by those who test."""

    endpoint: str = ""
    signed: str = "right"
    aged: int = 0
    """How many seconds ago it says that it was signed."""


class Endpoints:
    """Sends events to those who subscribed to them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.deliver: Callable[[str, Webhook], None] = lambda _, __: None
        """Takes an event on its way to an address; the member says how."""

    def hear(self, event: Record) -> None:
        """Send an event to each endpoint that wants its type."""
        wanting = [one for one in self._world.store.all("webhook_endpoint") if _wants(one, event.data["type"])]
        event.data["pending_webhooks"] = len(wanting)
        event.more["pending"] = {one.id for one in wanting}
        for endpoint in wanting:
            self.send(event, endpoint)

    def send(self, event: Record, endpoint: Record, *, signed: str = "right", aged: int = 0) -> None:
        """Send an event to an endpoint, whether it subscribed or not."""
        version = endpoint.data["api_version"] or self._world.account.api_version
        shown = {**event.data, "api_version": version, "pending_webhooks": max(1, event.data["pending_webhooks"])}
        body = orjson.dumps(shown, option=orjson.OPT_INDENT_2)
        delivery = Delivery(event.data["type"], body, event.id, endpoint.id, signed, aged)
        self.deliver(endpoint.data["url"], delivery)

    def ended(self, webhook: Webhook, accepted: bool) -> None:
        """An event was taken by an endpoint, or was given up and stays pending."""
        event = self._world.store.get("event", webhook.id)
        if event is not None and accepted and isinstance(webhook, Delivery):
            event.more.get("pending", set()).discard(webhook.endpoint)
            event.data["pending_webhooks"] = len(event.more.get("pending", ()))

    def sign(self, webhook: Webhook, at: datetime) -> Mapping[str, str]:
        """The headers of one attempt: the moment, and a signature by each secret that is still good."""
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "cache-control": "no-cache",
        }
        if not isinstance(webhook, Delivery) or webhook.signed == "none":
            return headers
        moment = int(at.timestamp()) + self._world.account.ahead_seconds - webhook.aged
        secrets = self._secrets(webhook.endpoint) if webhook.signed == "right" else ["whsec_of_somebody_else"]
        parts = [f"t={moment}", *(f"v1={signature(webhook.body, moment, secret)}" for secret in secrets)]
        parts.append(f"v0={signature(webhook.body, moment, 'whsec_of_old')}")
        return {**headers, "stripe-signature": ",".join(parts)}

    def _secrets(self, identifier: str) -> list[str]:
        endpoint = self._world.store.get("webhook_endpoint", identifier)
        if endpoint is None:
            return [SECRET]
        now = self._world.now()
        return [secret for secret, until in endpoint.more["secrets"] if until is None or until > now]

    def roll(self, endpoint: Record, old_lives: int) -> str:
        """Give an endpoint a new secret; the old ones sign too for so many seconds."""
        until = self._world.now() + old_lives
        kept = [(secret, until if end is None else min(until, end)) for secret, end in endpoint.more["secrets"]]
        made = f"whsec_{ids.letters(32)}"
        endpoint.more["secrets"] = [(made, None), *kept]
        return made


def signature(body: bytes, moment: int, secret: str) -> str:
    """Hex HMAC-SHA256 of the moment, a dot and the body, by the whole secret."""
    return hmac.new(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()


def new_endpoint(world: World, url: str, *, types: list[str], secrets: list[str], **more: Any) -> Record:
    """An endpoint that hears of events from now on."""
    data: Doc = {
        "id": ids.long_id("we"),
        "object": "webhook_endpoint",
        "api_version": more.get("api_version"),
        "application": None,
        "created": world.now(),
        "description": more.get("description"),
        "enabled_events": types,
        "livemode": False,
        "metadata": more.get("metadata") or {},
        "status": "enabled",
        "url": url,
    }
    return world.add("webhook_endpoint", data, more={"secrets": [(secret, None) for secret in secrets]})


def operations() -> tuple[Operation, ...]:
    """All that is done with webhook endpoints."""
    changes = {
        "description": Text(),
        "disabled": Flag(),
        "enabled_events": _TYPES,
        "metadata": METADATA,
        "url": Text(unsets=False, pattern=_URL),
    }
    creation = {
        "api_version": Text(unsets=False),
        "connect": Flag(),
        "description": Text(),
        "enabled_events": List(Text(most=200, required=True), least=1, required=True),
        "metadata": METADATA,
        "url": Text(required=True, pattern=_URL),
    }
    return (
        Operation("POST", "/v1/webhook_endpoints", _create, creation),
        listing("webhook_endpoint", path="/v1/webhook_endpoints"),
        reading("webhook_endpoint", "/v1/webhook_endpoints/{}"),
        Operation("POST", "/v1/webhook_endpoints/{}", _update, changes),
        Operation("DELETE", "/v1/webhook_endpoints/{}", _delete),
    )


def _create(call: Call) -> Doc:
    made = new_endpoint(
        call.world,
        call.given["url"],
        types=call.given["enabled_events"],
        secrets=[f"whsec_{ids.letters(32)}"],
        api_version=call.get("api_version"),
        description=call.get("description"),
        metadata=noted({}, call.get("metadata", {})),
    )
    return {**made.shown(), "secret": made.more["secrets"][0][0]}


def _update(call: Call) -> Record:
    endpoint = call.world.need("webhook_endpoint", call.ids[0])
    for name in ("description", "enabled_events", "url"):
        if call.has(name):
            endpoint.data[name] = call.given[name]
    if call.has("metadata"):
        endpoint.data["metadata"] = noted(endpoint.data["metadata"], call.given["metadata"])
    if call.has("disabled"):
        endpoint.data["status"] = "disabled" if call.given["disabled"] else "enabled"
    return endpoint


def _delete(call: Call) -> Doc:
    endpoint = call.world.need("webhook_endpoint", call.ids[0])
    call.world.store.remove(endpoint)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def _wants(endpoint: Record, what: str) -> bool:
    types = endpoint.data["enabled_events"]
    return endpoint.data["status"] == "enabled" and ("*" in types or what in types)
