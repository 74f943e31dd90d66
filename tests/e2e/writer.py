"""Somebody who writes to an organization and puts a word that is found again into everything that they can say."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

from local.visitor import Visitor, seen


@dataclass
class Writer:
    """Writes, is heard and answered; `markers` are the words, the first of them the name."""

    visitor: Visitor
    number: str
    phone: str = field(default_factory=lambda: f"4917{secrets.randbelow(10**9):09d}")
    markers: list[str] = field(default_factory=list)
    conversation: str = ""
    contact: str = ""

    def marker(self) -> str:
        self.markers.append("mark" + secrets.token_hex(10))
        return self.markers[-1]

    async def appears(self) -> None:
        person = {"id": f"w{self.phone}", "wa_id": self.phone, "name": self.marker(), "reads": True}
        await control(self.visitor, "/whatsapp/control/people", person)

    async def say(self, **said: Any) -> None:
        body = {**said, "phone_number_id": self.number}
        await control(self.visitor, f"/whatsapp/control/people/w{self.phone}/say", body)

    async def say_everything(self, count: int) -> None:
        """Texts, places, cards, buttons, and documents with a name, a caption and a content."""
        while len(self.markers) < count - 12:
            await self.say(type="text", text=f"I am {self.marker()}")
        for _ in range(2):
            place = {"latitude": 1.5, "longitude": 2.5, "name": self.marker(), "address": self.marker()}
            await self.say(type="location", location=place)
        await self.say(type="button", button={"text": self.marker(), "payload": self.marker()})
        for _ in range(2):
            content = base64.b64encode(self.marker().encode()).decode()
            document = {"base64": content, "mime_type": "text/plain", "filename": f"{self.marker()}.txt"}
            await self.say(type="document", document={**document, "caption": self.marker()})

    async def is_heard(self) -> None:
        """Until all that was said is shown, and every file is here."""

        async def conversation() -> str | None:
            items = (await self.visitor.call("GET", "/v1/conversations", expect=200)).json()["items"]
            mine = [each for each in items if each["contact_name"] == self.markers[0]]
            self.contact = mine[0]["contact_id"] if mine else ""
            return mine[0]["id"] if mine else None

        self.conversation = await seen("the conversation", conversation)
        await seen("all messages and files", self._all_here)

    async def _all_here(self) -> bool | None:
        messages = await self.messages()
        states = [medium["state"] for each in messages for medium in each.get("media", ())]
        texts = str(messages)
        return True if states and set(states) == {"ready"} and all(m in texts for m in self.markers[1:-12]) else None

    async def is_answered(self, replies: int) -> None:
        for _ in range(replies):
            body = {"type": "text", "text": f"Yes, {self.marker()}"}
            key = {"idempotency-key": secrets.token_hex(8)}
            path = f"/v1/conversations/{self.conversation}/messages"
            sent = (await self.visitor.call("POST", path, expect=202, headers=key, json=body)).json()

            async def is_read(message_id: str = sent["id"]) -> bool | None:
                found = (await self.visitor.call("GET", f"/v1/messages/{message_id}", expect=200)).json()
                return True if found["status"] == "read" else None

            await seen("the reply as read", is_read)

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/v1/conversations/{self.conversation}/messages?limit=100{cursor}"
            page = (await self.visitor.call("GET", path, expect=200)).json()
            found += page["items"]
            if page["older_cursor"] is None:
                return found
            cursor = f"&cursor={page['older_cursor']}"


async def control(visitor: Visitor, path: str, body: dict[str, Any], method: str = "POST") -> None:
    answer = await visitor.http.request(method, visitor.addresses.sandbox + path, json=body)
    assert not answer.is_error, answer.text


async def connected(visitor: Visitor) -> str:
    """A number at WhatsApp whose webhooks come to our gateway."""
    number = str(10**14 + secrets.randbelow(10**13))
    given = {"id": number, "waba_id": "200000000000001", "display_phone_number": f"+{number}"}
    await control(visitor, "/whatsapp/control/numbers", given)
    url = f"{visitor.addresses.gateway}/v1/webhooks/whatsapp"
    await control(visitor, "/whatsapp/control/webhook", {"url": url, "verify_token": "sandbox-verify"}, "PUT")
    body = {
        "kind": "whatsapp",
        "phone_number_id": number,
        "waba_id": given["waba_id"],
        "access_token": "sandbox-whatsapp-token",
    }
    key = {"idempotency-key": secrets.token_hex(8)}
    await visitor.call("POST", "/v1/channels", expect=201, headers=key, json=body)
    return number
