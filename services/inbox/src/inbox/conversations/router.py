from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status
from pydantic import AwareDatetime

from inbox.attributes.errors import AttributeNotSought, ValueRefused
from inbox.attributes.schemas import MOST_SOUGHT, SoughtValue, sought_in
from inbox.channels.viewing.errors import AssigneeDoesNotSee
from inbox.conversations.errors import (
    AssigneeNotAMember,
    ConversationNotFound,
    NotThatWay,
    SnoozeOutOfRange,
    SnoozeWithoutRest,
    TeamNotThere,
)
from inbox.conversations.lists.model import Filter, Order
from inbox.conversations.model import ConversationState, Priority, PriorityName
from inbox.conversations.schemas import ChangeConversation, ConversationOut, MarkRead
from inbox.conversations.service import ConversationService, Shown
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


_ONE_OR_NONE = r"^(none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"


async def wanted(
    *,
    state: Annotated[ConversationState | None, Query()] = None,
    assignee: Annotated[str | None, Query(pattern=_ONE_OR_NONE, description="A user, or `none`.")] = None,
    team: Annotated[str | None, Query(pattern=_ONE_OR_NONE, description="A team, or `none`.")] = None,
    channel_id: Annotated[UUID | None, Query()] = None,
    contact_id: Annotated[UUID | None, Query()] = None,
    priority: Annotated[PriorityName | None, Query()] = None,
    unread: Annotated[bool | None, Query(description="With, or without, messages that nobody has read.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="With a message from then on.")] = None,
    participant_id: Annotated[UUID | None, Query(description="Who follows it.")] = None,
    label_id: Annotated[UUID | None, Query()] = None,
    attribute: Annotated[
        list[SoughtValue] | None,
        Query(
            max_length=MOST_SOUGHT,
            description="Values of attributes that are not personal, all of them: `key:is:value`, or of numbers and"
            " days `key:from:value` and `key:to:value`.",
            examples=[["amount:from:100", "plan:is:gold"]],
        ),
    ] = None,
    order: Annotated[
        Order, Query(description="`waiting`: who waits longest for an answer comes first.")
    ] = "activity",
) -> Filter:
    """Which conversations the query asks for."""
    return Filter(
        state=state,
        channel_id=channel_id,
        contact_id=contact_id,
        by_assignee=assignee is not None,
        assignee_id=_one(assignee),
        by_team=team is not None,
        team_id=_one(team),
        priority=None if priority is None else Priority[priority.upper()],
        unread=unread,
        since=since,
        participant_id=participant_id,
        label_id=label_id,
        attributes=tuple(sought_in(each) for each in attribute or ()),
        order=order,
    )


@router.get("", responses=problems(AttributeNotSought, ValueRefused))
async def list_conversations(
    caller: Reader, conversations: Conversations, page: Paging, chosen: Annotated[Filter, Depends(wanted)]
) -> Page[ConversationOut]:
    """Conversations in the wanted order, with the beginning of the newest message; all messages are at …/messages."""
    rows = await conversations.page(caller, chosen, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, partial(_place, chosen.order))
    return Page(items=[_out(each) for each in shown], next_cursor=cursor)


@router.get("/{conversation_id}", response_model=ConversationOut, responses=problems(ConversationNotFound))
async def read_conversation(
    conversation_id: UUID, caller: Reader, conversations: Conversations, versions: Versioned
) -> ConversationOut | Response:
    """One conversation."""
    shown = await conversations.read(caller, conversation_id)
    return versions.unchanged(shown.conversation.version) or _out(shown)


@router.patch(
    "/{conversation_id}",
    responses=problems(
        ConversationNotFound,
        Changed,
        AssigneeNotAMember,
        AssigneeDoesNotSee,
        TeamNotThere,
        NotThatWay,
        SnoozeWithoutRest,
        SnoozeOutOfRange,
    ),
)
async def change_conversation(
    conversation_id: UUID,
    body: ChangeConversation,
    caller: Replier,
    conversations: Conversations,
    *,
    expected: Expected,
    versions: Versioned,
) -> ConversationOut:
    """Give it to somebody or to a team, resolve it, open it again, let it rest, say how urgent it is."""
    shown = await conversations.change(caller, conversation_id, body, expected)
    versions.tag(shown.conversation.version)
    return _out(shown)


@router.post("/{conversation_id}/read", responses=problems(ConversationNotFound))
async def mark_conversation_read(
    conversation_id: UUID, body: MarkRead, caller: Replier, conversations: Conversations, versions: Versioned
) -> ConversationOut:
    """The team has read the contact's messages; doing it again changes nothing."""
    shown = await conversations.mark_read(caller, conversation_id, body)
    versions.tag(shown.conversation.version)
    return _out(shown)


@router.post(
    "/{conversation_id}/typing", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ConversationNotFound)
)
async def show_typing(conversation_id: UUID, caller: Replier, conversations: Conversations) -> None:
    """Show the contact that somebody writes, for some seconds; nothing on channels that cannot show it."""
    await conversations.show_typing(caller, conversation_id)


def _out(shown: Shown) -> ConversationOut:
    return ConversationOut.of(shown.conversation, shown.contact_name, shown.last, shown.label_ids, shown.attributes)


def _place(order: Order, shown: Shown) -> tuple[datetime, UUID]:
    at = shown.conversation.waiting_since if order == "waiting" else None
    return at or shown.conversation.last_message_at, shown.conversation.id


def _one(told: str | None) -> UUID | None:
    return None if told in (None, "none") else UUID(told)
