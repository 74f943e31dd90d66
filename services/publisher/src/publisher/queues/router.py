from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from publisher.doors import Author, Reader
from publisher.queues.errors import QueueMoved, QueueNotAcceptable, QueueNotFound
from publisher.queues.schemas import ArrangedOut, ArrangeQueue, PlaceOut, QueueOut, SetQueue
from publisher.queues.service import QueueService

router = APIRouter(
    prefix="/v1/publishing/queues", tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Queues = Annotated[QueueService, Depends(part(QueueService))]


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(QueueNotAcceptable))
async def make_queue(body: SetQueue, caller: Author, queues: Queues, versions: Versioned) -> QueueOut:
    """Make a queue; a post comes into it by `publish_at: {"queue": id}`."""
    queue = await queues.make(body.wishes(), caller)
    versions.tag(queue.version)
    return QueueOut.of(queue)


@router.get("", responses=problems(BadCursor))
async def list_queues(caller: Reader, queues: Queues, page: Paging) -> Page[QueueOut]:
    """Queues in the order in which they were made."""
    after = page.after(UUID)
    found = await queues.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda queue: (queue.id,))
    return Page(items=[QueueOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{queue_id}", responses=problems(QueueNotFound))
async def read_queue(queue_id: UUID, caller: Reader, queues: Queues, versions: Versioned) -> QueueOut:
    """One queue."""
    queue = await queues.find(queue_id, caller)
    versions.tag(queue.version)
    return QueueOut.of(queue)


@router.put("/{queue_id}", responses=problems(QueueNotFound, QueueNotAcceptable, Changed, ConditionMissing))
async def change_queue(
    queue_id: UUID, body: SetQueue, caller: Author, queues: Queues, *, expected: Expected, versions: Versioned
) -> QueueOut:
    """Let a queue be this; what waits keeps its slots until the queue is arranged anew."""
    queue = await queues.change(queue_id, body.wishes(), caller, expected)
    versions.tag(queue.version)
    return QueueOut.of(queue)


@router.delete("/{queue_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(QueueNotFound))
async def delete_queue(queue_id: UUID, caller: Author, queues: Queues) -> None:
    """Delete a queue; what waits in it leaves at its time."""
    await queues.delete(queue_id, caller)


@router.get("/{queue_id}/slots", responses=problems(QueueNotFound, BadCursor))
async def list_slots(queue_id: UUID, caller: Reader, queues: Queues, page: Paging) -> Page[PlaceOut]:
    """The next slots, and which post has each."""
    after = page.after(datetime)
    found = await queues.places(queue_id, caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda place: (place.when.at,))
    return Page(items=[PlaceOut.of(each) for each in shown], next_cursor=cursor)


@router.post("/{queue_id}/arrange", responses=problems(QueueNotFound, QueueMoved))
async def arrange_queue(queue_id: UUID, body: ArrangeQueue, caller: Author, queues: Queues) -> ArrangedOut:
    """Give posts that wait other slots; what may have left never moves."""
    return ArrangedOut(moved=await queues.arrange(queue_id, body.arrangement(), caller))
