"""Pictures, films and documents on their way to LinkedIn: announced, sent, and worked on before a post shows them."""

from asyncio import Semaphore
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import orjson

from kit.http.client import Answer, Call
from kit.ledger.model import NotAccepted, Refused
from publisher.platforms.base import MediaItem, Outgoing
from publisher.platforms.linkedin.api import LinkedInApi
from publisher.platforms.pieces import Budget, piece, stepwise
from publisher.platforms.speaking import at, document

PART: Final = 4 * 1024 * 1024
MOST_PICTURES: Final = 20
LARGE_AT_ONCE: Final = 2
"""Documents that a process sends at one time: each is one request of up to 100 MB, which is held in memory."""
LONGEST_TITLE: Final = 100
UNTITLED: Final = "Document"


@dataclass(frozen=True, slots=True)
class Progress:
    """What was uploaded: URNs in order; of a film the addresses of its parts, and the ETags of those sent.

    Of a document `urls` is the one address that it goes to.
    """

    urns: tuple[str, ...] = ()
    token: str = ""
    urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    finished: bool = False

    def packed(self) -> str:
        """As it is kept between steps."""
        kept = [list(self.urns), self.token, list(self.urls), list(self.tags), self.finished]
        return orjson.dumps(kept).decode()

    @classmethod
    def unpacked(cls, handle: str | None) -> "Progress":
        """What was kept; the beginning where it cannot be read."""
        try:
            urns, token, urls, tags, finished = orjson.loads(handle or "")
            return cls(tuple(urns), str(token), tuple(urls), tuple(tags), bool(finished))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            return cls()

    def is_all(self, outgoing: Outgoing) -> bool:
        """Whether everything was sent."""
        return len(self.urns) == len(outgoing.media) and (self.finished or not is_worked_on(outgoing))


def is_worked_on(outgoing: Outgoing) -> bool:
    """Whether LinkedIn works on it before a post may show it: on films and documents, not on pictures."""
    return any(item.kind != "image" for item in outgoing.media)


def refuse_mixed(outgoing: Outgoing) -> None:
    """Refuse what LinkedIn does not take in one post.

    Raises:
        Refused: too many, or a film or document beside something else.
    """
    if len(outgoing.media) > MOST_PICTURES or (is_worked_on(outgoing) and len(outgoing.media) > 1):
        raise Refused(
            "A post on LinkedIn has up to twenty pictures, or one video or document alone; leave the others out.",
            code="media-mixed",
        )


def content_of(outgoing: Outgoing, urns: tuple[str, ...]) -> dict[str, Any]:
    """What a post shows besides its text."""
    if not urns:
        if not outgoing.link:
            return {}
        return {"content": {"article": {"source": outgoing.link, "title": outgoing.title or outgoing.link}}}
    shown = list(zip(urns, outgoing.media, strict=True))
    if len(shown) > 1:
        images = [{"id": urn, **({"altText": item.alt} if item.alt else {})} for urn, item in shown]
        return {"content": {"multiImage": {"images": images}}}
    urn, item = shown[0]
    title = document_title(outgoing) if item.kind == "document" else outgoing.title
    told = {"title": title} if item.kind != "image" and title else {}
    alt = {"altText": item.alt} if item.kind == "image" and item.alt else {}
    return {"content": {"media": {"id": urn, **told, **alt}}}


def document_title(outgoing: Outgoing) -> str:
    """What stands above a document, which LinkedIn shows with a title always: its own, else how the text begins."""
    first = next((line.strip() for line in outgoing.text.splitlines() if line.strip()), UNTITLED)
    return outgoing.title or (first if len(first) <= LONGEST_TITLE else f"{first[: LONGEST_TITLE - 1]}…")


