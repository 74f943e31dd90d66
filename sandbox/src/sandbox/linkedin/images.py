"""Images and documents at LinkedIn: announced, uploaded to an address of their own, then named by posts."""

import secrets
import time
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, list_at, text_at
from sandbox.linkedin import errors
from sandbox.linkedin.gate import Gate, json_answer, read_body
from sandbox.linkedin.world import World
from sandbox.shelf import Shelf

KEPT_IMAGES = 2_000
LARGEST = {"image": 36_152_320, "document": 100 * 1024 * 1024}
PREFIX = {"image": "C4E10", "document": "C4D10"}
GOOD_FOR = 86_400
FEWEST_TOGETHER, MOST_TOGETHER = 2, 20


@dataclass(slots=True)
class Image:
    """An image, or a document; of its bytes only the number is kept. A document is worked on once it has come."""

    id: str
    owner: str
    kind: str = "image"
    size: int = 0
    works_until: float = 0.0
    outcome: str = "succeeds"

    @property
    def status(self) -> str:
        """How far LinkedIn is with it."""
        if not self.size:
            return "WAITING_UPLOAD"
        if time.time() < self.works_until or self.outcome == "hangs":
            return "PROCESSING"
        return "PROCESSING_FAILED" if self.outcome == "fails" else "AVAILABLE"

    @property
    def urn(self) -> str:
        """Its URN."""
        return f"urn:li:{self.kind}:{self.id}"


class Images:
    """All images, or all documents."""

    def __init__(self, kind: str = "image") -> None:
        self.kind = kind
        self._all: Shelf[str, Image] = Shelf(most=KEPT_IMAGES)

    def announce(self, owner: str) -> Image:
        """A place for an image that will be uploaded."""
        image = Image(f"{PREFIX[self.kind]}{secrets.token_hex(8)}", owner, self.kind)
        self._all.put(image.id, image)
        return image

    def find(self, name: str) -> Image | None:
        """An image by its id or URN."""
        return self._all.get(name.removeprefix(f"urn:li:{self.kind}:"))

    def refuse_unknown(self, post: Object) -> None:
        """Refuse a post that names an image that was never uploaded, or is another author's; or too few or many."""
        several = [
            text_at(one, "id") for one in list_at(post, "content", "multiImage", "images") if isinstance(one, dict)
        ]
        if several and self.kind == "image" and not FEWEST_TOGETHER <= len(several) <= MOST_TOGETHER:
            raise errors.invalid_field("/content/multiImage/images", "array size is out of bounds")
        for urn in (text_at(post, "content", "media", "id"), *several):
            image = self.find(urn)
            wrong = image is None or image.status != "AVAILABLE" or image.owner != text_at(post, "author")
            if urn.startswith(f"urn:li:{self.kind}:") and wrong:
                raise errors.invalid_field(
                    "/content/media/id", f"{urn} is not an available {self.kind} of the author"
                )

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()


class ImagesApi:
    """The resource images (or documents), and the address where their bytes go."""

    def __init__(self, gate: Gate, images: Images, world: World) -> None:
        self._gate, self._images, self._world = gate, images, world

    async def initialize(self, request: Request) -> Response:
        """Say where an image shall be uploaded."""
        caller = self._gate.enter(request, f"{self._images.kind}s.ACTION-initializeUpload", writes=True)
        if request.query_params.get("action") != "initializeUpload":
            raise errors.bad_request("Only the action initializeUpload is offered")
        owner = text_at(read_body(await request.body()), "initializeUploadRequest", "owner")
        self._gate.refuse_foreign_author(caller, owner)
        image = self._images.announce(owner)
        value = {
            "uploadUrlExpiresAt": int((time.time() + GOOD_FOR) * 1000),
            "uploadUrl": f"{request.base_url}linkedin/www/dms-uploads/{image.kind}s/{image.id}",
            image.kind: image.urn,
        }
        return json_answer({"value": value})

    async def upload(self, request: Request) -> Response:
        """Take the bytes of an image."""
        self._gate.signed_in(request)
        image = self._images.find(request.path_params["image"])
        if image is None:
            raise errors.not_found(request.path_params["image"])
        size = len(await request.body())
        if not 0 < size <= LARGEST[image.kind]:
            raise errors.bad_request(f"An {image.kind} has 1 to {LARGEST[image.kind]} bytes")
        image.size = size
        if image.kind == "document":
            app = self._world.app
            image.works_until, image.outcome = time.time() + app.processing_seconds, app.processing
        return Response(b"", 201)

    async def read(self, request: Request) -> Response:
        """Whether an image can be used by now."""
        self._gate.enter(request, f"{self._images.kind}s.GET")
        urn = unquote(request.path_params["urn"])
        image = self._images.find(urn)
        if image is None:
            raise errors.not_found(urn)
        return json_answer({"id": image.urn, "owner": image.owner, "status": image.status})
