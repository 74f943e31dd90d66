import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from sandbox.faults import Door, Faults
from sandbox.mailbox.message import Envelope, Message, parse
from sandbox.mailbox.smtp import Postman, SmtpServer
from sandbox.member import Server
from sandbox.paging import Cursor, Limit, PageOut, page_out
from sandbox.received import Received
from sandbox.ring import Ring

KEPT_MESSAGES = 2_000
KEPT_BYTES = 128 * 1024 * 1024
READ_IN_A_THREAD = 64 * 1024
"""A larger mail is read beside the event loop, which others wait for."""

To = Annotated[str | None, Query(max_length=320)]


class Mailbox:
    """The mail server: takes every mail, keeps it, delivers none."""

    name = "mailbox"
    about = "A mail server (SMTP) that keeps every message for reading and delivers none."
    door: Door = "smtp"
    doors: Sequence[str] = ()
    webhooks = None

    def __init__(self, host: str, port: int) -> None:
        self.faults = Faults()
        self.received = Received()
        self.router = self._routes()
        self.servers: Sequence[Server] = (SmtpServer(host, port, Postman(self._accept, self.faults, self.received)),)
        self._messages: Ring[Message] = Ring(most=KEPT_MESSAGES, heaviest=KEPT_BYTES)

    def reset(self) -> None:
        """Empty the mailbox."""
        self._messages.clear()

    async def _accept(self, raw: bytes, envelope: Envelope, visible_after: float) -> None:
        if len(raw) > READ_IN_A_THREAD:
            message = await asyncio.to_thread(parse, raw, envelope)
        else:
            message = parse(raw, envelope)
        self._messages.add(message, weight=len(raw), visible_after=visible_after)

    def _routes(self) -> APIRouter:
        routes = APIRouter(prefix="/mailbox/messages")
        routes.add_api_route("", self.list_messages, methods=["GET"])
        routes.add_api_route("/{message_id}", self.read_message, methods=["GET"])
        routes.add_api_route("", self.delete_messages, methods=["DELETE"], status_code=204)
        return routes

    async def list_messages(self, to: To = None, limit: Limit = 20, cursor: Cursor = None) -> PageOut[Message]:
        """Messages to an address, or all, newest first."""
        page = self._messages.page(limit=limit, cursor=cursor, where=lambda one: _is_to(one, to))
        return page_out(page, lambda message: message)

    async def read_message(self, message_id: str) -> Message:
        """One message."""
        message = self._messages.find(lambda one: one.id == message_id)
        if message is None:
            raise HTTPException(404, "There is no such message.")
        return message

    async def delete_messages(self, to: To = None) -> None:
        """Forget the messages to an address, or all."""
        self._messages.remove(lambda one: _is_to(one, to))


def _is_to(message: Message, address: str | None) -> bool:
    return address is None or address.lower() in (one.lower() for one in message.to)
