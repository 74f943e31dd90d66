from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from billing.credits.errors import (
    CreditsInsufficient,
    LotEndsInThePast,
    LotNotFound,
    ReturnTooLarge,
    SpendDiffers,
    SpendNotFound,
)
from billing.credits.schemas import (
    BalanceOut,
    ExpireCredits,
    GrantCredits,
    LotOut,
    LotsOut,
    MovementOut,
    ReturnCredits,
    SpendCredits,
    SpendOut,
)
from billing.credits.service import CreditService, Wish
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

router = APIRouter(
    prefix="/v1/billing/credits", tags=["credits"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)
staff_router = APIRouter(
    prefix="/v1/staff/billing/organizations/{organization_id}/credits",
    tags=["staff"],
    responses=problems(TokenRefused, PermissionMissing),
)

Credits = Annotated[CreditService, Depends(part(CreditService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
Payer = Annotated[MemberCaller, Depends(permitted("billing.manage"))]
StaffReader = Annotated[StaffCaller, staff_permitted("billing.read")]
Granter = Annotated[StaffCaller, staff_permitted("credits.manage")]


@router.get("")
async def read_credits(caller: Reader, service: Credits) -> BalanceOut:
    """What can be spent now."""
    return BalanceOut.model_validate(await service.balance(caller.organization_id))


@router.get("/lots", responses=problems(BadCursor))
async def list_credit_lots(caller: Reader, service: Credits, page: Paging) -> Page[LotOut]:
    """What was granted, the newest first."""
    found, cursor = await service.lots(caller.organization_id, page)
    return Page(items=[LotOut.model_validate(each) for each in found], next_cursor=cursor)


@router.get("/movements", responses=problems(BadCursor))
async def list_credit_movements(caller: Reader, service: Credits, page: Paging) -> Page[MovementOut]:
    """The books, the newest line first."""
    found, cursor = await service.movements(caller.organization_id, page)
    return Page(items=[MovementOut.model_validate(each) for each in found], next_cursor=cursor)


@router.post("/spends", responses=problems(CreditsInsufficient, SpendDiffers))
async def spend_credits(body: SpendCredits, caller: Payer, service: Credits) -> SpendOut:
    """Spend credits: of the lowest priority first, and of those what ends first."""
    return SpendOut.model_validate(await service.spend(caller, body.id, body.purpose, body.amount))


@staff_router.get("")
async def read_credits_of(organization_id: UUID, _staff: StaffReader, service: Credits) -> BalanceOut:
    """What an organization can spend now."""
    return BalanceOut.model_validate(await service.balance(organization_id))


@staff_router.get("/lots", responses=problems(BadCursor))
async def list_credit_lots_of(
    organization_id: UUID, _staff: StaffReader, service: Credits, page: Paging
) -> Page[LotOut]:
    """What an organization was granted, the newest first."""
    found, cursor = await service.lots(organization_id, page)
    return Page(items=[LotOut.model_validate(each) for each in found], next_cursor=cursor)


@staff_router.post(
    "/lots", status_code=status.HTTP_201_CREATED, responses=problems(LotEndsInThePast, IdempotencyKeyReused)
)
async def grant_credits(
    organization_id: UUID, body: GrantCredits, staff: Granter, service: Credits, key: StaffIdempotencyKey
) -> LotOut:
    """Grant an organization credits."""
    wish = Wish(body.amount, body.reason, body.priority, body.expires_at)
    return LotOut.model_validate(await service.grant(organization_id, wish, staff, key))


@staff_router.post("/expirations", responses=problems(LotNotFound))
async def expire_credits(organization_id: UUID, body: ExpireCredits, staff: Granter, service: Credits) -> LotsOut:
    """End lots by name; asked again nothing more happens."""
    lots = await service.expire(organization_id, body.lot_ids, staff)
    return LotsOut(items=[LotOut.model_validate(each) for each in lots])


@staff_router.post(
    "/spends/{spend_id}/returns", responses=problems(SpendNotFound, ReturnTooLarge, IdempotencyKeyReused)
)
async def return_credits(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    spend_id: UUID,
    body: ReturnCredits,
    staff: Granter,
    service: Credits,
    key: StaffIdempotencyKey,
) -> SpendOut:
    """Give back what was spent, or a part of it, into the lots it came from."""
    return SpendOut.model_validate(await service.give_back(organization_id, spend_id, body.amount, staff, key))
