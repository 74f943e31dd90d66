from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from inbox.doors import Reader
from inbox.search.errors import NothingToFind
from inbox.search.repository import Place
from inbox.search.schemas import FoundContactOut, FoundMessageOut, FoundNoteOut, Search, SearchContacts
from inbox.search.service import SearchService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging, encode_cursor
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/search",
    tags=["search"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, NothingToFind, BadCursor),
)

Searching = Annotated[SearchService, Depends(part(SearchService))]


@router.post("/messages")
async def search_messages(body: Search, caller: Reader, search: Searching, page: Paging) -> Page[FoundMessageOut]:
    """Messages with all of these words, the newest first; what was just written is found a second or so later."""
    found = await search.messages(caller, body, page.after(datetime, UUID), page.limit)
    items = [each for each in found.items if isinstance(each, FoundMessageOut)]
    return Page(items=items, next_cursor=_cursor(found.place))


@router.post("/notes")
async def search_notes(body: Search, caller: Reader, search: Searching, page: Paging) -> Page[FoundNoteOut]:
    """Notes of the team with all of these words, the newest first."""
    found = await search.notes(caller, body, page.after(datetime, UUID), page.limit)
    items = [each for each in found.items if isinstance(each, FoundNoteOut)]
    return Page(items=items, next_cursor=_cursor(found.place))


@router.post("/contacts")
async def search_contacts(
    body: SearchContacts, caller: Reader, search: Searching, page: Paging
) -> Page[FoundContactOut]:
    """Contacts by beginnings of names and addresses, or by a number, the newest first."""
    found = await search.contacts(caller, body, page.after(datetime, UUID), page.limit)
    items = [each for each in found.items if isinstance(each, FoundContactOut)]
    return Page(items=items, next_cursor=_cursor(found.place))


def _cursor(place: Place | None) -> str | None:
    return None if place is None else encode_cursor(*place)
