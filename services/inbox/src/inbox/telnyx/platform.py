"""Text messages by Telnyx as the inbox knows a platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from inbox.channels.base import Account, Capabilities, Identity, Line, MediaPlace, Medium, Outgoing, Window, Wish
from inbox.channels.calling import answered, object_of
from inbox.channels.catalogue import Catalogue
from inbox.channels.errors import ACCOUNT_REFUSED
from inbox.telnyx.outcomes import ERRORS, code_of
from inbox.telnyx.parts import MOST_PARTS, parts_of
from kit.http.client import Answer, Call, Outbound
from kit.ledger.model import Refused, Unanswered

SMS: Final = "sms"
CAPABILITIES: Final = Capabilities(
    sends=frozenset({"text", "image", "video", "audio", "document"}),
    reached_by=("phone",),
    window=Window(None),
    text_length=1530,
    rate=10,
    measure=parts_of,
    most_parts=MOST_PARTS,
)


@dataclass(frozen=True, slots=True)
class Texts:
    """Numbers at Telnyx. Off without the account's public key, by which its webhooks are believed."""

    outbound: Outbound
    url: str
    on: bool
    kind: str = SMS
    capabilities: Capabilities = CAPABILITIES
    errors: Catalogue = ERRORS
    call_within: float = 15.0

    async def account(self, wish: Wish, token: str, attempt: int) -> Account:
        """The number, which must be one of those that the key opens."""
        wanted = quote(wish.external_id, safe="")
        path = f"/phone_numbers?filter[phone_number]={wanted}&page[size]=20"
        told = object_of(await self._call("GET", path, token, attempt))
        found = told.get("data")
        numbers = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        for each in numbers:
            if each.get("phone_number") == wish.external_id and each.get("status", "active") == "active":
                return Account(str(each.get("customer_reference") or "")[:200], wish.external_id)
        raise Refused("This number is not an active one of this Telnyx account.", code=ACCOUNT_REFUSED)

    async def send(self, outgoing: Outgoing, attempt: int) -> str:
        """Send it, with our id as a tag, which reports bring back."""
        body: dict[str, Any] = {
            "from": outgoing.line.external_id,
            "to": outgoing.to.value,
            "tags": [str(outgoing.message_id)],
        }
        if outgoing.kind == "text":
            text = outgoing.content.text or ""
            body |= {"text": text, "type": "SMS"}
        else:
            body |= {"media_urls": [outgoing.content.detail[outgoing.kind]["link"]], "type": "MMS"}
            body |= {"text": outgoing.content.text} if outgoing.content.text else {}
        answer = await self._call("POST", "/messages", outgoing.line.token, attempt, body)
        data = object_of(answer).get("data")
        found = data.get("id") if isinstance(data, dict) else None
        if not isinstance(found, str) or not found:
            raise Unanswered("the answer names no message", said=f"status {answer.status}")
        return found

    async def mark_read(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Texts cannot show it."""

    async def type(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Texts cannot show it."""

    async def name(self, line: Line, of: Identity, attempt: int) -> str:
        """Nobody knows."""
        _ = line, of, attempt
        return ""

    async def place(self, line: Line, medium: Medium, attempt: int) -> MediaPlace:
        """Where the webhook said that it lies."""
        _ = line, attempt
        return MediaPlace(medium.url)

    async def download(self, line: Line, place: MediaPlace, at_most: int, attempt: int) -> bytes:
        """Its bytes; whoever has the address may have them, so no key is shown."""
        _ = line
        own = urlsplit(place.url)[:2] == urlsplit(self.url)[:2]
        call = Call("GET", place.url, {"accept": "*/*"}, deadline=60, attempts=1, at_most=at_most, guarded=not own)
        return (await answered(self.outbound, call, ERRORS, code_of, attempt)).body

    async def _call(
        self, method: str, path: str, token: str, attempt: int, body: Mapping[str, Any] | None = None
    ) -> Answer:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        content = None if body is None else orjson.dumps(body)
        call = Call(method, f"{self.url.rstrip('/')}{path}", headers, content, deadline=self.call_within, attempts=1)
        return await answered(self.outbound, call, ERRORS, code_of, attempt)
