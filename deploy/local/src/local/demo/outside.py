"""The chapter that leaves the house: a post that is live at its time, a stranger who writes and is answered."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx

from local.demo.hearing import listening
from local.visitor import NotSeen, Visitor, seen

_AHEAD = timedelta(seconds=3)
_LATE = 30.0  # seconds after which a post is no longer on time, on a very busy machine too


@dataclass(slots=True)
class Outside:
    """What one visitor does with LinkedIn and WhatsApp, and `stranger` must never see."""

    visitor: Visitor
    stranger: Callable[[], Visitor]
    tag: str
    account: str = ""
    channel: str = ""
    conversation: str = ""
    reply: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    question: ClassVar[str] = "Is it still available?"

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("Ada connects a LinkedIn account by OAuth", self.linkedin_is_connected),
            ("A scheduled post is live at its time, once", self.a_post_goes_out),
            ("Ada connects a WhatsApp number", self.a_number_is_connected),
            ("A stranger writes; the conversation appears live", self.a_stranger_writes),
            ("The reply is delivered, once", self.the_reply_arrives),
            ("Statuses out of order and twice settle as read", self.statuses_settle),
        )

    @property
    def _sandbox(self) -> str:
        return self.visitor.addresses.sandbox

    @property
    def _number(self) -> str:
        """A number of this story's own: 15 digits, as Meta's ids look."""
        return str(10**14 + int(self.tag, 16))

    @property
    def _phone(self) -> str:
        return f"4915{int(self.tag, 16) % 10**9:09d}"

    async def linkedin_is_connected(self) -> str:
        """Ask for the consent page, consent there, come back with the code."""
        await self._control("POST", "/linkedin/control/people", {"id": f"ada{self.tag}", "name": "Ada"})
        asked = await self.visitor.call(
            "POST", "/v1/connected-accounts", expect=201, json={"platform": "linkedin", "what": "member"}
        )
        consent = f"{asked.json()['authorization_url']}&approve=ada{self.tag}"
        back = (await self.visitor.http.get(consent)).headers["location"]
        came = await self.visitor.http.get(back, follow_redirects=False)
        told = parse_qs(urlsplit(came.headers.get("location", "")).query)
        if came.status_code != httpx.codes.SEE_OTHER or "connected" not in told:
            raise NotSeen(f"the browser came back with {came.status_code} and {told}")
        self.account = told["connected"][0]
        found = (await self.visitor.call("GET", f"/v1/connected-accounts/{self.account}", expect=200)).json()
        await self.stranger().call("GET", f"/v1/connected-accounts/{self.account}", expect=404)
        return f"account {found['external_id']}, {found['health']}; 404 for Eve"

    async def a_post_goes_out(self) -> str:
        """Write a draft, schedule it a few seconds ahead, and find it on LinkedIn at that time and not before."""
        text = f"Hello from {self.tag} (1/1) #news"
        key = {"idempotency-key": secrets.token_hex(8)}
        body = {"text": text, "targets": [self.account]}
        began = time.monotonic()
        post = (await self.visitor.call("POST", "/v1/posts", expect=201, headers=key, json=body)).json()
        due = datetime.fromisoformat(post["created_at"]) + _AHEAD
        path = f"/v1/posts/{post['id']}"
        await self.visitor.call("POST", f"{path}/schedule", expect=200, json={"publish_at": due.isoformat()})
        early = await self._live_posts()
        if early and time.monotonic() - began < _AHEAD.total_seconds():
            raise NotSeen("the post is live before its time")
        posted = await seen("a published post", lambda: self._published(path))
        live = await self._live_posts()
        if [each["text"] for each in live] != [text]:
            raise NotSeen(f"live on LinkedIn: {[each['text'] for each in live]}")
        late = (datetime.fromisoformat(posted["published_at"]) - due).total_seconds()
        if not 0 <= late <= _LATE:
            raise NotSeen(f"it left {late:.3f} s after its time")
        return f"live as {posted['external_id']}, {late * 1000:.0f} ms after its time"

    async def a_number_is_connected(self) -> str:
        """A number at WhatsApp whose webhooks come to our gateway."""
        number = {"id": self._number, "waba_id": "200000000000001", "display_phone_number": f"+{self._phone}"}
        await self._control("POST", "/whatsapp/control/numbers", number)
        url = f"{self.visitor.addresses.gateway}/v1/webhooks/whatsapp"
        await self._control("PUT", "/whatsapp/control/webhook", {"url": url, "verify_token": "sandbox-verify"})
        body = {
            "kind": "whatsapp",
            "phone_number_id": self._number,
            "waba_id": number["waba_id"],
            "access_token": "sandbox-whatsapp-token",
        }
        key = {"idempotency-key": secrets.token_hex(8)}
        channel = (await self.visitor.call("POST", "/v1/channels", expect=201, headers=key, json=body)).json()
        self.channel = channel["id"]
        return f"channel {channel['id']}, {channel['health']}"

    async def a_stranger_writes(self) -> str:
        """A signed webhook becomes a conversation that the browser hears of while it looks on."""
        someone = {
            "id": f"sam{self.tag}",
            "wa_id": self._phone,
            "name": "Sam",
            "reads": False,
            "delivered_after": 600,
        }
        await self._control("POST", "/whatsapp/control/people", someone)
        async with listening(self.visitor) as events:
            said = {"type": "text", "text": self.question, "phone_number_id": self._number}
            await self._control("POST", f"/whatsapp/control/people/{someone['id']}/say", said)
            opened, _ = await _told(events, ("inbox.conversation.opened.v1", "inbox.message.received.v1"))
        self.conversation = str(opened["subject"])
        path = f"/v1/conversations/{self.conversation}"
        messages = (await self.visitor.call("GET", f"{path}/messages", expect=200)).json()["items"]
        if [each["text"] for each in messages] != [said["text"]]:
            raise NotSeen(f"the conversation holds {messages}")
        await self.stranger().call("GET", path, expect=404)
        return f"conversation {self.conversation} by SSE; 404 for Eve"

    async def the_reply_arrives(self) -> str:
        """Answer, twice with one id as a weak network does; WhatsApp gets one message."""
        path = f"/v1/conversations/{self.conversation}/messages"
        body = {"type": "text", "text": f"Yes, {self.tag}!"}
        key = {"idempotency-key": secrets.token_hex(8)}
        first = (await self.visitor.call("POST", path, expect=202, headers=key, json=body)).json()
        again = (await self.visitor.call("POST", path, expect=202, headers=key, json=body)).json()
        if first["id"] != again["id"]:
            raise NotSeen("a second message was made")
        self.reply = str(first["id"])
        await seen("the reply at WhatsApp", self._got)
        await seen("the reply as sent", lambda: self._has_status("sent"))
        got = await self._received()
        if len(got) != 1:
            raise NotSeen(f"{len(got)} messages arrived")
        return "sent; one message at WhatsApp"

    async def statuses_settle(self) -> str:
        """read, then delivered, sent, read and delivered once more."""
        [got] = await self._received()
        before, statuses = await self._webhooks_taken(), ("read", "delivered", "sent", "read", "delivered")
        for status in statuses:
            await self._control("POST", f"/whatsapp/control/messages/{got['id']}/status", {"status": status})

        async def look() -> bool | None:
            return True if await self._webhooks_taken() >= before + len(statuses) else None

        await seen("all statuses at our door", look)
        await seen("the reply as read", lambda: self._has_status("read"))
        settled = (await self.visitor.call("GET", f"/v1/messages/{self.reply}", expect=200)).json()
        if settled["status"] != "read":
            raise NotSeen(f"the status went back to {settled['status']}")
        return "read"

    async def _control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = await self.visitor.http.request(method, self._sandbox + path, json=body)
        if answer.is_error:
            raise NotSeen(f"{method} {path}: {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    async def _live_posts(self) -> list[dict[str, Any]]:
        author = {"author": f"urn:li:person:ada{self.tag}"}
        answer = await self.visitor.http.get(f"{self._sandbox}/linkedin/control/posts", params=author)
        found: list[dict[str, Any]] = answer.json()
        return found

    async def _published(self, path: str) -> dict[str, Any] | None:
        post = (await self.visitor.call("GET", path, expect=200)).json()
        [delivery] = post["deliveries"]
        return delivery if delivery["status"] == "published" else None

    async def _received(self) -> list[dict[str, Any]]:
        of_ours = {"phone_number_id": self._number}
        answer = await self.visitor.http.get(f"{self._sandbox}/whatsapp/control/messages", params=of_ours)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def _got(self) -> bool | None:
        return True if await self._received() else None

    async def _has_status(self, wanted: str) -> bool | None:
        message = (await self.visitor.call("GET", f"/v1/messages/{self.reply}", expect=200)).json()
        return True if message["status"] == wanted else None

    async def _webhooks_taken(self) -> int:
        """How many statuses our door has taken so far."""
        answer = await self.visitor.http.get(f"{self._sandbox}/control/whatsapp/webhooks", params={"limit": 100})
        return sum(
            each["topic"].startswith("status.") and each["status"] == httpx.codes.OK
            for each in answer.json()["items"]
        )


async def _told(events: AsyncIterator[dict[str, Any]], kinds: Collection[str]) -> list[dict[str, Any]]:
    """The first event of each kind, in whichever order they come."""
    found: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(60):
        async for event in events:
            found.setdefault(event.get("type", ""), event)
            if found.keys() >= set(kinds):
                return [found[kind] for kind in kinds]
    raise NotSeen(f"the stream ended without {', '.join(set(kinds) - found.keys())}")
