from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from inbox.consent.errors import ContactBlocked
from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Reader, Replier
from inbox.messages.errors import (
    CaptionNotOffered,
    ChannelGone,
    ContactForgotten,
    KindNotOffered,
    MessageIdTaken,
    MessageNotFound,
    NotHeld,
    NothingToRetry,
    OptedOut,
    TextTooLong,
    TwoPlaces,
    WindowClosed,
)
from inbox.messages.model import Message
from inbox.messages.schemas import MessageOut, MessagePage, SendMessage
from inbox.messages.service import MessageService, Stretch, Wanted
from inbox.templates.errors import TemplateNotFound, TemplateNotSendable, TemplateValuesWrong
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import Paging, encode_cursor
from kit.http.problem import problems
from kit.quota import QuotaExhausted

router = APIRouter(tags=["messages"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Messages = Annotated[MessageService, Depends(part(MessageService))]


@router.post(
    "/v1/conversations/{conversation_id}/messages",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        ConversationNotFound,
        WindowClosed,
        OptedOut,
        ContactBlocked,
        KindNotOffered,
        CaptionNotOffered,
        TextTooLong,
        MessageIdTaken,
        ChannelGone,
        ContactForgotten,
        MessageNotFound,
        QuotaExhausted,
        TemplateNotFound,
        TemplateNotSendable,
        TemplateValuesWrong,
    ),
)
async def send_message(
    conversation_id: UUID, body: SendMessage, caller: Replier, messages: Messages, key: IdempotencyKey
) -> MessageOut:
    """Write to the contact; the message is `queued` and leaves moments later."""
    return MessageOut.of(await messages.send(caller, conversation_id, body, key))


@router.get(
    "/v1/conversations/{conversation_id}/messages",
    responses=problems(ConversationNotFound, MessageNotFound, TwoPlaces),
)
async def list_messages(
    conversation_id: UUID,
    caller: Reader,
    messages: Messages,
    page: Paging,
    *,
    direction: Annotated[Literal["older", "newer"], Query(description="Which way to go from the cursor.")] = "older",
    around: Annotated[UUID | None, Query(description="Begin at this message, with neighbours on both sides.")] = None,
) -> MessagePage:
    """A stretch of the conversation; without cursor and `around` its newest messages."""
    wanted = Wanted(page.after(datetime, int), around, page.limit, newer=direction == "newer")
    return _page(await messages.stretch(caller, conversation_id, wanted))


@router.get("/v1/messages/{message_id}", responses=problems(MessageNotFound))
async def read_message(message_id: UUID, caller: Reader, messages: Messages) -> MessageOut:
    """One message with its status."""
    return MessageOut.of(await messages.read(caller, message_id))


@router.post("/v1/messages/{message_id}/cancel", responses=problems(MessageNotFound, NotHeld))
async def cancel_message(message_id: UUID, caller: Replier, messages: Messages) -> MessageOut:
    """Take back a message that waits until the contact writes."""
    return MessageOut.of(await messages.cancel(caller, message_id))


@router.post(
    "/v1/messages/{message_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(MessageNotFound, NothingToRetry, ChannelGone, OptedOut, ContactBlocked, QuotaExhausted),
)
async def retry_message(message_id: UUID, caller: Replier, messages: Messages) -> MessageOut:
    """Try the parts of a message again that failed; those that left stay as they are."""
    return MessageOut.of(await messages.retry(caller, message_id))


def _page(stretch: Stretch) -> MessagePage:
    shown = stretch.messages
    return MessagePage(
        items=[MessageOut.of(each) for each in shown],
        older_cursor=_cursor(shown[0]) if shown and stretch.older else None,
        newer_cursor=_cursor(shown[-1]) if shown and stretch.newer else None,
    )


def _cursor(message: Message) -> str:
    return encode_cursor(message.provider_time, message.sequence)
