"""The chapter on an organization's own pages: a visitor who chats, and a message through a contact form."""

import json
import secrets
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from local.visitor import NotSeen, Visitor, seen

SHOP = "https://shop.example.com"


@dataclass(slots=True)
class Pages:
    """What a visitor of `visitor`'s organization does on its pages, and `stranger` must never see."""

    visitor: Visitor
    stranger: Callable[[], Visitor]
    tag: str
    chat: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("Ada puts a web chat and a contact form into her pages", self.channels_are_made),
            ("A visitor chats, and is answered while they look on", self.a_visitor_chats),
            ("A contact form arrives once, and is answered by mail", self.a_form_arrives),
        )

    async def channels_are_made(self) -> str:
        """Both are channels like all others."""
        for kind, more in (
            ("web_chat", {"look": {"greeting": "How can we help?"}}),
            ("contact_form", {"rules": {"reply_to": f"shop.{self.tag}@example.com"}}),
        ):
            body = {"kind": kind, "name": "Shop", "allowed_origins": [SHOP], **more}
            made = (await self.visitor.call("POST", "/v1/site-channels", expect=201, json=body)).json()
            await self.stranger().call("GET", f"/v1/site-channels/{made['channel_id']}", expect=404)
            if kind == "web_chat":
                self.chat = made
            else:
                self.form = made
        script = await self.visitor.http.get(urlsplit(str(self.chat["snippet"]).split('"')[1]).geturl())
        if "immutable" not in script.headers["cache-control"]:
            raise NotSeen("the script may not be kept")
        return f"{len(script.content)} bytes of script; 404 for Eve"

    async def a_visitor_chats(self) -> str:
        """Through the gateway by WebSocket; a page of somebody else is refused."""
        path = f"{self.visitor.addresses.gateway}/v1/chat-visits/{self.chat['key']}"
        refused = await self.visitor.http.post(path, json={}, headers={"origin": "https://elsewhere.example"})
        begun = await self.visitor.http.post(path, json={}, headers={"origin": SHOP})
        if (refused.status_code, begun.status_code) != (403, 200):
            raise NotSeen(f"visits were answered {refused.status_code} and {begun.status_code}")
        async with self._line(begun.json()["token"]) as line:
            await line.send('{"type":"resume"}')
            own = str(uuid.uuid4())
            for _ in range(2):
                await line.send(json.dumps({"type": "say", "id": own, "text": "Do you ship to Peru?"}))
            conversation = await self._conversation(self.chat["channel_id"])
            await self._reply(conversation, "Yes, in nine days.")
            texts: list[str] = []
            while "Yes, in nine days." not in texts:
                told = json.loads(await line.recv())
                texts += [each["text"] for each in told.get("items", ())]
                last = told.get("items", [])[-1:] or [{}]
            await line.send(json.dumps({"type": "seen", "status": "read", "messages": [last[0]["id"]]}))

            async def look() -> str | None:
                found = (await self.visitor.call("GET", f"/v1/messages/{last[0]['id']}", expect=200)).json()
                return "read" if found["status"] == "read" else None

            await seen("the answer as read", look)
        if texts != ["Do you ship to Peru?", "Yes, in nine days."]:
            raise NotSeen(f"the visitor saw {texts}")
        return "one question, one answer, read"

    async def a_form_arrives(self) -> str:
        """Sent twice it is one message; what is answered leaves as a mail."""
        address = f"ann.{self.tag}@example.com"
        body = {"message": "Where is my order?", "email": address, "name": "Ann", "id": str(uuid.uuid4())}
        path = f"{self.visitor.addresses.gateway}/v1/forms/{self.form['key']}"
        for _ in range(2):
            answer = await self.visitor.http.post(path, json=body, headers={"origin": SHOP})
            if answer.status_code != 202:
                raise NotSeen(f"the form was answered {answer.status_code}: {answer.text}")
        conversation = await self._conversation(self.form["channel_id"])
        await self._reply(conversation, "On its way.")
        mailbox = f"{self.visitor.addresses.sandbox}/mailbox/messages"

        async def look() -> list[dict[str, Any]] | None:
            items: list[dict[str, Any]] = (await self.visitor.http.get(mailbox, params={"to": address})).json()[
                "items"
            ]
            return items or None

        (mail,) = await seen("the reply as a mail", look)
        return f"{mail['subject']!r} to {address.partition('.')[0]}, once"

    def _line(self, token: str) -> AbstractAsyncContextManager[ClientConnection]:
        address = f"{self.visitor.addresses.gateway}/v1/chat/{self.chat['key']}/ws".replace("http", "ws", 1)
        offered = [Subprotocol("rostrum.chat.v1"), Subprotocol(f"visitor.{token}")]
        return connect(address, origin=Origin(SHOP), subprotocols=offered, open_timeout=30)

    async def _conversation(self, channel_id: str) -> str:
        async def look() -> str | None:
            query = f"/v1/conversations?channel_id={channel_id}"
            found = (await self.visitor.call("GET", query, expect=200)).json()["items"]
            return str(found[0]["id"]) if found else None

        return await seen("the conversation", look)

    async def _reply(self, conversation: str, text: str) -> None:
        path = f"/v1/conversations/{conversation}/messages"
        key = {"idempotency-key": secrets.token_hex(8)}
        await self.visitor.call("POST", path, expect=202, headers=key, json={"text": text})
