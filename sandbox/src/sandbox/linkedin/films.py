"""Films at LinkedIn: announced, sent in parts of 4 MB, finished with the parts' ETags, worked on, named by posts."""

import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, list_at, object_at, text_at
from sandbox.linkedin import errors
from sandbox.linkedin.gate import Gate, json_answer, read_body
from sandbox.linkedin.world import World
from sandbox.shelf import Shelf

KEPT_FILMS = 2_000
PART = 4 * 1024 * 1024
LARGEST = 500 * 1024 * 1024
GOOD_FOR = 86_400


@dataclass(slots=True)
class Film:
    """A film; of its parts only size and ETag are kept."""

    id: str
    owner: str
    size: int
    token: str
    parts: dict[int, tuple[int, str]] = field(default_factory=dict)
    finished_at: float | None = None
    works_until: float = 0.0
    outcome: str = "succeeds"

    @property
    def urn(self) -> str:
        """Its URN."""
        return f"urn:li:video:{self.id}"

    @property
    def count(self) -> int:
        """How many parts it has."""
        return -(-self.size // PART)

    @property
    def status(self) -> str:
        """How far LinkedIn is with it."""
        if self.finished_at is None:
            return "WAITING_UPLOAD"
        if time.time() < self.works_until or self.outcome == "hangs":
            return "PROCESSING"
        return "PROCESSING_FAILED" if self.outcome == "fails" else "AVAILABLE"

    def length(self, part: int) -> int:
        """How many bytes a part has."""
        return min(PART, self.size - part * PART)


class Films:
    """All films."""

    def __init__(self) -> None:
        self._all: Shelf[str, Film] = Shelf(most=KEPT_FILMS)

    def announce(self, owner: str, size: int) -> Film:
        """A place for a film that will be uploaded."""
        film = Film(f"C5F10{secrets.token_hex(8)}", owner, size, secrets.token_urlsafe(12))
        self._all.put(film.id, film)
        return film

    def find(self, name: str) -> Film:
        """A film by its id or URN."""
        film = self._all.get(name.removeprefix("urn:li:video:"))
        if film is None:
            raise errors.not_found(name)
        return film

    def refuse_unknown(self, post: Object) -> None:
        """Refuse a post that names a film that LinkedIn is not done with, or another author's."""
        urn = text_at(post, "content", "media", "id")
        if not urn.startswith("urn:li:video:"):
            return
        film = self._all.get(urn.removeprefix("urn:li:video:"))
        if film is None or film.status != "AVAILABLE" or film.owner != text_at(post, "author"):
            raise errors.invalid_field("/content/media/id", f"{urn} is not an available video of the author")

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()


class FilmsApi:
    """The resource videos, and the addresses where their parts go."""

    def __init__(self, gate: Gate, films: Films, world: World) -> None:
        self._gate, self._films, self._world = gate, films, world

    async def act(self, request: Request) -> Response:
        """Say where the parts of a film shall be uploaded, or that all of them were."""
        action = request.query_params.get("action", "")
        if action not in {"initializeUpload", "finalizeUpload"}:
            raise errors.bad_request("Only the actions initializeUpload and finalizeUpload are offered")
        caller = self._gate.enter(request, f"videos.ACTION-{action}", writes=True)
        body = object_at(read_body(await request.body()), f"{action}Request")
        if action == "finalizeUpload":
            return self._finish(body)
        owner, size = text_at(body, "owner"), body.get("fileSizeBytes")
        self._gate.refuse_foreign_author(caller, owner)
        if not isinstance(size, int) or not 0 < size <= LARGEST:
            raise errors.invalid_field("/initializeUploadRequest/fileSizeBytes", f"must be 1 to {LARGEST}")
        return json_answer({"value": _instructions(self._films.announce(owner, size), str(request.base_url))})

    async def upload(self, request: Request) -> Response:
        """Take a part; its ETag proves it later."""
        film, number = self._films.find(request.path_params["video"]), request.path_params["part"]
        part = int(number) if number.isascii() and number.isdigit() else -1
        size = len(await request.body())
        if not 0 <= part < film.count or size != film.length(part):
            raise errors.bad_request("The part does not have the bytes that were announced")
        etag = secrets.token_hex(16)
        film.parts[part] = (size, etag)
        return Response(b"", 200, {"etag": f'"{etag}"'})

    async def read(self, request: Request) -> Response:
        """How far LinkedIn is with a film."""
        self._gate.enter(request, "videos.GET")
        film = self._films.find(unquote(request.path_params["urn"]))
        body: Object = {"id": film.urn, "owner": film.owner, "status": film.status}
        if film.status == "PROCESSING_FAILED":
            body["processingFailureReason"] = "The video could not be transcoded"
        return json_answer(body)

    def _finish(self, body: Object) -> Response:
        film = self._films.find(text_at(body, "video"))
        given = [str(one).strip('"') for one in list_at(body, "uploadedPartIds")]
        right = [etag for _, (_, etag) in sorted(film.parts.items())]
        if len(right) != film.count or given != right or text_at(body, "uploadToken") != film.token:
            raise errors.bad_request("The parts are not those that were uploaded")
        if film.finished_at is None:
            app = self._world.app
            film.finished_at = time.time()
            film.works_until, film.outcome = film.finished_at + app.processing_seconds, app.processing
        return Response(b"", 200)


def _instructions(film: Film, here: str) -> Object:
    parts: list[object] = [
        {
            "uploadUrl": f"{here}linkedin/www/dms-uploads/videos/{film.id}/{part}",
            "firstByte": part * PART,
            "lastByte": part * PART + film.length(part) - 1,
        }
        for part in range(film.count)
    ]
    until = int((time.time() + GOOD_FOR) * 1000)
    return {
        "video": film.urn,
        "uploadInstructions": parts,
        "uploadToken": film.token,
        "uploadUrlsExpireAt": until,
        "thumbnailUploadUrl": "",
    }
