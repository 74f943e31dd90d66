"""Images at LinkedIn: announced, uploaded to an address of their own, then named by posts."""

import secrets
import time
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, list_at, text_at
from sandbox.linkedin import errors
from sandbox.linkedin.gate import Gate, json_answer, read_body
from sandbox.shelf import Shelf

KEPT_IMAGES = 2_000
LARGEST = 36_152_320
GOOD_FOR = 86_400


@dataclass(slots=True)
class Image:
    """An image; of its bytes only the number is kept."""

    id: str
    owner: str
    size: int = 0

    @property
    def urn(self) -> str:
        """Its URN."""
        return f"urn:li:image:{self.id}"


class Images:
    """All images."""

    def __init__(self) -> None:
        self._all: Shelf[str, Image] = Shelf(most=KEPT_IMAGES)

    def announce(self, owner: str) -> Image:
        """A place for an image that will be uploaded."""
        image = Image(f"C4E10{secrets.token_hex(8)}", owner)
        self._all.put(image.id, image)
        return image

    def find(self, name: str) -> Image | None:
        """An image by its id or URN."""
        return self._all.get(name.removeprefix("urn:li:image:"))

    def refuse_unknown(self, post: Object) -> None:
        """Refuse a post that names an image that was never uploaded, or is another author's."""
        several = [
            text_at(one, "id") for one in list_at(post, "content", "multiImage", "images") if isinstance(one, dict)
        ]
        for urn in (text_at(post, "content", "media", "id"), *several):
            image = self.find(urn)
            wrong = image is None or not image.size or image.owner != text_at(post, "author")
            if urn.startswith("urn:li:image:") and wrong:
                raise errors.invalid_field("/content/media/id", f"{urn} is not an available image of the author")

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()


class ImagesApi:
    """The resource images, and the address where their bytes go."""

    def __init__(self, gate: Gate, images: Images) -> None:
        self._gate = gate
        self._images = images

    async def initialize(self, request: Request) -> Response:
        """Say where an image shall be uploaded."""
        caller = self._gate.enter(request, "images.ACTION-initializeUpload", writes=True)
        if request.query_params.get("action") != "initializeUpload":
            raise errors.bad_request("Only the action initializeUpload is offered")
        owner = text_at(read_body(await request.body()), "initializeUploadRequest", "owner")
        self._gate.refuse_foreign_author(caller, owner)
        image = self._images.announce(owner)
        value = {
            "uploadUrlExpiresAt": int((time.time() + GOOD_FOR) * 1000),
            "uploadUrl": f"{request.base_url}linkedin/www/dms-uploads/{image.id}",
            "image": image.urn,
        }
        return json_answer({"value": value})

    async def upload(self, request: Request) -> Response:
        """Take the bytes of an image."""
        self._gate.signed_in(request)
        image = self._images.find(request.path_params["image"])
        if image is None:
            raise errors.not_found(request.path_params["image"])
        size = len(await request.body())
        if not 0 < size <= LARGEST:
            raise errors.bad_request(f"An image has 1 to {LARGEST} bytes")
        image.size = size
        return Response(b"", 201)

    async def read(self, request: Request) -> Response:
        """Whether an image can be used by now."""
        self._gate.enter(request, "images.GET")
        urn = unquote(request.path_params["urn"])
        image = self._images.find(urn)
        if image is None:
            raise errors.not_found(urn)
        status = "AVAILABLE" if image.size else "WAITING_UPLOAD"
        return json_answer({"id": image.urn, "owner": image.owner, "status": status})
