from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, JsonValue
from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.faults import Door, Faults
from sandbox.json import Object, write
from sandbox.member import Server
from sandbox.paging import Cursor, Limit, PageOut, page_out
from sandbox.received import Received
from sandbox.telnyx import errors
from sandbox.telnyx.messages import Account, Messages, SaidIn, Status, Text
from sandbox.telnyx.telling import HookIn, Teller
from sandbox.webhooks import WebhookSender

Endpoint = Callable[[Request], Awaitable[Response]]


class TextOut(BaseModel):
    """A text as a phone received it."""

    id: str
    sender: str
    to: str
    text: str
    status: Status
    received_at: datetime


class Telnyx:
    """Telnyx, and the phones behind it."""

    name = "telnyx"
    about = "Telnyx: text and picture messages, and the phones that get and send them."
    door: Door = "http"
    doors: Sequence[str] = ("/telnyx/v2",)
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._messages = Messages()
        self._teller = Teller()
        self.webhooks = WebhookSender(self._teller.sign, self.faults)
        self._teller.use(self.webhooks)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: one number, no message."""
        self._messages.begin()
        self._teller.url = ""

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        for path, endpoint, methods in (
            ("/telnyx/v2/messages", self._send, ["POST"]),
            ("/telnyx/v2/messages/{message_id}", self._read, ["GET"]),
            ("/telnyx/v2/phone_numbers", self._numbers, ["GET"]),
            ("/telnyx/v2/{rest:path}", self._unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, _answering(endpoint), methods=methods)
        add = routes.add_api_route
        add("/telnyx/control/account", self.read_account, methods=["GET"])
        add("/telnyx/control/account", self.put_account, methods=["PUT"])
        add("/telnyx/control/messages", self.list_messages, methods=["GET"])
        add("/telnyx/control/messages", self.delete_messages, methods=["DELETE"], status_code=204)
        add("/telnyx/control/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        add("/telnyx/control/say", self.say, methods=["POST"], status_code=201)
        return routes

    async def put_webhook(self, hook: HookIn) -> None:
        """Send webhooks there from now on."""
        self._teller.url = hook.url

    async def say(self, said: SaidIn) -> dict[str, JsonValue]:
        """Somebody writes; who writes STOP gets no more, who writes START does again."""
        word, stopped = said.text.strip().upper(), self._messages.account.stopped
        if word == "STOP" and said.sender not in stopped:
            stopped.append(said.sender)
        elif word == "START" and said.sender in stopped:
            stopped.remove(said.sender)
        payload = said.payload()
        self._teller.tell("message.received", payload)
        return {"id": str(payload["id"])}

    async def read_account(self) -> Account:
        """How Telnyx treats the account."""
        return self._messages.account

    async def put_account(self, account: Account) -> Account:
        """Treat the account so; what is not given is as at the start."""
        self._messages.account = account
        return account

    async def list_messages(
        self, to: str | None = None, limit: Limit = 20, cursor: Cursor = None
    ) -> PageOut[TextOut]:
        """What a phone received, or all of them, newest first; what was not delivered, too."""
        found = self._messages.taken.page(limit=limit, cursor=cursor, where=lambda one: to in {None, one.to})
        return page_out(found, _shown)

    async def delete_messages(self, to: str | None = None) -> None:
        """Forget the messages of a phone, or all."""
        self._messages.taken.remove(lambda one: to in {None, one.to})

    async def _send(self, request: Request) -> Response:
        self._enter(request)
        made = self._messages.send(await request.body(), request.scope.get(VISIBLE_AFTER, 0.0))
        payload = made.payload()
        payload["to"] = [{"phone_number": made.to, "status": "queued", "carrier": "", "line_type": "Wireless"}]
        self._teller.tell("message.sent", payload | {"to": [{"phone_number": made.to, "status": "sent"}]})
        self._teller.tell("message.finalized", made.payload() | _failed(made))
        return _json({"data": payload})

    async def _numbers(self, request: Request) -> Response:
        self._enter(request)
        wanted = request.query_params.get("filter[phone_number]", "")
        found = [each for each in self._messages.account.numbers if wanted in each]
        numbers = [{"record_type": "phone_number", "phone_number": each, "status": "active"} for each in found]
        return _json({"data": numbers, "meta": {"total_results": len(numbers), "page_number": 1}})

    async def _read(self, request: Request) -> Response:
        self._enter(request)
        wanted = request.path_params["message_id"]
        found = self._messages.taken.find(lambda one: one.id == wanted)
        if found is None:
            raise errors.no_such_message()
        return _json({"data": found.payload()})

    async def _unknown(self, request: Request) -> Response:
        self._enter(request)
        raise errors.no_such_message()

    def _enter(self, request: Request) -> None:
        self._messages.enter(request.headers.get("authorization", ""))


def _failed(text: Text) -> Object:
    """What a report says of a message that did not arrive."""
    if not text.status.endswith("failed"):
        return {}
    return {"errors": [{"code": "40001", "title": "Not routable", "detail": "The number cannot get messages."}]}


def _shown(text: Text) -> TextOut:
    return TextOut(
        id=text.id, sender=text.sender, to=text.to, text=text.text, status=text.status, received_at=text.received_at
    )


def _json(document: object) -> Response:
    return Response(write(document), media_type="application/json")


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with a refusal answered in Telnyx's way."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except errors.Refusal as refusal:
            return refusal.answer()

    return answer