@dataclass(frozen=True, slots=True)
class Uploads:
    """Sends media; nothing of it is public, so whatever is lost is sent again."""

    api: LinkedInApi
    large: Semaphore

    async def send(self, outgoing: Outgoing, token: str, begun: Progress, budget: Budget) -> Progress:
        """Send what is missing, for as long as the budget lasts; how far that got.

        Raises:
            Rejected, NotSent, Silent: nothing more was sent by this call than had been before it.
            NotAccepted, Refused: the media cannot be read, or LinkedIn's answer cannot.
        """
        return await stepwise(
            begun,
            lambda progress: self._step(outgoing, token, progress),
            lambda progress: progress.is_all(outgoing),
            budget,
        )

    async def status(self, urn: str, token: str) -> Mapping[str, Any]:
        """How far LinkedIn is with a film or document."""
        resource = "documents" if urn.startswith("urn:li:document:") else "videos"
        return document(await self.api.get(f"/rest/{resource}/{quote(urn, safe='')}", token))

    async def _step(self, outgoing: Outgoing, token: str, progress: Progress) -> Progress:
        item = outgoing.media[min(len(progress.urns), len(outgoing.media) - 1)]
        if item.kind == "image":
            return replace(progress, urns=(*progress.urns, await self._picture(item, outgoing.author, token)))
        if item.kind == "document":
            return await self._document(item, outgoing.author, token, progress)
        if not progress.urns:
            return await self._announced(item, outgoing.author, token)
        if len(progress.tags) < len(progress.urls):
            return await self._part(item, progress)
        told = {"video": progress.urns[0], "uploadToken": progress.token, "uploadedPartIds": list(progress.tags)}
        body = orjson.dumps({"finalizeUploadRequest": told})
        await self.api.post("/rest/videos?action=finalizeUpload", token, body)
        return replace(progress, finished=True)

    async def _picture(self, item: MediaItem, author: str, token: str) -> str:
        """Announce and send a picture, which is small: one that nobody names is forgotten by LinkedIn."""
        urn, url = await self._place("image", author, token)
        await self._whole(item, url, token, within=25.0)
        return urn

    async def _document(self, item: MediaItem, author: str, token: str, progress: Progress) -> Progress:
        """Announce a document, then send it by a step of its own: it is one request of up to 100 MB."""
        if not progress.urns:
            urn, url = await self._place("document", author, token)
            return Progress((urn,), urls=(url,))
        if self.large.locked():
            raise NotAccepted("Other documents are being sent just now.", code="busy", retry_after=3.0)
        async with self.large:
            await self._whole(item, progress.urls[0], token, within=45.0)
        return replace(progress, urls=(), finished=True)

    async def _place(self, kind: str, author: str, token: str) -> tuple[str, str]:
        """Where something goes that is sent at once, and what LinkedIn calls it."""
        body = orjson.dumps({"initializeUploadRequest": {"owner": author}})
        value = at(document(await self.api.post(f"/rest/{kind}s?action=initializeUpload", token, body)), "value")
        urn, url = at(value, kind), at(value, "uploadUrl")
        if not isinstance(urn, str) or not isinstance(url, str):
            raise NotAccepted(f"LinkedIn's answer names no place for the {kind}.", code="no-id")
        return urn, url

    async def _whole(self, item: MediaItem, url: str, token: str, *, within: float) -> None:
        content = await piece(item, 0, item.size_bytes)
        headers = {"authorization": f"Bearer {token}", "content-type": item.mime}
        await self._put(url, content, headers, within=within)

    async def _announced(self, item: MediaItem, author: str, token: str) -> Progress:
        wanted = {
            "owner": author,
            "fileSizeBytes": item.size_bytes,
            "uploadCaptions": False,
            "uploadThumbnail": False,
        }
        body = orjson.dumps({"initializeUploadRequest": wanted})
        value = at(document(await self.api.post("/rest/videos?action=initializeUpload", token, body)), "value")
        urn, parts = at(value, "video"), at(value, "uploadInstructions")
        urls = [at(part, "uploadUrl") for part in parts or ()]
        sizes = {at(parts, place, "firstByte") for place in range(len(urls))}
        right = sizes == set(range(0, item.size_bytes, PART)) and all(isinstance(url, str) for url in urls)
        if not isinstance(urn, str) or not right:
            raise NotAccepted("LinkedIn's answer names no places for the video.", code="no-id")
        return Progress((urn,), str(at(value, "uploadToken") or ""), tuple(urls))

    async def _part(self, item: MediaItem, progress: Progress) -> Progress:
        number = len(progress.tags)
        content = await piece(item, number * PART, PART)
        answer = await self._put(progress.urls[number], content, {"content-type": "application/octet-stream"})
        tag = answer.headers.get("etag", "").strip('"')
        if not tag:
            raise NotAccepted("LinkedIn's answer to a part of the video proves nothing.", code="no-etag")
        return replace(progress, tags=(*progress.tags, tag))

    async def _put(self, url: str, content: bytes, headers: Mapping[str, str], *, within: float = 25.0) -> Answer:
        """Sending the same again replaces it, so a lost answer is followed by another attempt at once."""
        return await self.api.outbound.send(Call("PUT", url, headers, content, deadline=within, attempts=2))
