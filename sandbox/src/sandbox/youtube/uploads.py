"""Resumable uploads: a session with an address of its own, chunks, and the question how much has arrived."""

import re
import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object
from sandbox.refusals import Refusal, json_answer
from sandbox.shelf import Shelf
from sandbox.youtube import errors
from sandbox.youtube.gate import Gate, read_body
from sandbox.youtube.quota import UPLOADING, Quota
from sandbox.youtube.videos import Video, Videos, checked
from sandbox.youtube.world import FORCE_SSL, MANAGE, UPLOAD, Person, World

GRAIN = 256 * 1024
LARGEST = 256 * 1024**3
LARGEST_THUMBNAIL = 50 * 1024 * 1024
COVERS = ("image/jpeg", "image/png", "application/octet-stream")
FORBIDDEN = "The authenticated user doesn't have permissions to upload and set custom video thumbnails."
KEPT = 2_000
_RANGE = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|\*)/(\d{1,15}|\*)")


@dataclass(slots=True)
class Session:
    """An upload on its way; of its bytes only the number is kept."""

    owner: Person
    body: Object
    parts: set[str]
    total: int | None
    until: float
    received: int = 0
    video: Video | None = None


class Uploads:
    """The paths below /upload and /resumable/upload."""

    def __init__(self, gate: Gate, world: World, videos: Videos, quota: Quota) -> None:
        self._gate, self._world, self._videos, self._quota = gate, world, videos, quota
        self.sessions: Shelf[str, Session] = Shelf(most=KEPT)

    async def begin(self, request: Request) -> Response:
        """Say what will be uploaded; the answer names the address for it."""
        person = self._gate.enter(request, UPLOADING, UPLOAD, MANAGE, FORCE_SSL)
        if request.query_params.get("uploadType") != "resumable":
            raise errors.bad("badRequest", "Only uploadType=resumable is offered")
        if person.channel is None:
            raise errors.no_channel()
        body = checked(await read_body(request))
        self._quota.refuse_too_many(self._world.app, person.channel)
        declared = request.headers.get("x-upload-content-length", "")
        total = int(declared) if declared.isascii() and declared.isdigit() else None
        if total is not None and not 0 < total <= LARGEST:
            raise errors.bad("mediaBodyRequired", "The request does not include the video content.")
        key, until = secrets.token_urlsafe(48), time.time() + self._world.app.session_seconds
        parts = set(request.query_params.get("part", "").split(","))
        self.sessions.put(key, Session(person, body, parts, total, until))
        where = f"{request.url.scheme}://{request.url.netloc}{request.url.path}?uploadType=resumable&upload_id={key}"
        return Response(b"", 200, {"location": where, "x-guploader-uploadid": key})

    async def put(self, request: Request) -> Response:
        """Take a chunk, or tell how much has arrived; the last chunk is answered with the film."""
        session = self.sessions.get(request.query_params.get("upload_id", ""))
        if session is None or session.until <= time.time():
            raise errors.error(404, "notFound", "Upload session not found", "global")
        if session.video is not None:
            return self._done(session, 200)
        content = await request.body()
        first, total = _place(request, len(content))
        if first is None:
            return _continue(session)
        session.total = total if total is not None else session.total
        if first > session.received:
            raise _beyond(first, session.received)
        self._take(session, first, content)
        if session.total is None or session.received < session.total:
            return _continue(session)
        self._finish(session, request)
        return self._done(session, 200)

    async def thumbnail(self, request: Request) -> Response:
        """Set the picture of one's own film."""
        person = self._gate.enter(request, "thumbnails.set", UPLOAD, MANAGE, FORCE_SSL)
        video, size = self._videos.of(person, request.query_params.get("videoId", "")), len(await request.body())
        if not self._world.app.verified:
            raise errors.error(403, "forbidden", FORBIDDEN, "youtube.thumbnail")
        if not 0 < size <= LARGEST_THUMBNAIL:
            raise errors.bad("mediaBodyRequired", "The request does not include the image content.")
        if request.headers.get("content-type") not in COVERS:
            raise errors.bad("invalidImage", "The provided image content is invalid.")
        video.thumbnail = size
        items: list[object] = [{"default": {"url": f"https://i.ytimg.com/vi/{video.id}/default.jpg"}}]
        return json_answer({"kind": "youtube#thumbnailSetResponse", "items": items})

    def clear(self) -> None:
        """Forget all."""
        self.sessions.clear()

    def _take(self, session: Session, first: int, content: bytes) -> None:
        """Keep what is new of a chunk: whole grains of 256 KiB, unless it is the end."""
        end = first + len(content)
        if session.total is None or end < session.total:
            end -= end % GRAIN
        session.received = max(session.received, end)

    def _finish(self, session: Session, request: Request) -> None:
        visible_after = request.scope.get(VISIBLE_AFTER, 0.0)
        app = self._world.app
        session.video = self._videos.add(
            session.owner, session.body, session.received, app, visible_after=visible_after
        )
        self._quota.uploaded(session.owner.channel or "")

    def _done(self, session: Session, status: int) -> Response:
        video = session.video
        return json_answer(video.out({*session.parts, "status"}) if video else {}, status)


def _place(request: Request, length: int) -> tuple[int | None, int | None]:
    """Where the chunk begins (None where none came) and how long the whole is, as far as it is said."""
    header = request.headers.get("content-range")
    if header is None:
        return 0, length
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        raise errors.bad("badRequest", "Failed to parse Content-Range header.")
    total = None if found[3] == "*" else int(found[3])
    if found[1] is None:
        return None, total
    if int(found[2]) - int(found[1]) + 1 != length:
        detail = f"Invalid request. There were {length} byte(s) in the request body."
        raise errors.bad("badRequest", detail)
    return int(found[1]), total


def _continue(session: Session) -> Response:
    headers = {"range": f"bytes=0-{session.received - 1}"} if session.received else {}
    return Response(b"", 308, headers)


def _beyond(first: int, received: int) -> Refusal:
    detail = (
        f"Invalid request. According to the Content-Range header, the upload offset is {first} byte(s), "
        f"which exceeds already uploaded size of {received} byte(s)."
    )
    return errors.bad("badRequest", detail)
