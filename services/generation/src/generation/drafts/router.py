from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from generation.doors import Drafter
from generation.drafts.errors import NoSuchText, NothingToHandOver
from generation.drafts.schemas import DraftOut, HandOver
from generation.drafts.service import DraftService
from generation.generations.errors import GenerationNotFound
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/generations", tags=["generation"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Drafts = Annotated[DraftService, Depends(part(DraftService))]


@router.post(
    "/{generation_id}/drafts",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(GenerationNotFound, NothingToHandOver, NoSuchText, IdempotencyKeyReused),
)
async def make_draft(
    generation_id: UUID, body: HandOver, caller: Drafter, drafts: Drafts, idempotency: IdempotencyKey
) -> DraftOut:
    """Hand texts to the publisher, which makes one draft of them: soon to be read at `/v1/posts/{post_id}`."""
    return DraftOut(post_id=await drafts.hand_over(generation_id, body.chosen(), caller, idempotency))
