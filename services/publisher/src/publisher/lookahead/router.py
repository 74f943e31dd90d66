from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging, encode_cursor
from kit.http.problem import problems
from publisher.doors import Reader
from publisher.lookahead.schemas import ForeseenOut
from publisher.lookahead.service import LookaheadService

router = APIRouter(tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Lookahead = Annotated[LookaheadService, Depends(part(LookaheadService))]


@router.get("/v1/publishing/look-ahead", responses=problems(BadCursor))
async def look_ahead(
    caller: Reader,
    lookahead: Lookahead,
    page: Paging,
    *,
    days: Annotated[int, Query(ge=1, le=14)] = 14,
    account: Annotated[UUID | None, Query()] = None,
) -> Page[ForeseenOut]:
    """What will fail or wait within the next days, and why; a page may be short and have a next one."""
    after = page.after(datetime, UUID)
    last = None if after is None else (after[0], after[1])
    found, on = await lookahead.page(caller, days, account, last, page.limit)
    return Page(items=[ForeseenOut.of(each) for each in found], next_cursor=encode_cursor(*on) if on else None)
