from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from billing.coupons.errors import CodeTaken, CouponInvalid, CouponNotFound, CouponRefused
from billing.coupons.schemas import CouponOut, CreateCoupon
from billing.coupons.service import CouponService
from billing.errors import PaymentsOff
from billing.money import AmountRefused, CurrencyUnknown
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

router = APIRouter(
    prefix="/v1/staff/billing/coupons", tags=["staff"], responses=problems(TokenRefused, PermissionMissing)
)

Coupons = Annotated[CouponService, Depends(part(CouponService))]
Manager = Annotated[StaffCaller, staff_permitted("coupons.manage")]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        CouponInvalid, CodeTaken, CouponRefused, AmountRefused, CurrencyUnknown, PaymentsOff, IdempotencyKeyReused
    ),
)
async def create_coupon(body: CreateCoupon, staff: Manager, coupons: Coupons, key: StaffIdempotencyKey) -> CouponOut:
    """Make a discount, and the codes by which it is redeemed: by each organization once."""
    return CouponOut.of(await coupons.create(body.terms(), body.wanted(), staff, key))


@router.get("", responses=problems(BadCursor))
async def list_coupons(_staff: Manager, coupons: Coupons, page: Paging) -> Page[CouponOut]:
    """All coupons, the newest first, and how often each was redeemed."""
    found, cursor = await coupons.page(page)
    return Page(items=[CouponOut.of(each) for each in found], next_cursor=cursor)


@router.post("/{coupon_id}/end", responses=problems(CouponNotFound))
async def end_coupon(coupon_id: UUID, staff: Manager, coupons: Coupons) -> CouponOut:
    """Let nobody redeem it any more; those who have keep their discount."""
    return CouponOut.of(await coupons.end(coupon_id, staff))
