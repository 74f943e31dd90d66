from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, status
from fastapi.responses import Response, StreamingResponse

from kit.http.app import part
from kit.http.caller import NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from publisher.doors import Author, Reader
from publisher.media.errors import LinkEnded, MediaInUse, MediaNotFound, MediaNotReady
from publisher.media.links import PATH
from publisher.media.model import MediaState
from publisher.media.ranges import answer
from publisher.media.schemas import DescribeMedia, MediaOut, StorageOut
from publisher.media.service import MediaService

router = APIRouter(
    prefix="/v1/library", tags=["library"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)
public = APIRouter(prefix=PATH, tags=["library"], dependencies=[OpenToAnybody])

_DISPOSITION: Final = 'inline; filename="file"'

Media = Annotated[MediaService, Depends(part(MediaService))]
Asked = Annotated[str | None, Header(alias="range", description="One part, such as `bytes=0-1023`.")]


@router.get("", responses=problems(BadCursor))
async def list_media(
    caller: Reader, media: Media, page: Paging, *, state: Annotated[MediaState | None, Query()] = None
) -> Page[MediaOut]:
    """The newest first."""
    after = page.after(UUID)
    found = await media.page(caller, state, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda medium: (medium.id,))
    return Page(items=[MediaOut.of(medium) for medium in shown], next_cursor=cursor)


@router.get("/storage")
async def read_storage(caller: Reader, media: Media) -> StorageOut:
    """How much storage is used, set aside for uploads, and included in the plan."""
    return StorageOut.of(await media.storage(caller))


@router.get("/{media_id}", responses=problems(MediaNotFound))
async def read_media(media_id: UUID, caller: Reader, media: Media, versions: Versioned) -> MediaOut:
    """One picture, video or document, and what was seen in it."""
    medium = await media.find(media_id, caller)
    versions.tag(medium.version)
    return MediaOut.of(medium)


@router.get("/{media_id}/content", response_class=StreamingResponse, responses=problems(MediaNotFound, MediaNotReady))
async def read_content(media_id: UUID, caller: Reader, media: Media, asked: Asked = None) -> Response:
    """Its bytes as they may be published, whole or one part."""
    opened = await media.open(media_id, caller)
    headers = {"cache-control": "private, max-age=86400, immutable", "content-disposition": _DISPOSITION}
    return answer(media.store, opened.object, opened.facts, asked=asked, headers=headers)


@router.patch("/{media_id}", responses=problems(MediaNotFound, Changed, ConditionMissing))
async def describe_media(
    media_id: UUID, body: DescribeMedia, caller: Author, media: Media, *, expected: Expected, versions: Versioned
) -> MediaOut:
    """Change its alternative text; posts that have one of their own keep it."""
    medium = await media.describe(media_id, body.alt, caller, expected)
    versions.tag(medium.version)
    return MediaOut.of(medium)


@router.delete("/{media_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(MediaNotFound, MediaInUse))
async def delete_media(media_id: UUID, caller: Author, media: Media) -> None:
    """Delete it with its bytes; refused, naming them, while posts that have not been published use it."""
    await media.delete(media_id, caller)


@public.get("/{token}/{name}", response_class=StreamingResponse, responses=problems(LinkEnded))
async def fetch_file(token: str, name: str, media: Media, asked: Asked = None) -> Response:
    """A file for whoever has its address: platforms that fetch what they publish."""
    opened = await media.follow(token)
    _ = name  # an ending for those who go by it; what it is says the content type
    headers = {"cache-control": "public, max-age=3600, immutable", "content-disposition": _DISPOSITION}
    return answer(media.store, opened.object, opened.facts, asked=asked, headers=headers)


@public.head("/{token}/{name}", responses=problems(LinkEnded))
async def look_at_file(token: str, name: str, media: Media) -> Response:
    """How large it is, and of which type."""
    opened = await media.follow(token)
    _ = name
    told = {"content-length": str(opened.facts.size_bytes), "accept-ranges": "bytes"}
    return Response(headers=told, media_type=opened.facts.mime)
