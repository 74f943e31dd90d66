"""Messenger and Instagram's direct messages as the inbox knows platforms: one API, two kinds of ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from inbox.channels.base import (
    HUMAN_AGENT,
    Account,
    Capabilities,
    Identity,
    Line,
    MediaPlace,
    Medium,
    Outgoing,
    Window,
    Wish,
)
from inbox.channels.calling import answered, object_of
from inbox.channels.catalogue import Catalogue
from inbox.direct.outcomes import ERRORS, code_of
from inbox.messages.model import Content
from kit.http.client import Answer, Call, Outbound
from kit.ledger.model import Refused, Unanswered

MESSENGER: Final = "messenger"
INSTAGRAM: Final = "instagram"
_WINDOW: Final = Window(timedelta(hours=24), extended=timedelta(days=7))
_SENDS: Final = frozenset({"text", "image", "video", "audio", "document", "interactive", "reaction"})
CAPABILITIES: Final[Mapping[str, Capabilities]] = {
    MESSENGER: Capabilities(
        sends=_SENDS,
        reached_by=("messenger_id",),
        window=_WINDOW,
        text_length=2000,
        rate=300,
        quotes=True,
        captions=False,
        shows_read=True,
        shows_typing=True,
        names_people=True,
    ),
    INSTAGRAM: Capabilities(
        sends=_SENDS - {"document"},
        reached_by=("instagram_id",),
        window=_WINDOW,
        text_length=1000,
        rate=300,
        quotes=True,
        captions=False,
        shows_read=True,
        shows_typing=True,
        names_people=True,
    ),
}
OBJECTS: Final[Mapping[str, str]] = {MESSENGER: "page", INSTAGRAM: "instagram"}
"""What the webhook calls an end of this kind."""

MEDIA_HOSTS: Final = (".fbsbx.com", ".fbcdn.net", ".cdninstagram.com", ".facebook.com")
_HEARD: Final[Mapping[str, str]] = {
    MESSENGER: "messages,messaging_postbacks,message_deliveries,message_reads,message_reactions,message_echoes,"
    "message_edits,messaging_referrals",
    INSTAGRAM: "messages,messaging_postbacks,messaging_seen,message_reactions,message_edit,messaging_referral",
}
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    MESSENGER: ("id,name", "first_name,last_name"),
    INSTAGRAM: ("id,username,name", "name,username"),
}
_ATTACHED: Final[Mapping[str, str]] = {"image": "image", "video": "video", "audio": "audio", "document": "file"}


@dataclass(frozen=True, slots=True)
class Direct:
    """Pages on Messenger, or accounts of Instagram. Off without the app's secret and verify token."""

    kind: str
    outbound: Outbound
    url: str
    version: str
    on: bool
    errors: Catalogue = ERRORS
    call_within: float = 15.0

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return CAPABILITIES[self.kind]

    async def account(self, wish: Wish, token: str, attempt: int) -> Account:
        """The page or account, which then tells us what comes in; asking for that again changes nothing."""
        line = Line(wish.external_id, token)
        told = object_of(await self._call("GET", f"?fields={_FIELDS[self.kind][0]}", line, attempt))
        if str(told.get("id", "")) != wish.external_id:
            raise Refused("Meta knows no such page or account.", code="no-such-end")
        path = f"/subscribed_apps?subscribed_fields={_HEARD[self.kind]}"
        await self._call("POST", path, line, attempt, {})
        name, handle = str(told.get("name", ""))[:200], str(told.get("username", ""))[:40]
        return Account(name or handle, handle)

    async def send(self, outgoing: Outgoing, attempt: int) -> str:
        """Send it; Messenger hands what we put into it back in an echo."""
        recipient = {"id": outgoing.to.value}
        if outgoing.kind == "reaction":
            await self._call("POST", "/messages", outgoing.line, attempt, _reaction(recipient, outgoing))
            return f"{outgoing.quoted}:react:{outgoing.message_id}"
        body: dict[str, Any] = {"recipient": recipient, "messaging_type": "RESPONSE"}
        if outgoing.content.detail.get("tag") == HUMAN_AGENT:
            body |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        body["message"] = message(outgoing.kind, outgoing.content)
        if self.kind == MESSENGER:
            body["message"]["metadata"] = str(outgoing.message_id)
        if outgoing.quoted:
            body["reply_to"] = {"mid": outgoing.quoted}
        answer = await self._call("POST", "/messages", outgoing.line, attempt, body)
        mid = object_of(answer).get("message_id")
        if not isinstance(mid, str) or not mid:
            raise Unanswered("the answer names no message", said=f"status {answer.status}")
        return mid

    async def mark_read(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Show that all was seen."""
        _ = provider_id
        await self._act("mark_seen", line, to, attempt)

    async def type(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Show three dots, for twenty seconds."""
        _ = provider_id
        await self._act("typing_on", line, to, attempt)

    async def name(self, line: Line, of: Identity, attempt: int) -> str:
        """What their profile says; the webhook tells an id alone."""
        path = f"?fields={_FIELDS[self.kind][1]}"
        told = object_of(await self._call("GET", path, Line(of.value, line.token), attempt))
        full = " ".join(str(told.get(name) or "") for name in ("first_name", "last_name")).strip()
        return (full or str(told.get("name") or "") or str(told.get("username") or ""))[:200]

    async def place(self, line: Line, medium: Medium, attempt: int) -> MediaPlace:
        """Where the webhook said that it lies."""
        _ = line, attempt
        return MediaPlace(medium.url)

    async def download(self, line: Line, place: MediaPlace, at_most: int, attempt: int) -> bytes:
        """Its bytes; whoever has the address may have them, so no token is shown."""
        _ = line
        own = urlsplit(place.url)[:2] == urlsplit(self.url)[:2]
        if not own and not (urlsplit(place.url).hostname or "").endswith(MEDIA_HOSTS):
            raise Refused("The medium lies at an address that is not Meta's.", code="address-refused")
        call = Call("GET", place.url, {"accept": "*/*"}, deadline=60, attempts=1, at_most=at_most, guarded=not own)
        return (await answered(self.outbound, call, ERRORS, code_of, attempt)).body

    async def _act(self, action: str, line: Line, to: Identity, attempt: int) -> None:
        body = {"recipient": {"id": to.value}, "sender_action": action}
        await self._call("POST", "/messages", line, attempt, body)

    async def _call(
        self, method: str, path: str, line: Line, attempt: int, body: Mapping[str, Any] | None = None
    ) -> Answer:
        headers = {"authorization": f"Bearer {line.token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        url = f"{self.url.rstrip('/')}/{self.version}/{quote(line.external_id, safe='')}{path}"
        content = None if body is None else orjson.dumps(body)
        call = Call(method, url, headers, content, deadline=self.call_within, attempts=1)
        return await answered(self.outbound, call, ERRORS, code_of, attempt)


def message(kind: str, content: Content) -> dict[str, Any]:
    """A message in Meta's words."""
    if kind == "text":
        return {"text": content.text}
    if kind == "interactive":
        return _interactive(content.detail["interactive"])
    payload = {"url": content.detail[kind]["link"], "is_reusable": False}
    return {"attachment": {"type": _ATTACHED[kind], "payload": payload}}


def _interactive(told: Mapping[str, Any]) -> dict[str, Any]:
    """Buttons and lists are quick replies, which take twenty characters; a link is a button of a template."""
    if told["type"] == "link":
        button = {"type": "web_url", "url": told["link"]["url"], "title": told["link"]["label"]}
        payload = {"template_type": "button", "text": told["body"][:640], "buttons": [button]}
        return {"attachment": {"type": "template", "payload": payload}}
    rows = told.get("buttons") or [row for section in told["sections"] for row in section["rows"]]
    replies = [{"content_type": "text", "title": row["title"][:20], "payload": row["id"]} for row in rows]
    return {"text": told["body"], "quick_replies": replies}


def _reaction(recipient: Mapping[str, str], outgoing: Outgoing) -> dict[str, Any]:
    emoji = outgoing.content.text or ""
    payload = {"message_id": outgoing.quoted} | ({"reaction": emoji} if emoji else {})
    return {"recipient": recipient, "sender_action": "react" if emoji else "unreact", "payload": payload}
