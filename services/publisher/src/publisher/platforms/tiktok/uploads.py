"""A film on its way to TikTok: cut as TikTok wants it, sent one chunk after the other."""

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

import orjson

from kit.http.client import Answer
from kit.http.client import Refused as Rejected
from publisher.platforms.base import MediaItem
from publisher.platforms.pieces import Budget, piece
from publisher.platforms.speaking import TROUBLES, Speech

CHUNK: Final = 10 * 1024 * 1024
SMALLEST: Final = 5 * 1024 * 1024
_SO_FAR: Final = re.compile(r"bytes 0-(\d{1,12})/(\d{1,12})")


@dataclass(frozen=True, slots=True)
class Upload:
    """What TikTok calls the post, where its chunks go, how much was sent; and how often its id was waited for."""

    publish_id: str = ""
    url: str = ""
    sent: int = 0
    waited: int = 0

    def packed(self) -> str:
        """As it is kept between steps."""
        return orjson.dumps([self.publish_id, self.url, self.sent, self.waited]).decode()

    @classmethod
    def unpacked(cls, handle: str | None) -> "Upload":
        """What was kept; nothing where it cannot be read."""
        try:
            publish_id, url, sent, waited = orjson.loads(handle or "")
            return cls(str(publish_id), str(url), int(sent), int(waited))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            return cls()


def cut(size: int) -> tuple[int, int]:
    """Chunk size and number of chunks: what is left over goes with the last one."""
    if size < SMALLEST:
        return size, 1
    chunk = min(size, CHUNK)
    return chunk, max(1, size // chunk)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Sends chunks; the last one makes the post begin."""

    speech: Speech

    async def send(self, item: MediaItem, upload: Upload, budget: Budget) -> Upload:
        """Send what is missing, for as long as the budget lasts.

        Raises:
            Rejected, NotSent, Silent: nobody knows how far it is; TikTok's status tells.
            NotAccepted, Refused: the film cannot be read.
        """
        begun, (chunk, count) = upload, cut(item.size_bytes)
        while upload.sent < item.size_bytes and not (budget.spent and upload != begun):
            last = upload.sent >= chunk * (count - 1)
            content = await piece(item, upload.sent, item.size_bytes if last else chunk)
            try:
                answer = await self._put(item, upload, content)
            except TROUBLES as trouble:
                told = _told(trouble)
                if told is not None and told != upload.sent:
                    upload = replace(upload, sent=told)
                    continue
                if upload == begun or last:
                    raise
                return upload
            _ = answer
            upload = replace(upload, sent=upload.sent + len(content))
        return upload

    async def _put(self, item: MediaItem, upload: Upload, content: bytes) -> Answer:
        span = f"bytes {upload.sent}-{upload.sent + len(content) - 1}/{item.size_bytes}"
        headers = {"content-type": item.mime, "content-range": span}
        return await self.speech.ask("PUT", upload.url, "", content, headers=headers, within=30.0)


def _told(trouble: Exception) -> int | None:
    """How much TikTok has of it, where a chunk was refused for coming out of turn."""
    if not isinstance(trouble, Rejected) or trouble.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return None
    found = _SO_FAR.fullmatch(trouble.answer.headers.get("content-range", ""))
    return int(found[1]) + 1 if found else None
