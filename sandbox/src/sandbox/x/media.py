"""Media at X: announced, sent in segments, finished, and for films and GIFs worked on."""

import itertools
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, read_object, text_at, value_at
from sandbox.multipart import read_form
from sandbox.refusals import json_answer
from sandbox.shelf import Shelf
from sandbox.x import errors
from sandbox.x.gate import Gate, read_body
from sandbox.x.world import App, Person, World

KEPT_MEDIA = 2_000
GOOD_FOR = 86_400
LONGEST_SEGMENT = 5 * 1024 * 1024
LAST_SEGMENT = 999
LONGEST_ALT = 1000
LARGEST = {
    "tweet_image": 5 * 1024 * 1024,
    "tweet_gif": 15 * 1024 * 1024,
    "tweet_video": 512 * 1024 * 1024,
    "amplify_video": 16 * 1024**3,
}
TYPES = {
    "tweet_image": ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/pjpeg", "image/tiff"),
    "tweet_gif": ("image/gif",),
    "tweet_video": ("video/mp4", "video/quicktime", "video/webm", "video/mp2t"),
    "amplify_video": ("video/mp4", "video/quicktime"),
}

_numbers = itertools.count(1_900_000_000_000_000_000)


@dataclass(slots=True)
class Media:
    """A picture or film; of its segments only the sizes are kept."""

    id: str
    owner: str
    category: str
    mime: str
    total: int
    began_at: float
    segments: dict[int, int] = field(default_factory=dict)
    alt: str = ""
    finished_at: float | None = None
    works_until: float = 0.0
    outcome: str = "succeeds"
    used: bool = False

    @property
    def key(self) -> str:
        """The media key."""
        return f"{'7' if self.is_film else '3'}_{self.id}"

    @property
    def is_film(self) -> bool:
        """Whether it must stand alone and is worked on first."""
        return self.category != "tweet_image"

    @property
    def state(self) -> str:
        """How far X is with it."""
        if self.finished_at is None:
            return "waiting"
        if not self.is_film:
            return "succeeded"
        if time.time() < self.works_until or self.outcome == "hangs":
            return "in_progress" if time.time() > self.finished_at else "pending"
        return "failed" if self.outcome == "fails" else "succeeded"

    def out(self) -> Object:
        """As the API answers it."""
        left = max(0, round(self.began_at + GOOD_FOR - time.time()))
        body: Object = {"id": self.id, "media_key": self.key, "expires_after_secs": left}
        if self.finished_at is not None:
            body["size"] = self.total
        if self.finished_at is not None and self.is_film:
            body["processing_info"] = _processing(self)
        return body


class Uploads:
    """All media."""

    def __init__(self) -> None:
        self._all: Shelf[str, Media] = Shelf(most=KEPT_MEDIA)

    def announce(self, person: Person, body: Object) -> Media:
        """A place for what will be sent."""
        category, mime, total = text_at(body, "media_category"), text_at(body, "media_type"), body.get("total_bytes")
        if category not in LARGEST:
            raise errors.invalid("media_category", f"media_category must be one of {sorted(LARGEST)}")
        if mime not in TYPES[category]:
            raise errors.invalid("media_type", f"media_type must be one of {list(TYPES[category])}")
        if not isinstance(total, int) or not 0 < total <= LARGEST[category]:
            raise errors.invalid("total_bytes", f"File size exceeds {LARGEST[category]} bytes.")
        media = Media(str(next(_numbers)), person.id, category, mime, total, time.time())
        self._all.put(media.id, media)
        return media

    def of(self, person: Person, key: str) -> Media:
        """What this person has sent, while it lives."""
        media = self._all.get(key)
        if media is None or media.owner != person.id or media.began_at + GOOD_FOR <= time.time():
            raise errors.not_found("media", key)
        return media

    def ready(self, person: Person, key: str) -> Media:
        """Media that a post may name."""
        media = self._all.get(key)
        if media is None or media.owner != person.id or media.state != "succeeded":
            raise errors.invalid("media.media_ids", "Your media IDs are invalid.")
        return media

    def all(self) -> list[Media]:
        """All that was announced."""
        return self._all.all()

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()


