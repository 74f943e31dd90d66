"""Subscriptions: of which pages an application hears, for which member, and at which address."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, text_at
from sandbox.linkedin import errors
from sandbox.linkedin.gate import Caller, Gate, json_answer, read_body
from sandbox.linkedin.notifications import Notifier
from sandbox.linkedin.world import APPLICATION_URN, Subscription, World

EVENT_TYPE = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
RESOURCE = "eventSubscriptions"
_URL = re.compile(r"https?://[^\s?#]{1,2000}")


@dataclass(frozen=True, slots=True)
class Key:
    """The compound key of a subscription."""

    application: str
    user: str
    entity: str
    event_type: str

    @classmethod
    def of(cls, raw: str) -> "Key":
        """The key as Rest.li 2.0 writes it: every URN in it is URL encoded; refused where it cannot be read."""
        inner = raw.removeprefix("(").removesuffix(")")
        parts = dict(part.partition(":")[::2] for part in inner.split(","))
        names = ("developerApplication", "user", "entity", "eventType")
        if len(inner) != len(raw) - 2 or set(parts) != set(names) or any(":" in value for value in parts.values()):
            raise errors.bad_request(f"Invalid key for resource {RESOURCE}: {raw[:200]}")
        return cls(*(unquote(parts[name]) for name in names))


class SubscriptionsApi:
    """The resource `eventSubscriptions`."""

    def __init__(self, gate: Gate, world: World, notifier: Notifier) -> None:
        self._gate, self._world, self._notifier = gate, world, notifier

    async def one(self, request: Request) -> Response:
        """Make or replace (PUT), read or end the subscription that the key names."""
        method = {"PUT": "UPDATE"}.get(request.method, request.method)
        caller = self._gate.enter(request, f"{RESOURCE}.{method}", writes=method != "GET")
        raw = request.scope["raw_path"].decode("ascii", "replace").rpartition(f"/{RESOURCE}/")[2]
        key = Key.of(raw)
        self._refuse_foreign(caller, key, method)
        if method == "UPDATE":
            return await self._put(key, read_body(await request.body()))
        found = self._world.subscriptions.get((key.user, key.entity))
        if found is None:
            raise errors.not_found(f"{RESOURCE} {raw[:300]}")
        if method == "DELETE":
            self._world.subscriptions.take((key.user, key.entity))
            return Response(b"", 204)
        return json_answer(_out(found))

    async def find(self, request: Request) -> Response:
        """The member's subscriptions."""
        method = f"{RESOURCE}.FINDER-subscriberAndEventType"
        caller = self._gate.enter(request, method)
        asked = request.query_params
        if (asked.get("q"), asked.get("eventType")) != ("subscriberAndEventType", EVENT_TYPE):
            raise errors.bad_request("Only the finder q=subscriberAndEventType is offered, with an eventType")
        if not caller.may("rw_organization_admin"):
            raise errors.not_permitted(method)
        found = self._world.subscriptions.all(lambda one: one.user == caller.person.urn)
        paging = {"start": 0, "count": 10, "links": [], "total": len(found)}
        return json_answer({"paging": paging, "elements": [_out(one) for one in found]})

    async def _put(self, key: Key, body: Object) -> Response:
        url = text_at(body, "webhook")
        if not url:
            raise errors.missing_field("/webhook")
        trouble = "it is no address" if not _URL.fullmatch(url) else await self._notifier.trouble_with(url)
        if trouble:
            raise errors.bad_request(f"Webhook {url[:200]} is not registered and validated: {trouble}")
        self._world.subscriptions.put((key.user, key.entity), Subscription(key.user, key.entity, url))
        return Response(b"", 204)

    def _refuse_foreign(self, caller: Caller, key: Key, method: str) -> None:
        """Only for our own application, the member who calls, and a page that this member administers."""
        if key.event_type != EVENT_TYPE:
            raise errors.bad_request(f"Unknown event type {key.event_type[:100]}")
        ours = key.application == APPLICATION_URN and key.user == caller.person.urn
        administers = self._world.role(caller.person.id, key.entity) == "ADMINISTRATOR"
        if not caller.may("rw_organization_admin") or not ours or (method == "UPDATE" and not administers):
            raise errors.not_permitted(f"{RESOURCE}.{method}")


def _out(one: Subscription) -> Object:
    return {
        "developerApplication": APPLICATION_URN,
        "user": one.user,
        "entity": one.entity,
        "eventType": EVENT_TYPE,
        "webhook": one.webhook,
    }
