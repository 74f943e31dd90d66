from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.arrangement.errors import NameTaken, NotArranged, SharedByAll, TooManyArranged
from inbox.contacts.schemas import ContactOut
from inbox.doors import Reader, Replier
from inbox.segments.errors import QueryRefused, SegmentOutdated
from inbox.segments.schemas import AskSegment, ChangeSegment, MakeSegment, PreviewOut, SegmentOut
from inbox.segments.service import SegmentService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/segments", tags=["segments"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Segments = Annotated[SegmentService, Depends(part(SegmentService))]


@router.get("", responses=problems(BadCursor))
async def list_segments(caller: Reader, segments: Segments, page: Paging) -> Page[SegmentOut]:
    """Saved segments by name, those of all and your own."""
    rows = await segments.page(caller, page.after(str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.key, each.id))
    return Page(items=[SegmentOut.of(each) for each in shown], next_cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NameTaken, TooManyArranged, SharedByAll, QueryRefused),
)
async def make_segment(body: MakeSegment, caller: Replier, segments: Segments, key: IdempotencyKey) -> SegmentOut:
    """Save a segment, for all (owners and admins) or for yourself."""
    return SegmentOut.of(await segments.make(caller, body, key))


@router.post("/preview", responses=problems(QueryRefused))
async def preview_segment(body: AskSegment, caller: Reader, segments: Segments) -> PreviewOut:
    """How many contacts a query means just now, and the first of them."""
    counted, first = await segments.preview(caller, body.query)
    return PreviewOut(contacts=counted, sample=[ContactOut.of(each) for each in first])


@router.get("/{segment_id}", responses=problems(NotArranged))
async def read_segment(segment_id: UUID, caller: Reader, segments: Segments, versions: Versioned) -> SegmentOut:
    """One segment."""
    found = await segments.read(caller, segment_id)
    versions.tag(found.version)
    return SegmentOut.of(found)


@router.get("/{segment_id}/contacts", responses=problems(NotArranged, SegmentOutdated, BadCursor))
async def list_contacts_of_segment(
    segment_id: UUID, caller: Reader, segments: Segments, page: Paging
) -> Page[ContactOut]:
    """Whom a segment means just now."""
    after = page.after(UUID)
    rows = await segments.members(caller, segment_id, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.id,))
    return Page(items=[ContactOut.of(each) for each in shown], next_cursor=cursor)


@router.put("/{segment_id}", responses=problems(NotArranged, NameTaken, SharedByAll, QueryRefused, Changed))
async def change_segment(
    segment_id: UUID,
    body: ChangeSegment,
    caller: Replier,
    segments: Segments,
    *,
    expected: Expected,
    versions: Versioned,
) -> SegmentOut:
    """Let a segment mean others."""
    changed = await segments.change(caller, segment_id, body, expected)
    versions.tag(changed.version)
    return SegmentOut.of(changed)


@router.delete("/{segment_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotArranged, SharedByAll))
async def delete_segment(segment_id: UUID, caller: Replier, segments: Segments) -> None:
    """Delete a segment; nobody of it is lost."""
    await segments.delete(caller, segment_id)
