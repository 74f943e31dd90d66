"""Visitors of a web chat, before the inbox's own server: WebSockets need a real one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from inbox.chat.model import proof
from kit.http.serving import serve
from kit.ids import new_id

from .house import House

SHOP: Final = "https://shop.example.com"
WITHIN: Final = 30.0


async def chat(house: House, *, by: UUID | None = None, **look: Any) -> dict[str, Any]:
    body = {"kind": "web_chat", "name": "Shop", "allowed_origins": [SHOP], "look": look}
    answer = await house.ask("POST", "/v1/site-channels", by=by, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@dataclass
class Browser:
    """One visitor's browser."""

    house: House
    key: str
    secret: str = ""
    user_id: str = ""
    token: str = ""
    visitor_id: str = ""
    origin: str = SHOP
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def visit(self, **more: Any) -> httpx.Response:
        body: dict[str, Any] = {"token": self.token} if self.token else {}
        if self.user_id:
            body["identity"] = {"user_id": self.user_id, "proof": proof(self.secret.encode(), self.user_id)}
        path = f"/v1/chat-visits/{self.key}"
        answer = await self.house.client.post(path, json=body | more, headers={"origin": self.origin})
        if answer.status_code == 200:
            told = answer.json()
            self.token, self.visitor_id = told["token"], told["visitor_id"]
        return answer

    async def arrived(self) -> "Browser":
        answer = await self.visit()
        assert answer.status_code == 200, answer.text
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"origin": self.origin, "visitor-token": self.token}

    async def say(self, text: str, **more: Any) -> httpx.Response:
        body = {"id": str(new_id()), "text": text, **more}
        return await self.house.client.post(f"/v1/chat/{self.key}/messages", json=body, headers=self.headers)

    async def said(self, text: str, **more: Any) -> None:
        answer = await self.say(text, **more)
        assert answer.status_code == 202, answer.text

    async def history(self, **query: Any) -> list[dict[str, Any]]:
        path = f"/v1/chat/{self.key}/messages"
        answer = await self.house.client.get(path, params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def texts(self) -> list[str]:
        return [each["text"] for each in await self.history()]

    async def acknowledge(self, status: str, *ids: str) -> httpx.Response:
        body = {"status": status, "messages": list(ids)}
        return await self.house.client.post(f"/v1/chat/{self.key}/receipts", json=body, headers=self.headers)


@asynccontextmanager
async def served(house: House) -> AsyncIterator[int]:
    """The inbox on a port of its own."""
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    app = house.client._transport.app  # type: ignore[attr-defined]
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, bound=bound.set_result, drain=1))
    try:
        yield await asyncio.wait_for(bound, WITHIN)
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def line(port: int, browser: Browser, *, origin: str = "", after: str | None = None) -> AsyncIterator["Talk"]:
    """A window with a WebSocket, which has said what it knows already."""
    async with connect(
        f"ws://127.0.0.1:{port}/v1/chat/{browser.key}/ws",
        origin=Origin(origin or browser.origin),
        subprotocols=[Subprotocol("rostrum.chat.v1"), Subprotocol(f"visitor.{browser.token}")],
        open_timeout=WITHIN,
    ) as socket:
        talk = Talk(socket)
        await talk.tell(type="resume", after=after)
        yield talk


@dataclass
class Talk:
    """What is said over one WebSocket."""

    socket: ClientConnection
    items: list[dict[str, Any]] = field(default_factory=list)

    async def tell(self, **frame: Any) -> None:
        await self.socket.send(orjson.dumps(frame).decode())

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN):
            told: dict[str, Any] = orjson.loads(await self.socket.recv())
        self.items += told.get("items", ())
        return told

    async def until(self, event: str) -> dict[str, Any]:
        while True:
            told = await self.next()
            if told["event"] == event:
                return told

    async def seen(self, text: str) -> dict[str, Any]:
        """Until a message with this text was told."""
        while True:
            for each in self.items:
                if each["text"] == text:
                    return each
            await self.next()