class MediaApi:
    """The paths below /2/media."""

    def __init__(self, gate: Gate, world: World, uploads: Uploads) -> None:
        self._gate, self._world, self._uploads = gate, world, uploads

    async def initialize(self, request: Request) -> Response:
        """Announce what will be sent."""
        caller = self._gate.enter(request, "POST /2/media/upload/initialize", "media.write")
        return json_answer({"data": self._uploads.announce(caller.person, await read_body(request)).out()})

    async def append(self, request: Request) -> Response:
        """Take a segment, as a form or as JSON; the same one again replaces it."""
        caller = self._gate.enter(request, "POST /2/media/upload/:id/append", "media.write")
        media = self._uploads.of(caller.person, request.path_params["id"])
        index, content = await _segment(request)
        if media.finished_at is not None:
            raise errors.invalid("id", "The upload is finished already")
        if not 0 <= index <= LAST_SEGMENT:
            raise errors.invalid("segment_index", "segment_index must be between 0 and 999")
        if not 0 < len(content) <= LONGEST_SEGMENT:
            raise errors.invalid("media", f"A segment has 1 to {LONGEST_SEGMENT} bytes")
        media.segments[index] = len(content)
        return json_answer({"data": {"expires_at": round(media.began_at + GOOD_FOR)}})

    async def finalize(self, request: Request) -> Response:
        """All was sent; a film is worked on from now on. Doing it again answers how far that is."""
        caller = self._gate.enter(request, "POST /2/media/upload/:id/finalize", "media.write")
        media = self._uploads.of(caller.person, request.path_params["id"])
        _refuse_gaps(media)
        if media.finished_at is None:
            _finish(media, self._world.app)
        return json_answer({"data": media.out()})

    async def status(self, request: Request) -> Response:
        """How far X is with a film."""
        caller = self._gate.enter(request, "GET /2/media/upload", "media.write")
        if request.query_params.get("command", "STATUS") != "STATUS":
            raise errors.invalid("command", "command must be STATUS")
        media = self._uploads.of(caller.person, request.query_params.get("media_id", ""))
        if media.finished_at is None:
            raise errors.invalid("media_id", "The upload has not been finalized")
        return json_answer({"data": media.out()})

    async def metadata(self, request: Request) -> Response:
        """Say what a picture shows."""
        caller = self._gate.enter(request, "POST /2/media/metadata", "media.write")
        body = await read_body(request)
        media = self._uploads.of(caller.person, text_at(body, "id"))
        alt = value_at(body, "metadata", "alt_text", "text")
        if not isinstance(alt, str) or not 0 < len(alt) <= LONGEST_ALT:
            raise errors.invalid("metadata.alt_text.text", f"alt_text has 1 to {LONGEST_ALT} characters")
        media.alt = alt
        return json_answer({"data": {"id": media.id, "associated_metadata": {"alt_text": {"text": alt}}}})


def _finish(media: Media, app: App) -> None:
    media.finished_at = time.time()
    media.works_until = media.finished_at + app.processing_seconds
    media.outcome = app.processing


def _refuse_gaps(media: Media) -> None:
    whole = sorted(media.segments) == list(range(len(media.segments)))
    if not whole or sum(media.segments.values()) != media.total:
        raise errors.invalid("id", "Segments do not add up to provided total file size.")


def _processing(media: Media) -> Object:
    state = media.state
    if state == "failed":
        error: Object = {"code": 1, "name": "InvalidMedia", "message": "Unsupported video format"}
        return {"state": state, "progress_percent": 10, "error": error}
    if state == "succeeded":
        return {"state": state, "progress_percent": 100}
    left = max(1, round(media.works_until - time.time()))
    return {"state": state, "check_after_secs": left, "progress_percent": 50}


async def _segment(request: Request) -> tuple[int, bytes]:
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        form = read_form(kind, body)
        index = _number(form["segment_index"].text) if "segment_index" in form else -1
        return index, form["media"].content if "media" in form else b""
    document = read_object(body) or {}
    found = document.get("segment_index")
    return found if isinstance(found, int) else _number(str(found)), _decoded(text_at(document, "media"))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1


def _decoded(text: str) -> bytes:
    decode: Callable[[str], bytes] = b64decode
    try:
        return decode(text)
    except ValueError:
        return b""
