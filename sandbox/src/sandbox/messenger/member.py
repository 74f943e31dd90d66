import secrets
import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import Field, JsonValue

from sandbox.faults import Door, Faults
from sandbox.json import is_writable
from sandbox.member import Server
from sandbox.messenger.sending import Sending
from sandbox.messenger.telling import HookIn, Teller
from sandbox.messenger.world import EndIn, PersonIn, SentOut, World, event
from sandbox.meta.refusals import answering
from sandbox.paging import Cursor, Limit, PageOut, page_out
from sandbox.problems import Invalid
from sandbox.received import Received
from sandbox.webhooks import Retries, WebhookSender

GRAPH = "/messenger/graph/{version}/{node}"
Part = dict[str, JsonValue]


class Messenger:
    """Meta's Send API for pages and Instagram accounts, and the people behind it."""

    name = "messenger"
    about = "Messenger and Instagram's direct messages: the Send API, profiles, webhooks, and people who write."
    door: Door = "http"
    doors: Sequence[str] = ("/messenger/graph",)
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._world = World()
        self._world.begin()
        self._teller = Teller(self._world)
        self.webhooks = WebhookSender(self._teller.sign, self.faults, retries=Retries())
        self._teller.use(self.webhooks)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: one page, one account, nobody who writes."""
        self._world.begin()
        self._teller.reset()

    def _routes(self) -> APIRouter:
        sending, routes = Sending(self._world, self._teller), APIRouter()
        for path, endpoint, methods in (
            (f"{GRAPH}/messages", sending.send, ["POST"]),
            (f"{GRAPH}/subscribed_apps", sending.subscribe, ["POST"]),
            (GRAPH, sending.read, ["GET"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        add = routes.add_api_route
        add("/messenger/control/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        add("/messenger/control/ends", self.put_end, methods=["POST"], status_code=201)
        add("/messenger/control/people", self.put_person, methods=["POST"], status_code=201)
        add("/messenger/control/people/{person_id}/say", self.say, methods=["POST"], status_code=201)
        add("/messenger/control/people/{person_id}/do", self.do, methods=["POST"], status_code=202)
        add("/messenger/control/messages", self.list_sent, methods=["GET"])
        return routes

    async def put_webhook(self, hook: HookIn) -> None:
        """Send webhooks of pages, or of accounts, there, once the address has answered the challenge."""
        await self._teller.register(hook)

    async def put_end(self, end: EndIn) -> EndIn:
        """A page or account, new or changed; what is not given is as at the start."""
        self._world.ends.put(end.id, end)
        return end

    async def put_person(self, person: PersonIn) -> PersonIn:
        """Somebody, new or changed."""
        return self._world.put_person(person).is_

    async def say(self, person_id: str, message: Part) -> Part:
        """Somebody writes; `message` is as in the webhook and gets an id."""
        mid = f"m_{secrets.token_urlsafe(24)}"
        told: Part = {"mid": mid, **message}
        person = self._world.people.get(person_id)
        if person is not None:
            person.wrote_at = time.time()
        await self.do(person_id, {"message": told})
        return told

    async def do(
        self, person_id: str, part: Part, at: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    ) -> None:
        """Anything else that the webhook tells: a reaction, a read, a postback, a message that was taken back."""
        person = self._world.people.get(person_id)
        end = None if person is None else self._world.ends.get(person.is_.end)
        if person is None or end is None:
            raise HTTPException(404, "There is no such person.")
        if not is_writable(part):
            raise Invalid([("", "is nested too deep, or holds what cannot be written")])
        self._teller.tell(end, event(person.is_.id, end.id, dict(part), at))

    async def list_sent(self, to: str | None = None, limit: Limit = 50, cursor: Cursor = None) -> PageOut[SentOut]:
        """What pages and accounts sent, newest first."""
        found = self._world.sent.page(limit=limit, cursor=cursor, where=lambda one: to in {None, one.to})
        return page_out(found, lambda one: one)
