from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.announcements.errors import (
    AnnouncementLeft,
    AnnouncementNotFound,
    AnnouncementNotUnderWay,
    AnnouncementTimeInPast,
)
from auth.announcements.schemas import (
    AnnouncementOut,
    ChangeAnnouncement,
    DraftAnnouncement,
    ReachOut,
    ReceivedOut,
    ScheduleAnnouncement,
    TryAnnouncement,
)
from auth.announcements.service import AnnouncementService
from auth.mails.language import Language
from auth.staff.errors import FreshProofNeeded
from kit.http.app import part
from kit.http.caller import PersonalCaller, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted
from kit.jobs.errors import TooManyJobs

router = APIRouter(prefix="/v1/announcements", tags=["announcements"], responses=problems(TokenRefused))
staff = APIRouter(
    prefix="/v1/staff/announcements",
    tags=["staff: announcements"],
    responses=problems(TokenRefused, PermissionMissing),
)

Announcements = Annotated[AnnouncementService, Depends(part(AnnouncementService))]
Sender = Annotated[StaffCaller, staff_permitted("announcements.send")]


@router.get("", responses=problems(BadCursor))
async def list_own_announcements(
    caller: PersonalCaller, announcements: Announcements, language: Language, page: Paging, unread: bool = False
) -> Page[ReceivedOut]:
    """What the caller was told, the newest first."""
    after = page.after(UUID)
    before = after[0] if after else None
    found = await announcements.received(caller, before, page.limit + 1, language, unread=unread)
    shown, cursor = page.cut(found, lambda each: (each.id,))
    return Page(items=[ReceivedOut.of(each) for each in shown], next_cursor=cursor)


@router.put(
    "/{announcement_id}/read", status_code=status.HTTP_204_NO_CONTENT, responses=problems(AnnouncementNotFound)
)
async def mark_announcement_read(announcement_id: UUID, caller: PersonalCaller, announcements: Announcements) -> None:
    """The caller has read it."""
    await announcements.mark_read(caller, announcement_id)


@staff.post("", status_code=status.HTTP_201_CREATED, responses=problems(IdempotencyKeyReused))
async def draft_announcement(
    body: DraftAnnouncement,
    staff: Sender,
    announcements: Announcements,
    key: StaffIdempotencyKey,
    versions: Versioned,
) -> AnnouncementOut:
    """Begin an announcement; nobody is told before it is scheduled."""
    made = await announcements.draft(body.words(), body.audience, staff, key)
    versions.tag(made.version)
    return AnnouncementOut.of((made, None, (0, 0)))


@staff.get("", responses=problems(BadCursor))
async def list_announcements(_staff: Sender, announcements: Announcements, page: Paging) -> Page[AnnouncementOut]:
    """Announcements with their progress, the newest first."""
    after = page.after(UUID)
    found = await announcements.page(after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each[0].id,))
    return Page(items=[AnnouncementOut.of(each) for each in shown], next_cursor=cursor)


@staff.get("/{announcement_id}", responses=problems(AnnouncementNotFound))
async def read_announcement(
    announcement_id: UUID, _staff: Sender, announcements: Announcements, versions: Versioned
) -> AnnouncementOut:
    """One announcement with its progress."""
    found = await announcements.find(announcement_id)
    versions.tag(found[0].version)
    return AnnouncementOut.of(found)


@staff.put(
    "/{announcement_id}", responses=problems(AnnouncementNotFound, AnnouncementLeft, ConditionMissing, Changed)
)
async def change_announcement(  # noqa: PLR0917 - FastAPI passes them all by name
    announcement_id: UUID,
    body: ChangeAnnouncement,
    staff: Sender,
    announcements: Announcements,
    expected: Expected,
    versions: Versioned,
) -> AnnouncementOut:
    """Write a draft anew."""
    saved = await announcements.change(announcement_id, body.words(), body.audience, body.by_mail, staff, expected)
    versions.tag(saved.version)
    return AnnouncementOut.of((saved, None, (0, 0)))


@staff.get("/{announcement_id}/reach", responses=problems(AnnouncementNotFound))
async def count_reach(announcement_id: UUID, _staff: Sender, announcements: Announcements) -> ReachOut:
    """How many people it would reach now; by mail fewer, as some want no announcements."""
    return ReachOut(people=await announcements.count(announcement_id))


@staff.post(
    "/{announcement_id}/tests", status_code=status.HTTP_202_ACCEPTED, responses=problems(AnnouncementNotFound)
)
async def try_announcement(
    announcement_id: UUID, body: TryAnnouncement, staff: Sender, announcements: Announcements
) -> None:
    """Send it to yourself alone."""
    await announcements.try_out(announcement_id, body.language, staff)


@staff.post(
    "/{announcement_id}/schedule",
    responses=problems(
        AnnouncementNotFound,
        AnnouncementLeft,
        AnnouncementTimeInPast,
        FreshProofNeeded,
        ConditionMissing,
        Changed,
        TooManyJobs,
    ),
)
async def schedule_announcement(  # noqa: PLR0917 - FastAPI passes them all by name
    announcement_id: UUID,
    body: ScheduleAnnouncement,
    staff: Sender,
    announcements: Announcements,
    expected: Expected,
    versions: Versioned,
) -> AnnouncementOut:
    """Let it leave now, or at a time; from then on it can only be cancelled."""
    scheduled = await announcements.schedule(announcement_id, body.send_at, staff, expected)
    versions.tag(scheduled[0].version)
    return AnnouncementOut.of(scheduled)


@staff.post("/{announcement_id}/cancel", responses=problems(AnnouncementNotFound, AnnouncementNotUnderWay))
async def cancel_announcement(announcement_id: UUID, staff: Sender, announcements: Announcements) -> AnnouncementOut:
    """Call it off: nobody more is told, mails that have not left never do, and the console shows it no more."""
    return AnnouncementOut.of(await announcements.cancel(announcement_id, staff))
