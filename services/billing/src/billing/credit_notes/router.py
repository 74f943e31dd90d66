from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from billing.credit_notes.errors import NothingToCorrect, OverCredit
from billing.credit_notes.schemas import CreditNoteOut, IssueCreditNote
from billing.credit_notes.service import Correction, CreditNoteService
from billing.invoices.errors import InvoiceNotFound
from billing.invoices.schemas import InvoiceOut
from billing.invoices.service import InvoiceService
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

staff_router = APIRouter(
    prefix="/v1/staff/billing/organizations/{organization_id}/invoices",
    tags=["staff"],
    responses=problems(TokenRefused, PermissionMissing),
)

Notes = Annotated[CreditNoteService, Depends(part(CreditNoteService))]
Invoices = Annotated[InvoiceService, Depends(part(InvoiceService))]
Reader = Annotated[StaffCaller, staff_permitted("billing.read")]
Issuer = Annotated[StaffCaller, staff_permitted("refunds.issue")]


@staff_router.get("", responses=problems(BadCursor))
async def list_invoices_of(
    organization_id: UUID, _staff: Reader, invoices: Invoices, page: Paging
) -> Page[InvoiceOut]:
    """Invoices of an organization, the newest first."""
    found, cursor = await invoices.page(organization_id, page)
    return Page(items=[InvoiceOut.of(each) for each in found], next_cursor=cursor)


@staff_router.post(
    "/{invoice_id}/credit-notes",
    status_code=status.HTTP_201_CREATED,
    responses=problems(InvoiceNotFound, NothingToCorrect, OverCredit, IdempotencyKeyReused),
)
async def issue_credit_note(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    invoice_id: UUID,
    body: IssueCreditNote,
    staff: Issuer,
    notes: Notes,
    key: StaffIdempotencyKey,
) -> CreditNoteOut:
    """Correct an invoice; the credit note is on its way, and its state tells what came of it."""
    wish = Correction(invoice_id, body.amount, body.reason)
    return CreditNoteOut.model_validate(await notes.ask(organization_id, wish, staff, key))
