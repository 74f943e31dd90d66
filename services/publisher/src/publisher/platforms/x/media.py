"""Media on their way to X: which, how much of each was sent, and the posts' names for them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from kit.http.client import Answer
from kit.ledger.model import Refused
from publisher.platforms.base import MediaItem, Outgoing
from publisher.platforms.pieces import Budget, piece, stepwise
from publisher.platforms.speaking import Speech, at, document

PIECE: Final = 4 * 1024 * 1024
GIF: Final = "image/gif"
BOUNDARY: Final = "rostrum-piece-6f1f3c2a9d"
MOST_PICTURES: Final = 4
_CHECK_AFTER: Final = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the media of a post are: their ids in order, and how many bytes of the last one were sent.

    `finished` says that all of the last one was sent and X told so; `attempts` tells one beginning from another.
    """

    ids: tuple[str, ...] = ()
    sent: int = 0
    finished: bool = False

    def packed(self) -> str:
        """As it is kept between steps."""
        return orjson.dumps([list(self.ids), self.sent, self.finished]).decode()

    @classmethod
    def unpacked(cls, handle: str | None) -> "Progress":
        """What was kept; the beginning where nothing can be read."""
        try:
            ids, sent, finished = orjson.loads(handle or "")
            return cls(tuple(str(each) for each in ids), int(sent), bool(finished))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            return cls()

    def is_all(self, outgoing: Outgoing) -> bool:
        """Whether everything was sent."""
        return len(self.ids) == len(outgoing.media) and (self.finished or not outgoing.media)


def is_film(item: MediaItem) -> bool:
    """Whether X works on it before it can be posted."""
    return item.kind == "video" or item.mime == GIF


def refuse_mixed(outgoing: Outgoing) -> None:
    """Refuse what X does not take in one post.

    Raises:
        Refused: too many, or a film beside something else.
    """
    films = [item for item in outgoing.media if is_film(item)]
    if len(outgoing.media) > MOST_PICTURES or (films and len(outgoing.media) > 1):
        raise Refused(
            "A post on X has up to four pictures, or one video or GIF alone; leave the others out.",
            code="media-mixed",
        )


@dataclass(frozen=True, slots=True)
class Uploads:
    """Sends media; nothing of it is public, so whatever is lost is sent again."""

    speech: Speech
    base_url: str

    async def send(self, outgoing: Outgoing, token: str, begun: Progress, budget: Budget) -> Progress:
        """Send what is missing, for as long as the budget lasts; how far that got.

        Raises:
            Rejected, NotSent, Silent: nothing more was sent by this call than had been before it.
            NotAccepted, Refused: the media cannot be read.
        """
        return await stepwise(
            begun,
            lambda progress: self._step(outgoing, token, progress),
            lambda progress: progress.is_all(outgoing),
            budget,
        )

    async def status(self, media_id: str, token: str) -> Mapping[str, Any]:
        """What X says of the processing of a film."""
        url = f"{self.base_url}/2/media/upload?command=STATUS&media_id={media_id}"
        answer = await self.speech.ask("GET", url, token)
        return at(document(answer), "data", "processing_info") or {}

    async def _step(self, outgoing: Outgoing, token: str, progress: Progress) -> Progress:
        """The next single request: announce an item, send a piece of it, or finish it."""
        if not progress.ids or progress.finished:
            return await self._announced(outgoing.media[len(progress.ids)], token, progress)
        item, media_id = outgoing.media[len(progress.ids) - 1], progress.ids[-1]
        if progress.sent < item.size_bytes:
            content = await piece(item, progress.sent, PIECE)
            await self._append(media_id, progress.sent // PIECE, content, token)
            return replace(progress, sent=progress.sent + len(content))
        if item.alt and item.kind == "image":
            await self._describe(media_id, item.alt, token)
        await self._ask("POST", f"/2/media/upload/{media_id}/finalize", token)
        return replace(progress, finished=True)

    async def _announced(self, item: MediaItem, token: str, progress: Progress) -> Progress:
        category = "tweet_gif" if item.mime == GIF else "tweet_video" if item.kind == "video" else "tweet_image"
        body = {"media_category": category, "media_type": item.mime, "total_bytes": item.size_bytes}
        answer = await self._ask("POST", "/2/media/upload/initialize", token, orjson.dumps(body))
        media_id = at(document(answer), "data", "id")
        if not isinstance(media_id, str) or not media_id.isdigit():
            raise Refused("X's answer to the upload names nothing.", code="no-id", said=str(answer.status))
        return Progress((*progress.ids, media_id))

    async def _append(self, media_id: str, index: int, content: bytes, token: str) -> None:
        head = (
            f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="segment_index"\r\n\r\n{index}\r\n'
            f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="media"; filename="piece"\r\n'
            "content-type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        await self._ask("POST", f"/2/media/upload/{media_id}/append", token, body, kind)

    async def _describe(self, media_id: str, alt: str, token: str) -> None:
        body = {"id": media_id, "metadata": {"alt_text": {"text": alt[:1000]}}}
        await self._ask("POST", "/2/media/metadata", token, orjson.dumps(body))

    async def _ask(
        self, method: str, path: str, token: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = f"{self.base_url}{path}"
        return await self.speech.ask(method, url, token, body, headers=headers, within=15.0, attempts=2)


def check_after(info: Mapping[str, Any]) -> float:
    """When to ask again, as X wants it."""
    wanted = info.get("check_after_secs")
    return float(wanted) if isinstance(wanted, int | float) and wanted > 0 else _CHECK_AFTER
