from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from billing.payments.errors import PaymentNotFound
from billing.refunds.errors import NothingReceived, OverRefund, PaymentDisputed, RefundNotFound
from billing.refunds.schemas import IssueRefund, RefundOut
from billing.refunds.service import Order, RefundService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

router = APIRouter(
    prefix="/v1/billing/refunds", tags=["billing"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)
staff_router = APIRouter(
    prefix="/v1/staff/billing/organizations/{organization_id}",
    tags=["staff"],
    responses=problems(TokenRefused, PermissionMissing),
)

Refunds = Annotated[RefundService, Depends(part(RefundService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
StaffReader = Annotated[StaffCaller, staff_permitted("billing.read")]
Refunder = Annotated[StaffCaller, staff_permitted("refunds.issue")]
OfPayment = Annotated[UUID | None, Query(description="Those of this payment alone.")]


@router.get("", responses=problems(BadCursor))
async def list_refunds(
    caller: Reader, refunds: Refunds, page: Paging, payment_id: OfPayment = None
) -> Page[RefundOut]:
    """What was given back, the newest first."""
    found, cursor = await refunds.page(caller.organization_id, payment_id, page)
    return Page(items=[RefundOut.model_validate(each) for each in found], next_cursor=cursor)


@router.get("/{refund_id}", responses=problems(RefundNotFound))
async def read_refund(refund_id: UUID, caller: Reader, refunds: Refunds) -> RefundOut:
    """One refund."""
    return RefundOut.model_validate(await refunds.find(caller.organization_id, refund_id))


@staff_router.get("/refunds", responses=problems(BadCursor))
async def list_refunds_of(
    organization_id: UUID, _staff: StaffReader, refunds: Refunds, page: Paging, payment_id: OfPayment = None
) -> Page[RefundOut]:
    """What an organization was given back, the newest first."""
    found, cursor = await refunds.page(organization_id, payment_id, page)
    return Page(items=[RefundOut.model_validate(each) for each in found], next_cursor=cursor)


@staff_router.post(
    "/payments/{payment_id}/refunds",
    status_code=status.HTTP_201_CREATED,
    responses=problems(PaymentNotFound, NothingReceived, PaymentDisputed, OverRefund, IdempotencyKeyReused),
)
async def issue_refund(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    payment_id: UUID,
    body: IssueRefund,
    staff: Refunder,
    refunds: Refunds,
    key: StaffIdempotencyKey,
) -> RefundOut:
    """Give money back, wholly or in part; the refund is on its way, and its state tells what came of it."""
    order = Order(payment_id, body.amount, body.reason)
    return RefundOut.model_validate(await refunds.ask(organization_id, order, staff, key))
