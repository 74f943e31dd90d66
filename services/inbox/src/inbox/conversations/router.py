from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from inbox.conversations.errors import AssigneeNotAMember, ConversationNotFound
from inbox.conversations.model import ConversationState
from inbox.conversations.repository import Filter
from inbox.conversations.schemas import ChangeConversation, ConversationOut, MarkRead
from inbox.conversations.service import ConversationService, Named
from inbox.doors import Reader, Replier
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/conversations",
    tags=["conversations"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Conversations = Annotated[ConversationService, Depends(part(ConversationService))]


def wanted(
    state: Annotated[ConversationState | None, Query()] = None,
    assignee: Annotated[
        str | None,
        Query(
            pattern=r"^(none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$", description="A user, or `none`."
        ),
    ] = None,
    channel_id: Annotated[UUID | None, Query()] = None,
    contact_id: Annotated[UUID | None, Query()] = None,
) -> Filter:
    """Which conversations the query asks for."""
    whose = None if assignee in (None, "none") else UUID(assignee)
    return Filter(state, channel_id, contact_id, by_assignee=assignee is not None, assignee_id=whose)


@router.get("")
async def list_conversations(
    caller: Reader, conversations: Conversations, page: Paging, chosen: Annotated[Filter, Depends(wanted)]
) -> Page[ConversationOut]:
    """Conversations, the one with the newest message first; their messages are asked for one by one."""
    rows = await conversations.page(caller, chosen, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[ConversationOut.of(*each) for each in shown], next_cursor=cursor)


@router.get("/{conversation_id}", response_model=ConversationOut, responses=problems(ConversationNotFound))
async def read_conversation(
    conversation_id: UUID, caller: Reader, conversations: Conversations, versions: Versioned
) -> ConversationOut | Response:
    """One conversation."""
    conversation, name = await conversations.read(caller, conversation_id)
    return versions.unchanged(conversation.version) or ConversationOut.of(conversation, name)


@router.patch("/{conversation_id}", responses=problems(ConversationNotFound, Changed, AssigneeNotAMember))
async def change_conversation(
    conversation_id: UUID,
    body: ChangeConversation,
    caller: Replier,
    conversations: Conversations,
    *,
    expected: Expected,
    versions: Versioned,
) -> ConversationOut:
    """Give it to somebody, resolve it, open it again."""
    conversation, name = await conversations.change(caller, conversation_id, body, expected)
    versions.tag(conversation.version)
    return ConversationOut.of(conversation, name)


@router.post("/{conversation_id}/read", responses=problems(ConversationNotFound))
async def mark_conversation_read(
    conversation_id: UUID, body: MarkRead, caller: Replier, conversations: Conversations, versions: Versioned
) -> ConversationOut:
    """The team has read the contact's messages; doing it again changes nothing."""
    conversation, name = await conversations.mark_read(caller, conversation_id, body)
    versions.tag(conversation.version)
    return ConversationOut.of(conversation, name)


def _place(named: Named) -> tuple[datetime, UUID]:
    return named[0].last_message_at, named[0].id
