from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from publisher.doors import Author, Reader
from publisher.posts.errors import PostNotAcceptable
from publisher.recurrences.errors import RecurrenceEnded, RecurrenceNotFound, RuleNotAcceptable
from publisher.recurrences.schemas import ChangeFollowing, LetRecur, OccurrenceOut, RecurrenceOut
from publisher.recurrences.service import RecurrenceService

router = APIRouter(
    prefix="/v1/publishing/recurrences", tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Recurrences = Annotated[RecurrenceService, Depends(part(RecurrenceService))]


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(PostNotAcceptable, RuleNotAcceptable))
async def let_recur(body: LetRecur, caller: Author, recurrences: Recurrences) -> RecurrenceOut:
    """Let a post recur; posts are made of it two weeks ahead, each time one."""
    return RecurrenceOut.of(await recurrences.begin(body.read(), body.template(), caller))


@router.get("", responses=problems(BadCursor))
async def list_recurrences(caller: Reader, recurrences: Recurrences, page: Paging) -> Page[RecurrenceOut]:
    """The newest first."""
    after = page.after(UUID)
    found = await recurrences.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.id,))
    return Page(items=[RecurrenceOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{recurrence_id}", responses=problems(RecurrenceNotFound))
async def read_recurrence(recurrence_id: UUID, caller: Reader, recurrences: Recurrences) -> RecurrenceOut:
    """One post that recurs."""
    return RecurrenceOut.of(await recurrences.find(recurrence_id, caller))


@router.get("/{recurrence_id}/occurrences", responses=problems(RecurrenceNotFound, BadCursor))
async def list_occurrences(
    recurrence_id: UUID, caller: Reader, recurrences: Recurrences, page: Paging
) -> Page[OccurrenceOut]:
    """What became of each time so far; one alone is changed or cancelled as the post that it is."""
    after = page.after(datetime)
    since = after[0].astimezone(UTC).replace(tzinfo=None) if after else None
    found = await recurrences.occurrences(recurrence_id, caller, since, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.local.replace(tzinfo=UTC),))
    return Page(items=[OccurrenceOut.of(each) for each in shown], next_cursor=cursor)


@router.post(
    "/{recurrence_id}/change",
    status_code=status.HTTP_201_CREATED,
    responses=problems(RecurrenceNotFound, RecurrenceEnded, PostNotAcceptable, RuleNotAcceptable),
)
async def change_following(
    recurrence_id: UUID, body: ChangeFollowing, caller: Author, recurrences: Recurrences
) -> RecurrenceOut:
    """Let it be another from a time on: the answer is the new one, and the former ends before it."""
    return RecurrenceOut.of(await recurrences.change(recurrence_id, body.following(), caller))


@router.post("/{recurrence_id}/end", responses=problems(RecurrenceNotFound))
async def end_recurrence(recurrence_id: UUID, caller: Author, recurrences: Recurrences) -> RecurrenceOut:
    """Let it recur no more; what has not left and nobody changed is withdrawn."""
    return RecurrenceOut.of(await recurrences.end(recurrence_id, caller))
