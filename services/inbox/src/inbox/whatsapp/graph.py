"""WhatsApp's Cloud API as it is documented: every call, and what an answer proves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from inbox.channels.base import MediaPlace
from inbox.channels.calling import answered, graph_code, object_of
from inbox.whatsapp.outcomes import ERRORS
from kit.http.client import Answer, Call, Outbound
from kit.ledger.model import Parked, Refused, Unanswered

# Where the platform keeps media; the token is shown to no other host.
MEDIA_HOSTS: Final = (".fbsbx.com", ".fbcdn.net", ".facebook.com", ".whatsapp.net")
_PAGES: Final = 20
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Number:
    """What the platform says of one of its numbers."""

    id: str
    display_number: str
    name: str


# What is told of how fast a number may go: since October 2025 the limit is that of the portfolio, and the field that
# older versions know is refused by newer ones.
_PACE: Final = (
    "throughput,quality_rating,is_on_biz_app,whatsapp_business_manager_messaging_limit",
    "throughput,quality_rating,messaging_limit_tier",
)


@dataclass(frozen=True, slots=True)
class Graph:
    """The Graph API at one address and version; called through the ledger alone."""

    outbound: Outbound
    url: str
    version: str
    call_within: float = 15.0

    async def number(self, phone_number_id: str, token: str, attempt: int) -> Number:
        """The number, which only a good token for it may read."""
        fields = "?fields=id,display_phone_number,verified_name"
        answer = await self._send("GET", f"{quote(phone_number_id, safe='')}{fields}", token, attempt)
        told = object_of(answer)
        if str(told.get("id", "")) != phone_number_id:
            raise Refused("WhatsApp knows no such number.", code="no-such-number")
        return Number(
            phone_number_id, str(told.get("display_phone_number", ""))[:40], str(told.get("verified_name", ""))[:200]
        )

    async def holds(self, waba_id: str, phone_number_id: str, token: str, attempt: int) -> bool:
        """Whether the number is one of the account's; beyond its first 2,000 numbers nobody looks."""
        path, after = f"{quote(waba_id, safe='')}/phone_numbers?fields=id&limit={_PAGE}", ""
        for _ in range(_PAGES):
            place = f"&after={quote(after, safe='')}" if after else ""
            ids, after = _ids(await self._send("GET", f"{path}{place}", token, attempt))
            if phone_number_id in ids:
                return True
            if not ids or not after:
                return False
        return False

    async def pace(self, phone_number_id: str, token: str, attempt: int) -> Mapping[str, Any]:
        """What is told of how fast, and to how many people, a number may write; empty where nothing is."""
        for fields in _PACE:
            try:
                answer = await self._send("GET", f"{quote(phone_number_id, safe='')}?fields={fields}", token, attempt)
            except (Refused, Parked):  # a field that this version, or this token, does not have
                continue
            return object_of(answer)
        return {}

    async def owner(self, waba_id: str, token: str, attempt: int) -> str:
        """The id of the business portfolio that has an account; empty where the token may not read that."""
        path = f"{quote(waba_id, safe='')}?fields=id,owner_business_info"
        try:
            told = object_of(await self._send("GET", path, token, attempt)).get("owner_business_info")
        except (Refused, Parked):
            return ""
        return str(told.get("id", ""))[:64] if isinstance(told, dict) else ""

    async def send(self, phone_number_id: str, token: str, body: Mapping[str, Any], attempt: int) -> str:
        """Send a message; the platform's id of it.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the ledger knows them.
        """
        answer = await self._send("POST", f"{quote(phone_number_id, safe='')}/messages", token, attempt, body)
        messages = object_of(answer).get("messages")
        first = messages[0] if isinstance(messages, list) and messages else None
        if not isinstance(first, dict) or not isinstance(first.get("id"), str) or not first["id"]:
            raise Unanswered("the answer names no message", said=f"status {answer.status}")
        return str(first["id"])

    async def mark_read(
        self, phone_number_id: str, token: str, provider_id: str, attempt: int, *, typing: bool = False
    ) -> None:
        """Show the contact that their message was read, and on demand that somebody writes: for up to 25 seconds."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": provider_id}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        await self._send("POST", f"{quote(phone_number_id, safe='')}/messages", token, attempt, body)

    async def media_place(self, media_id: str, phone_number_id: str, token: str, attempt: int) -> MediaPlace:
        """Where a medium can be fetched."""
        path = f"{quote(media_id, safe='')}?phone_number_id={quote(phone_number_id, safe='')}"
        told = object_of(await self._send("GET", path, token, attempt))
        size = str(told.get("file_size", "0"))
        return MediaPlace(
            url=str(told.get("url", "")),
            media_type=str(told.get("mime_type", "")),
            sha256=str(told.get("sha256", "")),
            size=int(size) if size.isdigit() and len(size) < 15 else 0,
        )

    async def download(self, place: MediaPlace, token: str, at_most: int, attempt: int) -> bytes:
        """The bytes of a medium.

        Raises:
            Refused: it is larger than allowed, or lies where no medium of the platform lies.
        """
        own = urlsplit(place.url)[:2] == urlsplit(self.url)[:2]
        host = urlsplit(place.url).hostname or ""
        if not own and not host.endswith(MEDIA_HOSTS):
            raise Refused("The medium lies at an address that is not WhatsApp's.", code="address-refused")
        call = Call("GET", place.url, _headers(token), deadline=60, attempts=1, at_most=at_most, guarded=not own)
        return (await self._answer(call, attempt)).body

    async def _send(
        self, method: str, path: str, token: str, attempt: int, body: Mapping[str, Any] | None = None
    ) -> Answer:
        headers = _headers(token)
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(body)
        url = f"{self.url.rstrip('/')}/{self.version}/{path}"
        call = Call(method, url, headers, content, deadline=self.call_within, attempts=1)
        return await self._answer(call, attempt)

    async def _answer(self, call: Call, attempt: int) -> Answer:
        return await answered(self.outbound, call, ERRORS, graph_code, attempt)


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": "*/*"}


def _ids(answer: Answer) -> tuple[set[str], str]:
    """The ids on a page, and the cursor of the next one. The platform's own link to it is not followed."""
    told = object_of(answer)
    data, paging = told.get("data"), told.get("paging")
    if not isinstance(data, list):
        raise Unanswered("the answer lists nothing", said=f"status {answer.status}")
    cursors = paging.get("cursors") if isinstance(paging, dict) else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    ids = {str(each.get("id", "")) for each in data if isinstance(each, dict)}
    return ids, after if isinstance(after, str) else ""
