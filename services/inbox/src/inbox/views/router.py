from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.arrangement.errors import NameTaken, NotArranged, SharedByAll, TooManyArranged
from inbox.doors import Reader, Replier
from inbox.views.schemas import ChangeView, MakeView, ViewOut
from inbox.views.service import ViewService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(prefix="/v1/views", tags=["views"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Views = Annotated[ViewService, Depends(part(ViewService))]


@router.get("", responses=problems(BadCursor))
async def list_views(caller: Reader, views: Views, page: Paging) -> Page[ViewOut]:
    """Saved filters by name, those of all and your own."""
    rows = await views.page(caller, page.after(str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.key, each.id))
    return Page(items=[ViewOut.of(each) for each in shown], next_cursor=cursor)


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(NameTaken, TooManyArranged, SharedByAll))
async def make_view(body: MakeView, caller: Replier, views: Views, key: IdempotencyKey) -> ViewOut:
    """Save a filter, for all (owners and admins) or for yourself."""
    return ViewOut.of(await views.make(caller, body, key))


@router.put("/{view_id}", responses=problems(NotArranged, NameTaken, SharedByAll, Changed))
async def change_view(
    view_id: UUID, body: ChangeView, caller: Replier, views: Views, *, expected: Expected, versions: Versioned
) -> ViewOut:
    """Let a saved filter choose otherwise."""
    changed = await views.change(caller, view_id, body, expected)
    versions.tag(changed.version)
    return ViewOut.of(changed)


@router.delete("/{view_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotArranged, SharedByAll))
async def delete_view(view_id: UUID, caller: Replier, views: Views) -> None:
    """Delete a saved filter."""
    await views.delete(caller, view_id)
