from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from billing.credit_notes.schemas import CreditNoteOut
from billing.credit_notes.service import CreditNoteService
from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.invoices.errors import InvoiceNotFound, InvoiceNotIssued
from billing.invoices.schemas import InvoiceLinkOut, InvoiceOut
from billing.invoices.service import InvoiceService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/billing/invoices", tags=["billing"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Invoices = Annotated[InvoiceService, Depends(part(InvoiceService))]
Notes = Annotated[CreditNoteService, Depends(part(CreditNoteService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
Payer = Annotated[MemberCaller, Depends(permitted("billing.manage"))]


@router.get("", responses=problems(BadCursor))
async def list_invoices(caller: Reader, invoices: Invoices, page: Paging) -> Page[InvoiceOut]:
    """Invoices, the newest first."""
    found, cursor = await invoices.page(caller.organization_id, page)
    return Page(items=[InvoiceOut.of(each) for each in found], next_cursor=cursor)


@router.get("/{invoice_id}", responses=problems(InvoiceNotFound))
async def read_invoice(invoice_id: UUID, caller: Reader, invoices: Invoices) -> InvoiceOut:
    """One invoice with its lines."""
    return InvoiceOut.of(await invoices.find(caller.organization_id, invoice_id))


@router.get(
    "/{invoice_id}/link",
    responses=problems(InvoiceNotFound, InvoiceNotIssued, PaymentsOff, PaymentsUnavailable),
)
async def read_invoice_link(
    invoice_id: UUID, caller: Payer, invoices: Invoices, response: Response
) -> InvoiceLinkOut:
    """Where it is shown with names, address and tax id, as a page and as PDF, and paid or confirmed if it is open."""
    response.headers["cache-control"] = "no-store"
    return InvoiceLinkOut.model_validate(await invoices.link(caller.organization_id, invoice_id))


@router.get("/{invoice_id}/credit-notes", responses=problems(BadCursor))
async def list_credit_notes(invoice_id: UUID, caller: Reader, notes: Notes, page: Paging) -> Page[CreditNoteOut]:
    """What corrects it, the newest first."""
    found, cursor = await notes.page(caller.organization_id, invoice_id, page)
    return Page(items=[CreditNoteOut.model_validate(each) for each in found], next_cursor=cursor)
