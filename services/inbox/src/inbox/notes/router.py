from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from inbox.contacts.errors import ContactNotFound
from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Reader, Replier
from inbox.messages.errors import ContactForgotten
from inbox.notes.errors import MentionedTeamNotThere, MentionNotAMember, NoteDeleted, NoteNotFound, NoteNotYours
from inbox.notes.schemas import (
    MarkMentionsRead,
    MentionOut,
    NoteOut,
    RevisionsOut,
    UnreadMentionsOut,
    WriteNote,
)
from inbox.notes.service import NoteService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["notes"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Notes = Annotated[NoteService, Depends(part(NoteService))]


@router.get("/conversations/{conversation_id}/notes", responses=problems(ConversationNotFound, BadCursor))
async def list_notes(conversation_id: UUID, caller: Reader, notes: Notes, page: Paging) -> Page[NoteOut]:
    """What the team wrote to itself in a conversation, the newest first."""
    rows = await notes.page(caller, conversation_id, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.created_at, each.id))
    return Page(items=[NoteOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.post(
    "/conversations/{conversation_id}/notes",
    status_code=status.HTTP_201_CREATED,
    responses=problems(ConversationNotFound, MentionNotAMember, MentionedTeamNotThere, ContactForgotten),
)
async def write_note(
    conversation_id: UUID, body: WriteNote, caller: Replier, notes: Notes, key: IdempotencyKey
) -> NoteOut:
    """Write a note to the team; the contact never gets it."""
    return NoteOut.model_validate(await notes.write(caller, conversation_id, body, key))


@router.get("/contacts/{contact_id}/notes", responses=problems(ContactNotFound, BadCursor))
async def list_contact_notes(contact_id: UUID, caller: Reader, notes: Notes, page: Paging) -> Page[NoteOut]:
    """What the team wrote to itself about a contact, the newest first."""
    rows = await notes.about(caller, contact_id, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.created_at, each.id))
    return Page(items=[NoteOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.post(
    "/contacts/{contact_id}/notes",
    status_code=status.HTTP_201_CREATED,
    responses=problems(ContactNotFound, MentionNotAMember, MentionedTeamNotThere, ContactForgotten),
)
async def write_contact_note(
    contact_id: UUID, body: WriteNote, caller: Replier, notes: Notes, key: IdempotencyKey
) -> NoteOut:
    """Write a note about a contact; all who work in the inbox see it, and the contact never gets it."""
    return NoteOut.model_validate(await notes.write_about(caller, contact_id, body, key))


@router.put(
    "/notes/{note_id}",
    responses=problems(
        NoteNotFound, NoteNotYours, NoteDeleted, MentionNotAMember, MentionedTeamNotThere, ContactForgotten, Changed
    ),
)
async def edit_note(
    note_id: UUID, body: WriteNote, caller: Replier, notes: Notes, *, expected: Expected, versions: Versioned
) -> NoteOut:
    """Let your note say something else; what it said is kept with it."""
    note = await notes.edit(caller, note_id, body, expected)
    versions.tag(note.version)
    return NoteOut.model_validate(note)


@router.delete(
    "/notes/{note_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NoteNotFound, NoteNotYours, NoteDeleted),
)
async def delete_note(note_id: UUID, caller: Replier, notes: Notes) -> None:
    """Delete your note with all that it ever said."""
    await notes.delete(caller, note_id)


@router.get("/notes/{note_id}/revisions", responses=problems(NoteNotFound))
async def list_note_revisions(note_id: UUID, caller: Reader, notes: Notes) -> RevisionsOut:
    """What a note said before it was edited."""
    return RevisionsOut(items=await notes.revisions(caller, note_id))


@router.get("/mentions", responses=problems(BadCursor))
async def list_mentions(
    caller: Reader, notes: Notes, page: Paging, *, unread: Annotated[bool, Query()] = False
) -> Page[MentionOut]:
    """Notes that call you, the newest first."""
    rows = await notes.mentions(caller, page.after(datetime, UUID), page.limit + 1, unread=unread)
    shown, cursor = page.cut(rows, lambda each: (each.created_at, each.note_id))
    return Page(items=[MentionOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.get("/mentions/unread")
async def count_unread_mentions(caller: Reader, notes: Notes) -> UnreadMentionsOut:
    """How many notes call you that you have not seen."""
    return UnreadMentionsOut(unread=await notes.unread(caller))


@router.post("/mentions/read")
async def mark_mentions_read(body: MarkMentionsRead, caller: Reader, notes: Notes) -> UnreadMentionsOut:
    """You have seen these notes, or all that call you."""
    return UnreadMentionsOut(unread=await notes.read(caller, body.note_ids))
