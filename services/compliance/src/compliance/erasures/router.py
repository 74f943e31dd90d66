from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from compliance.erasures.errors import ErasureBegunAlready, ErasureNotFound, ErasureUnderWay
from compliance.erasures.model import Wish
from compliance.erasures.schemas import ErasureOut, RequestErasure
from compliance.erasures.service import ErasureService
from compliance.persons.errors import NoManager, NotYourself
from kit.http.app import part
from kit.http.caller import PersonalCaller, TokenRefused
from kit.http.etag import Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(prefix="/v1/privacy/erasures", tags=["erasures"], responses=problems(TokenRefused))

Erasures = Annotated[ErasureService, Depends(part(ErasureService))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotYourself, NoManager, ErasureUnderWay, IdempotencyKeyReused),
)
async def request_erasure(
    body: RequestErasure, caller: PersonalCaller, erasures: Erasures, key: IdempotencyKey, versions: Versioned
) -> ErasureOut:
    """Ask that a contact of your organization, or you yourself, be forgotten when the grace is over."""
    grace = None if body.grace_days is None else timedelta(days=body.grace_days)
    erasure = await erasures.request(Wish(body.person.kind, body.person.id, body.way, grace), caller, key)
    versions.tag(erasure.version)
    return ErasureOut.of(erasure)


@router.get("", responses=problems(BadCursor))
async def list_erasures(caller: PersonalCaller, erasures: Erasures, page: Paging) -> Page[ErasureOut]:
    """The newest erasures first: your own, and your organization's if you run it."""
    after = page.after(UUID)
    found = await erasures.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda erasure: (erasure.id,))
    return Page(items=[ErasureOut.of(erasure) for erasure in shown], next_cursor=cursor)


@router.get("/{erasure_id}", responses=problems(ErasureNotFound))
async def read_erasure(
    erasure_id: UUID, caller: PersonalCaller, erasures: Erasures, versions: Versioned
) -> ErasureOut:
    """One erasure, and what each service has counted."""
    erasure = await erasures.find(erasure_id, caller)
    versions.tag(erasure.version)
    return ErasureOut.of(erasure)


@router.post("/{erasure_id}/cancel", responses=problems(ErasureNotFound, ErasureBegunAlready))
async def cancel_erasure(
    erasure_id: UUID, caller: PersonalCaller, erasures: Erasures, versions: Versioned
) -> ErasureOut:
    """Take the request back while its grace lasts; again changes nothing."""
    erasure = await erasures.cancel(erasure_id, caller)
    versions.tag(erasure.version)
    return ErasureOut.of(erasure)
