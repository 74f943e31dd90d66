"""Meta's resumable uploads: a session, its bytes, and the handle that samples of templates name."""

import base64
import secrets
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, write
from sandbox.meta.refusals import refuse
from sandbox.shelf import Shelf
from sandbox.whatsapp.access import Access

TYPES = ("application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4")
LARGEST = 100 * 1024 * 1024
KEPT = 1_000


class Uploads:
    """Sessions that wait for bytes, and handles that were given."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._sessions: Shelf[str, tuple[int, str, int]] = Shelf(most=KEPT)
        self._handles: Shelf[str, str] = Shelf(most=KEPT)
        self._signatures: Shelf[str, str] = Shelf(most=KEPT)

    def clear(self) -> None:
        """Nothing was uploaded."""
        self._sessions.clear()
        self._handles.clear()
        self._signatures.clear()

    def knows(self, handle: str) -> bool:
        """Whether this handle was given."""
        return self._handles.get(handle) is not None

    async def begin(self, request: Request) -> Response:
        """POST /app/uploads: a session for so many bytes of this type."""
        self._access.enter(request)
        length, kind = request.query_params.get("file_length", ""), request.query_params.get("file_type", "")
        if kind not in TYPES:
            raise refuse(100, "(#100) Param file_type must be one of the supported types.")
        if not (length.isascii() and length.isdigit() and 0 < int(length[:12]) <= LARGEST):
            raise refuse(100, "(#100) Param file_length must be a positive integer.")
        session, signature = f"upload:{secrets.token_urlsafe(24)}", secrets.token_urlsafe(16)
        self._sessions.put(session, (int(length), kind, 0))
        self._signatures.put(session, signature)
        return _json({"id": f"{session}?sig={signature}"})

    async def receive(self, request: Request) -> Response:
        """POST /upload:…: bytes from an offset on; the handle once all are there."""
        self._access.enter(request)
        found = self._sessions.get(session := str(request.path_params["node"]))
        if found is None or request.query_params.get("sig") != self._signatures.get(session):
            raise refuse(100, "(#100) No such upload session.")
        length, kind, have = found
        if request.headers.get("file_offset") != str(have):
            raise refuse(100, "(#100) The offset is not where the upload stands.", subcode=1363037)
        have += len(await request.body())
        if have > length:
            raise refuse(100, "(#100) There are more bytes than were announced.")
        self._sessions.put(session, (length, kind, have))
        if have < length:
            return _json({"id": session, "file_offset": have})
        handle = f"4::{base64.b64encode(kind.encode()).decode()}:{secrets.token_urlsafe(40)}"
        self._handles.put(handle, kind)
        return _json({"h": handle})

    async def read(self, request: Request) -> Response:
        """GET /upload:…: how much has arrived."""
        self._access.enter(request)
        found = self._sessions.get(session := str(request.path_params["node"]))
        if found is None or request.query_params.get("sig") != self._signatures.get(session):
            raise refuse(100, "(#100) No such upload session.")
        return _json({"id": session, "file_offset": found[2]})


def handles_of(components: object) -> Iterator[str]:
    """The handles by which headers of a template, and of its cards, name their samples."""
    if isinstance(components, list):
        for each in components:
            yield from handles_of(each)
    elif isinstance(components, dict):
        for name, value in components.items():
            if name == "header_handle" and isinstance(value, list):
                yield from (str(each) for each in value)
            else:
                yield from handles_of(value)


def _json(document: Object) -> Response:
    return Response(write(document), media_type="application/json; charset=UTF-8")
