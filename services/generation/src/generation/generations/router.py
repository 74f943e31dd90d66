from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, status
from fastapi.responses import StreamingResponse

from generation.calls.errors import BudgetExhausted
from generation.doors import Author, Reader, Reviewer
from generation.generations.errors import GenerationNotFound, GenerationRunning, TooManyTexts
from generation.generations.model import Generation, State
from generation.generations.schemas import Decide, GenerationOut, RequestTexts
from generation.generations.service import GenerationService
from generation.templates.errors import TemplateNotFilledIn, TemplateNotFound
from generation.voices.errors import VoiceNotFound, VoiceNotReady
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.quota import QuotaExhausted

router = APIRouter(
    prefix="/v1/generations", tags=["generation"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Generations = Annotated[GenerationService, Depends(part(GenerationService))]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        TooManyTexts,
        TemplateNotFound,
        TemplateNotFilledIn,
        VoiceNotFound,
        VoiceNotReady,
        QuotaExhausted,
        BudgetExhausted,
        IdempotencyKeyReused,
    ),
)
async def request_texts(
    body: RequestTexts, caller: Author, generations: Generations, idempotency: IdempotencyKey
) -> GenerationOut:
    """Have texts written; what is said meanwhile is read at `/events`, the texts here once it is done."""
    return GenerationOut.of(await generations.begin(body.wanted(), caller, idempotency))


@router.get("", responses=problems(BadCursor))
async def list_generations(
    caller: Reader, generations: Generations, page: Paging, *, state: Annotated[State | None, Query()] = None
) -> Page[GenerationOut]:
    """The newest first; `state=held` is what a person has to decide on."""
    after = page.after(UUID)
    found = await generations.page(caller, after[0] if after else None, page.limit + 1, state)
    shown, cursor = page.cut(found, lambda each: (each.generation.id,))
    return Page(items=[GenerationOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{generation_id}", responses=problems(GenerationNotFound))
async def read_generation(generation_id: UUID, caller: Reader, generations: Generations) -> GenerationOut:
    """One generation, and its texts once it is done."""
    return GenerationOut.of(await generations.find(generation_id, caller))


@router.get(
    "/{generation_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **problems(GenerationNotFound)},
)
async def follow_generation(
    generation_id: UUID,
    caller: Reader,
    generations: Generations,
    last_event_id: Annotated[int, Header(ge=0, le=2**31)] = 0,
) -> StreamingResponse:
    """What is said while it runs, as server-sent events; with `Last-Event-ID` from there on.

    `text` is a piece of the model's answer as it comes, not checked yet; `again` says that it was not acceptable and
    begins anew; `ended` is the generation as it stands then, and the last.
    """
    await generations.find(generation_id, caller)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    events = _events(generations, generation_id, caller, last_event_id)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@router.post("/{generation_id}/decision", responses=problems(GenerationNotFound, GenerationRunning))
async def decide_on_texts(
    generation_id: UUID, body: Decide, caller: Reviewer, generations: Generations
) -> GenerationOut:
    """Release texts that moderation held back, or refuse them: then they are deleted."""
    opened = await generations.decide(generation_id, caller, release=body.decision == "release")
    return GenerationOut.of(opened)


@router.delete(
    "/{generation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(GenerationNotFound, GenerationRunning),
)
async def delete_generation(generation_id: UUID, caller: Author, generations: Generations) -> None:
    """Delete what was asked and what came of it; what it cost stays counted."""
    await generations.delete(generation_id, caller)


async def _events(
    generations: GenerationService, generation_id: UUID, caller: MemberCaller, after: int
) -> AsyncIterator[bytes]:
    number = after
    async with aclosing(generations.listen(generation_id, caller, after)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Generation):
                ended = GenerationOut.of(await generations.find(generation_id, caller))
                yield _event(number + 1, "ended", ended.model_dump_json().encode())
            else:
                number, said = piece
                yield _event(number, said["event"], orjson.dumps({"text": said.get("text", "")}))


def _event(number: int, name: str, data: bytes) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), data)
