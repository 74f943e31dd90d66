from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.contacts.errors import ContactNotFound
from inbox.contacts.merging.errors import (
    AlreadyOne,
    AlreadyUndone,
    BeingErased,
    MatchDecided,
    MatchNotFound,
    MergeNotFound,
)
from inbox.contacts.merging.model import Match
from inbox.contacts.merging.schemas import HappenedOut, HistoryOut, MergeContacts, MergeOut, SuggestionOut
from inbox.contacts.merging.service import Merging
from inbox.doors import Joiner, Reader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/contacts", tags=["contacts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Merges = Annotated[Merging, Depends(part(Merging))]


@router.get("/suggestions")
async def list_merge_suggestions(caller: Reader, merging: Merges, page: Paging) -> Page[SuggestionOut]:
    """Contacts that may be one person, the oldest suggestion first."""
    rows = await merging.suggestions(caller, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[SuggestionOut.of(each) for each in shown], next_cursor=cursor)


@router.post(
    "/suggestions/{suggestion_id}/accept",
    responses=problems(MatchNotFound, MatchDecided, AlreadyOne, BeingErased),
)
async def accept_merge_suggestion(suggestion_id: UUID, caller: Joiner, merging: Merges) -> MergeOut:
    """They are one: the contact that has been here longer is kept."""
    return MergeOut.of(await merging.accept(caller, suggestion_id))


@router.post(
    "/suggestions/{suggestion_id}/dismiss",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(MatchNotFound, MatchDecided),
)
async def dismiss_merge_suggestion(suggestion_id: UUID, caller: Joiner, merging: Merges) -> None:
    """They are two; it is not suggested again."""
    await merging.dismiss(caller, suggestion_id)


@router.post("/merges/{merge_id}/undo", responses=problems(MergeNotFound, AlreadyUndone, BeingErased))
async def undo_merge(merge_id: UUID, caller: Joiner, merging: Merges) -> MergeOut:
    """They are two again, as they were; what came meanwhile goes to whom it came from."""
    return MergeOut.of(await merging.undo(caller, merge_id))


@router.post("/{contact_id}/merge", responses=problems(ContactNotFound, AlreadyOne, BeingErased))
async def merge_contacts(contact_id: UUID, body: MergeContacts, caller: Joiner, merging: Merges) -> MergeOut:
    """The other contact is this one: it is shown as this one, with all that was said, until the merge is undone."""
    return MergeOut.of(await merging.merge(caller, contact_id, body.contact_id))


@router.get("/{contact_id}/history", responses=problems(ContactNotFound))
async def read_contact_history(contact_id: UUID, caller: Reader, merging: Merges) -> HistoryOut:
    """Why this is one contact: identities learnt, left and taken over, and each merge with its reason."""
    return HistoryOut(items=[HappenedOut.of(each) for each in await merging.history(caller, contact_id)])


def _place(match: Match) -> tuple[datetime, UUID]:
    return match.created_at, match.id
