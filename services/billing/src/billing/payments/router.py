from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from billing.errors import PaymentsOff
from billing.invoices.errors import InvoiceNotFound, InvoiceNotOpen
from billing.payments.errors import PaymentNotFound
from billing.payments.schemas import FailureOut, PaymentOut, PaymentSetupOut, PayOut
from billing.payments.service import PaymentService
from billing.pays.errors import PayNotFound, PayUnderWay
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(
    prefix="/v1/billing", tags=["billing"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)
staff_router = APIRouter(
    prefix="/v1/staff/billing/organizations/{organization_id}/payments",
    tags=["staff"],
    responses=problems(TokenRefused, PermissionMissing),
)

Payments = Annotated[PaymentService, Depends(part(PaymentService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
Payer = Annotated[MemberCaller, Depends(permitted("billing.manage"))]
StaffReader = Annotated[StaffCaller, staff_permitted("billing.read")]
OfInvoice = Annotated[UUID | None, Query(description="Those of this invoice alone.")]


@router.get("/payments", responses=problems(BadCursor))
async def list_payments(
    caller: Reader, payments: Payments, page: Paging, invoice_id: OfInvoice = None
) -> Page[PaymentOut]:
    """Payments, the newest first."""
    found, cursor = await payments.page(caller.organization_id, invoice_id, page)
    return Page(items=[PaymentOut.of(each) for each in found], next_cursor=cursor)


@router.get("/payments/{payment_id}", responses=problems(PaymentNotFound))
async def read_payment(payment_id: UUID, caller: Reader, payments: Payments) -> PaymentOut:
    """One payment."""
    return PaymentOut.of(await payments.find(caller.organization_id, payment_id))


@router.get("/payment-setups", responses=problems(BadCursor))
async def list_payment_setups(caller: Reader, payments: Payments, page: Paging) -> Page[PaymentSetupOut]:
    """Ways to pay that were to be kept, the newest first."""
    found, cursor = await payments.setups(caller.organization_id, page)
    items = [PaymentSetupOut(**{**row, "failure": FailureOut.of(row["failure"])}) for row in found]
    return Page(items=items, next_cursor=cursor)


@router.post(
    "/invoices/{invoice_id}/pays",
    status_code=status.HTTP_201_CREATED,
    responses=problems(InvoiceNotFound, InvoiceNotOpen, PayUnderWay, PaymentsOff, IdempotencyKeyReused),
)
async def pay_invoice(invoice_id: UUID, caller: Payer, payments: Payments, key: IdempotencyKey) -> PayOut:
    """Try now to pay an open invoice with what is on file."""
    return PayOut.of(await payments.pay(caller, invoice_id, key))


@router.get("/invoice-pays/{pay_id}", responses=problems(PayNotFound))
async def read_pay(pay_id: UUID, caller: Reader, payments: Payments) -> PayOut:
    """What came of a try to pay."""
    return PayOut.of(await payments.read_pay(caller.organization_id, pay_id))


@staff_router.get("", responses=problems(BadCursor))
async def list_payments_of(
    organization_id: UUID, _staff: StaffReader, payments: Payments, page: Paging, invoice_id: OfInvoice = None
) -> Page[PaymentOut]:
    """Payments of an organization, the newest first."""
    found, cursor = await payments.page(organization_id, invoice_id, page)
    return Page(items=[PaymentOut.of(each) for each in found], next_cursor=cursor)
