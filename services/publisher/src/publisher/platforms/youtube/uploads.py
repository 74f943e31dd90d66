"""A resumable upload at Google: its session, its pieces, and the question how much has arrived."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from kit.http.client import Answer
from kit.http.client import Refused as Rejected
from kit.ledger.model import NotAccepted
from publisher.platforms.base import MediaItem
from publisher.platforms.pieces import Budget, piece
from publisher.platforms.speaking import TROUBLES, Speech, at, document

GRAIN: Final = 256 * 1024
PIECE: Final = 32 * GRAIN
"""Google takes whole multiples of 256 KiB, but for the last piece."""
GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
MORE: Final = 308
_RANGE: Final = re.compile(r"bytes=0-(\d{1,15})")


class SessionGone(Exception):
    """Google does not know the session any more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """How far a film is: the session's address and how much was sent, or the id of the video it has become."""

    session: str = ""
    sent: int = 0
    video: str = ""

    def packed(self) -> str:
        """As it is kept between steps."""
        return orjson.dumps([self.session, self.sent, self.video]).decode()

    @classmethod
    def unpacked(cls, handle: str | None) -> "Upload":
        """What was kept; nothing where it cannot be read."""
        try:
            session, sent, video = orjson.loads(handle or "")
            return cls(str(session), int(sent), str(video))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            return cls()


@dataclass(frozen=True, slots=True)
class Uploads:
    """Sends films. Asking how much is there changes nothing, and so settles every answer that was lost."""

    speech: Speech
    base_url: str

    async def begin(self, item: MediaItem, about: Mapping[str, Any], token: str, query: str) -> Upload:
        """A session for a film; one that nobody uses harms nobody.

        Raises:
            Rejected, NotSent, Silent: there is none.
            NotAccepted: Google's answer names none.
        """
        url = f"{self.base_url}/resumable/upload/youtube/v3/videos?uploadType=resumable&{query}"
        declared = {"x-upload-content-length": str(item.size_bytes), "x-upload-content-type": item.mime}
        answer = await self.speech.ask("POST", url, token, orjson.dumps(about), headers=declared)
        where = answer.headers.get("location", "")
        if not where or urlsplit(where).netloc != urlsplit(self.base_url).netloc:
            raise NotAccepted("YouTube's answer names no place for the video.", code="no-session")
        return Upload(where)

    async def probe(self, upload: Upload, size: int, token: str) -> Upload:
        """What Google has of it.

        Raises:
            SessionGone: it does not know the session.
            Rejected, NotSent, Silent: it did not tell.
        """
        return self._after(upload, await self._put(upload, token, b"", f"bytes */{size}", attempts=2))

    async def send(self, item: MediaItem, upload: Upload, token: str, budget: Budget) -> Upload:
        """Send what is missing, for as long as the budget lasts. An answer that was lost is asked for.

        Raises:
            SessionGone: Google does not know the session.
            Rejected, NotSent, Silent: nobody knows how far it is.
            NotAccepted, Refused: the film cannot be read.
        """
        begun = upload
        while not upload.video and not (budget.spent and upload != begun):
            content = await piece(item, upload.sent, PIECE)
            span = f"bytes {upload.sent}-{upload.sent + len(content) - 1}/{item.size_bytes}"
            try:
                upload = self._after(upload, await self._put(upload, token, content, span))
            except TROUBLES as trouble:
                if isinstance(trouble, Rejected) and trouble.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                upload = await self.probe(upload, item.size_bytes, token)
                if upload.sent == begun.sent and not upload.video:
                    raise
        return upload

    async def _put(self, upload: Upload, token: str, content: bytes, span: str, *, attempts: int = 1) -> Answer:
        headers = {"content-range": span, "content-type": "application/octet-stream"}
        try:
            return await self.speech.ask(
                "PUT", upload.session, token, content, headers=headers, within=30.0, attempts=attempts
            )
        except Rejected as rejected:
            if rejected.status in GONE:
                raise SessionGone from rejected
            raise

    def _after(self, upload: Upload, answer: Answer) -> Upload:
        if answer.status == MORE:
            found = _RANGE.fullmatch(answer.headers.get("range", ""))
            return replace(upload, sent=int(found[1]) + 1 if found else 0)
        video = at(document(answer), "id")
        if not isinstance(video, str) or not video:
            raise NotAccepted("YouTube's answer names no video.", code="no-id", said=str(answer.status))
        return replace(upload, video=video)
