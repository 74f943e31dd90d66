from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from inbox.contacts.errors import ContactNotFound
from inbox.doors import Reader
from inbox.timeline.schemas import TimelineLineOut
from inbox.timeline.service import TimelineService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/contacts", tags=["contacts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Timeline = Annotated[TimelineService, Depends(part(TimelineService))]


@router.get("/{contact_id}/timeline", responses=problems(ContactNotFound, BadCursor))
async def read_contact_timeline(
    contact_id: UUID, caller: Reader, timeline: Timeline, page: Paging
) -> Page[TimelineLineOut]:
    """What happened with a contact, the newest first: on channels that you see, and in what all share."""
    rows = await timeline.page(caller, contact_id, page.after(datetime, str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: each.place)
    return Page(items=[TimelineLineOut.model_validate(each) for each in shown], next_cursor=cursor)
