from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Request, status
from fastapi.responses import StreamingResponse

from generation.assistant.errors import (
    ActionExpired,
    ActionNotFound,
    BeingDone,
    ConversationFull,
    ConversationNotFound,
    DecidedAlready,
    OnlyForPeople,
    PersonaUnknown,
    PictureUnreadable,
    StillAnswering,
    TurnNotFound,
)
from generation.assistant.model import Turn, TurnView
from generation.assistant.personas import personas
from generation.assistant.schemas import (
    ActionOut,
    BeginConversation,
    ConversationOut,
    Decide,
    PersonaOut,
    PersonasOut,
    SaySomething,
    TurnOut,
)
from generation.assistant.service import AssistantService, Person
from generation.calls.errors import BudgetExhausted
from generation.doors import AssistantUser
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused, bearer_token
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.quota import QuotaExhausted

router = APIRouter(
    prefix="/v1/assistant",
    tags=["assistant"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, OnlyForPeople),
)

Assistant = Annotated[AssistantService, Depends(part(AssistantService))]


async def person(request: Request, caller: AssistantUser) -> Person:
    """Who talks, who must be a person; and their token, by which the assistant acts for them.

    Raises:
        OnlyForPeople: it is a key or a program on its own.
    """
    if caller.kind != "user":
        raise OnlyForPeople
    token = bearer_token(request.headers.getlist("authorization"))
    return Person(caller, token, request.headers.get("x-forwarded-for", ""))


Talking = Annotated[Person, Depends(person)]


@router.get("/personas")
async def list_personas(caller: AssistantUser) -> PersonasOut:
    """Whom the assistant can be, and what each may use."""
    _ = caller
    return PersonasOut(items=[PersonaOut.of(each) for each in personas().values()])


@router.post(
    "/conversations",
    status_code=status.HTTP_201_CREATED,
    responses=problems(PersonaUnknown, IdempotencyKeyReused),
)
async def begin_conversation(
    body: BeginConversation, who: Talking, assistant: Assistant, idempotency: IdempotencyKey
) -> ConversationOut:
    """Begin a conversation; nobody but you sees it."""
    return ConversationOut.of(await assistant.begin(who.caller, body.persona, idempotency))


@router.get("/conversations", responses=problems(BadCursor))
async def list_conversations(who: Talking, assistant: Assistant, page: Paging) -> Page[ConversationOut]:
    """Your own, the newest first."""
    after = page.after(UUID)
    found = await assistant.page(who.caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.conversation.id,))
    return Page(items=[ConversationOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/conversations/{conversation_id}", responses=problems(ConversationNotFound))
async def read_conversation(conversation_id: UUID, who: Talking, assistant: Assistant) -> ConversationOut:
    """One of your own."""
    return ConversationOut.of(await assistant.find(conversation_id, who.caller))


@router.delete(
    "/conversations/{conversation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(ConversationNotFound, StillAnswering),
)
async def delete_conversation(conversation_id: UUID, who: Talking, assistant: Assistant) -> None:
    """Delete one with all that was said in it; what it cost stays counted."""
    await assistant.delete(conversation_id, who.caller)


@router.post(
    "/conversations/{conversation_id}/turns",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        ConversationNotFound,
        StillAnswering,
        ConversationFull,
        PictureUnreadable,
        QuotaExhausted,
        BudgetExhausted,
        IdempotencyKeyReused,
    ),
)
async def say_something(
    conversation_id: UUID, body: SaySomething, who: Talking, assistant: Assistant, *, idempotency: IdempotencyKey
) -> TurnOut:
    """Say something; the answer is read at `/events` while it comes, and here once it is done."""
    return TurnOut.of(await assistant.say(conversation_id, who, body.said(), idempotency))


@router.get("/conversations/{conversation_id}/turns", responses=problems(ConversationNotFound, BadCursor))
async def list_turns(conversation_id: UUID, who: Talking, assistant: Assistant, page: Paging) -> Page[TurnOut]:
    """What was said, the latest first."""
    before = page.after(int)
    found = await assistant.turns(conversation_id, who.caller, before[0] if before else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.turn.number,))
    return Page(items=[TurnOut.of(each) for each in shown], next_cursor=cursor)


@router.get(
    "/conversations/{conversation_id}/turns/{turn_id}", responses=problems(ConversationNotFound, TurnNotFound)
)
async def read_turn(conversation_id: UUID, turn_id: UUID, who: Talking, assistant: Assistant) -> TurnOut:
    """What was said and answered, what it cost, and what waits for your yes."""
    return TurnOut.of(await assistant.turn(conversation_id, turn_id, who.caller))


@router.get(
    "/conversations/{conversation_id}/turns/{turn_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **problems(ConversationNotFound, TurnNotFound)},
)
async def follow_turn(
    conversation_id: UUID,
    turn_id: UUID,
    who: Talking,
    assistant: Assistant,
    *,
    last_event_id: Annotated[int, Header(ge=0, le=2**31)] = 0,
) -> StreamingResponse:
    """What is said while it answers, as server-sent events; with `Last-Event-ID` from there on.

    `text` is a piece of the answer, `tool` names a tool that is used, `action` is something that waits for your yes,
    `ended` is the turn as it stands then, and the last.
    """
    view = await assistant.turn(conversation_id, turn_id, who.caller)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    events = _events(assistant, view, who, last_event_id)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@router.post(
    "/actions/{action_id}/decision", responses=problems(ActionNotFound, ActionExpired, BeingDone, DecidedAlready)
)
async def decide_on_action(action_id: UUID, body: Decide, who: Talking, assistant: Assistant) -> ActionOut:
    """Say yes, and it is done now, once, with your own rights; or say no, and it never is."""
    if body.decision == "refuse":
        return ActionOut.of(await assistant.refuse(action_id, who.caller))
    return ActionOut.of(await assistant.confirm(action_id, who))


async def _events(assistant: AssistantService, view: TurnView, who: Person, after: int) -> AsyncIterator[bytes]:
    number = after
    async with aclosing(assistant.listen(view.turn, after)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Turn):
                ended = await assistant.turn(piece.conversation_id, piece.id, who.caller)
                yield _event(number + 1, "ended", TurnOut.of(ended).model_dump_json().encode())
            else:
                number, said = piece
                yield _event(number, said.pop("event"), orjson.dumps(said))


def _event(number: int, name: str, data: bytes) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), data)
