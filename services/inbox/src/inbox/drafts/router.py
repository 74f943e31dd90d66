from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.conversations.errors import ConversationContinued, ConversationNotFound
from inbox.doors import Replier
from inbox.drafts.schemas import DraftOut, SaveDraft
from inbox.drafts.service import DraftService
from inbox.messages.errors import ContactForgotten
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/conversations/{conversation_id}/draft",
    tags=["drafts"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, ConversationNotFound),
)

Drafts = Annotated[DraftService, Depends(part(DraftService))]


@router.get("")
async def read_draft(conversation_id: UUID, caller: Replier, drafts: Drafts, versions: Versioned) -> DraftOut:
    """What you have begun to write here; empty where nothing is."""
    draft = await drafts.read(caller, conversation_id)
    versions.tag(draft.version)
    return DraftOut.model_validate(draft)


@router.put("", responses=problems(Changed, ContactForgotten, ConversationContinued))
async def save_draft(
    conversation_id: UUID,
    body: SaveDraft,
    caller: Replier,
    drafts: Drafts,
    *,
    expected: Expected,
    versions: Versioned,
) -> DraftOut:
    """Keep what you have written so far; 412 when another tab has saved meanwhile, or it was sent."""
    draft = await drafts.save(caller, conversation_id, body, expected)
    versions.tag(draft.version)
    return DraftOut.model_validate(draft)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
async def discard_draft(conversation_id: UUID, caller: Replier, drafts: Drafts) -> None:
    """Throw your draft away; it also goes when you send a message."""
    await drafts.discard(caller, conversation_id)
