from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response, StreamingResponse

from inbox.doors import Reader
from inbox.media.errors import MediaLost, MediaNotFound, MediaNotReady
from inbox.media.ranges import Unsatisfiable, chosen
from inbox.media.service import MediaFile, MediaService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(prefix="/v1/media", tags=["media"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Media = Annotated[MediaService, Depends(part(MediaService))]
Asked = Annotated[str | None, Header(alias="range", description="One part, such as `bytes=0-1023`.")]
Held = Annotated[str | None, Header(alias="if-range", description="The part is wanted of this ETag only.")]


@router.get(
    "/{media_id}",
    response_class=StreamingResponse,
    responses=problems(MediaNotFound, MediaNotReady, MediaLost),
)
async def read_media(
    media_id: UUID, caller: Reader, media: Media, asked: Asked = None, held: Held = None
) -> Response:
    """The medium's bytes, typed by what they are; only pictures, sound and video are to be shown in place."""
    file = await media.file(caller, media_id)
    headers = headers_of(file)
    try:
        found = chosen(asked if held in (None, file.tag) else None, file.size)
    except Unsatisfiable:
        return Response(status_code=416, headers={"content-range": f"bytes */{file.size}"})
    start, end = found or (0, file.size)
    headers["content-length"] = str(end - start)
    if found is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 200 if found is None else 206
    return StreamingResponse(file.opened.pieces(start, end), status, headers, file.media_type)


def headers_of(file: MediaFile) -> dict[str, str]:
    """How a file is handed over: as what its bytes are, and so that no browser takes it for a page."""
    shown = "inline" if file.shown else "attachment"
    return {
        "accept-ranges": "bytes",
        "etag": file.tag,
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(file.filename, safe='')}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, max-age=86400, immutable",
    }
