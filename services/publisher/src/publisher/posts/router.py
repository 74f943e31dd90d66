from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.quota import QuotaExhausted
from publisher.doors import Author, Reader
from publisher.platforms.live import receipt_of
from publisher.posts.errors import (
    DeliveryNotFound,
    LiveAlready,
    NothingToDecide,
    NotLive,
    NotTakenDownHere,
    PostAlreadyLeft,
    PostNotAcceptable,
    PostNotDraft,
    PostNotFound,
    PostNotScheduled,
    PostScheduledAlready,
    TimeNotAcceptable,
)
from publisher.posts.model import Changes, PostStatus
from publisher.posts.preview_schemas import PreviewsOut
from publisher.posts.previewing import PreviewService
from publisher.posts.repository import Wanted
from publisher.posts.schemas import (
    ChangePost,
    Composing,
    Moment,
    PostOut,
    ResolveDelivery,
    SchedulePost,
    WritePost,
    when_of,
)
from publisher.posts.service import PostService

router = APIRouter(prefix="/v1/posts", tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Posts = Annotated[PostService, Depends(part(PostService))]
Previews = Annotated[PreviewService, Depends(part(PreviewService))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(PostNotAcceptable, TimeNotAcceptable, QuotaExhausted, IdempotencyKeyReused),
)
async def write_post(
    body: WritePost, caller: Author, posts: Posts, key: IdempotencyKey, versions: Versioned
) -> PostOut:
    """Write a post: a draft, scheduled, or to be published now."""
    view = await posts.write(body.changes(posts.database.clock.now()), caller, key)
    versions.tag(view.post.version)
    return PostOut.of(view)


@router.post("/preview", responses=problems(PostNotAcceptable))
async def preview_post(body: Composing, caller: Author, previews: Previews) -> PreviewsOut:
    """See how a post would be on each account, and what would be wrong with it; nothing is stored."""
    return PreviewsOut.of(await previews.show(body.wanted(), caller))


@router.get("", responses=problems(BadCursor))
async def list_posts(
    caller: Reader,
    posts: Posts,
    page: Paging,
    *,
    status: Annotated[PostStatus | None, Query(description="As stored: `publishing` is shown, not searched.")] = None,
    account: Annotated[UUID | None, Query()] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Leaves at this time or later.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Leaves before this time.")] = None,
) -> Page[PostOut]:
    """The newest posts first."""
    after = page.after(UUID)
    wanted = Wanted(status, account, since, until)
    found = await posts.page(caller, wanted, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda view: (view.post.id,))
    return Page(items=[PostOut.of(view) for view in shown], next_cursor=cursor)


@router.get("/{post_id}", responses=problems(PostNotFound))
async def read_post(post_id: UUID, caller: Reader, posts: Posts, versions: Versioned) -> PostOut:
    """One post, each delivery, and what was tried."""
    view = await posts.find(post_id, caller)
    versions.tag(view.post.version)
    return PostOut.of(view)


@router.patch(
    "/{post_id}",
    responses=problems(
        PostNotFound,
        PostAlreadyLeft,
        PostNotAcceptable,
        TimeNotAcceptable,
        QuotaExhausted,
        Changed,
        ConditionMissing,
    ),
)
async def change_post(
    post_id: UUID, body: ChangePost, caller: Author, posts: Posts, *, expected: Expected, versions: Versioned
) -> PostOut:
    """Change a draft or a scheduled post, its time too; `publish_at: null` makes it a draft again."""
    view = await posts.change(post_id, body.changes(posts.database.clock.now()), caller, expected)
    versions.tag(view.post.version)
    return PostOut.of(view)


@router.post(
    "/{post_id}/schedule",
    responses=problems(PostNotFound, PostScheduledAlready, PostNotAcceptable, TimeNotAcceptable, QuotaExhausted),
)
async def schedule_post(
    post_id: UUID, body: SchedulePost, caller: Author, posts: Posts, versions: Versioned
) -> PostOut:
    """Schedule a draft."""
    when = when_of(body.publish_at, posts.database.clock.now())
    view = await posts.change(post_id, Changes(when=when), caller, None)
    versions.tag(view.post.version)
    return PostOut.of(view)


@router.post("/{post_id}/cancel", responses=problems(PostNotFound, PostNotScheduled, PostAlreadyLeft))
async def cancel_post(post_id: UUID, caller: Author, posts: Posts, versions: Versioned) -> PostOut:
    """Withdraw what has not left; the deliveries tell which had."""
    view = await posts.cancel(post_id, caller)
    versions.tag(view.post.version)
    return PostOut.of(view)


@router.delete("/{post_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(PostNotFound, PostNotDraft))
async def delete_post(post_id: UUID, caller: Author, posts: Posts) -> None:
    """Delete a draft."""
    await posts.delete(post_id, caller)


@router.post(
    "/{post_id}/deliveries/{delivery_id}/take-down",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(PostNotFound, DeliveryNotFound, NotLive, NotTakenDownHere),
)
async def take_down(post_id: UUID, delivery_id: UUID, caller: Author, posts: Posts, versions: Versioned) -> PostOut:
    """Have what is live on one account taken down there; the delivery's steps tell what came of it."""
    view = await posts.take_down(post_id, delivery_id, caller)
    versions.tag(view.post.version)
    return PostOut.of(view)


@router.post(
    "/{post_id}/deliveries/{delivery_id}/resolve",
    responses=problems(PostNotFound, DeliveryNotFound, NothingToDecide, LiveAlready),
)
async def resolve_delivery(
    post_id: UUID, delivery_id: UUID, body: ResolveDelivery, caller: Author, posts: Posts, *, versions: Versioned
) -> PostOut:
    """Decide, after looking, on a delivery that nobody could confirm."""
    receipt = receipt_of(body.url) if body.outcome == "published" else None
    view = await posts.resolve(post_id, delivery_id, caller, receipt)
    versions.tag(view.post.version)
    return PostOut.of(view)
