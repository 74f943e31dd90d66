from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from generation.batches.errors import BatchEnded, BatchNotFound, ItemBlocked, NoBatches
from generation.batches.schemas import BatchOut, BeginBatch
from generation.batches.service import BatchService
from generation.calls.errors import BudgetExhausted
from generation.doors import Author, Reader
from generation.generations.errors import TooManyTexts
from generation.templates.errors import TemplateNotFilledIn, TemplateNotFound
from generation.voices.errors import VoiceNotFound, VoiceNotReady
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.quota import QuotaExhausted

router = APIRouter(
    prefix="/v1/generation/batches",
    tags=["generation"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Batches = Annotated[BatchService, Depends(part(BatchService))]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        NoBatches,
        ItemBlocked,
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
async def begin_batch(body: BeginBatch, caller: Author, batches: Batches, idempotency: IdempotencyKey) -> BatchOut:
    """Have up to a hundred generations written within a day, at half the price; each may end by itself."""
    items = [each.wanted() for each in body.items]
    return BatchOut.of(await batches.begin(items, body.quality, caller, idempotency))


@router.get("", responses=problems(BadCursor))
async def list_batches(caller: Reader, batches: Batches, page: Paging) -> Page[BatchOut]:
    """The newest first."""
    after = page.after(UUID)
    found = await batches.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each[0].id,))
    return Page(items=[BatchOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{batch_id}", responses=problems(BatchNotFound))
async def read_batch(batch_id: UUID, caller: Reader, batches: Batches) -> BatchOut:
    """One batch, and how its generations stand."""
    return BatchOut.of(await batches.find(batch_id, caller))


@router.post("/{batch_id}/cancel", responses=problems(BatchNotFound, BatchEnded))
async def cancel_batch(batch_id: UUID, caller: Author, batches: Batches) -> BatchOut:
    """Stop a batch: what is answered by then is kept and paid for, all else costs nothing."""
    return BatchOut.of(await batches.cancel(batch_id, caller))
