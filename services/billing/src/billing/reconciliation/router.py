from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from billing.errors import PaymentsOff
from billing.reconciliation.errors import ReconciliationNotFound
from billing.reconciliation.schemas import DriftOut, ReconciliationOut
from billing.reconciliation.service import ReconciliationService
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted

router = APIRouter(prefix="/v1/staff/billing", tags=["staff"], responses=problems(TokenRefused, PermissionMissing))

Reconciliations = Annotated[ReconciliationService, Depends(part(ReconciliationService))]
Reconciler = Annotated[StaffCaller, staff_permitted("billing.reconcile")]


@router.post("/reconciliations", status_code=status.HTTP_202_ACCEPTED, responses=problems(PaymentsOff))
async def begin_reconciliation(
    staff: Reconciler, reconciliations: Reconciliations, idempotency: StaffIdempotencyKey
) -> ReconciliationOut:
    """Have everything compared with the payment provider now, as it is every night."""
    return ReconciliationOut.model_validate(await reconciliations.begin(staff, idempotency))


@router.get("/reconciliations", responses=problems(BadCursor))
async def list_reconciliations(
    _staff: Reconciler, reconciliations: Reconciliations, page: Paging
) -> Page[ReconciliationOut]:
    """Comparisons, the newest first."""
    after = page.after(UUID)
    shown, cursor = page.cut(
        await reconciliations.page(after[0] if after else None, page.limit), lambda row: (row["id"],)
    )
    return Page(items=[ReconciliationOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.get("/reconciliations/{reconciliation_id}", responses=problems(ReconciliationNotFound))
async def read_reconciliation(
    reconciliation_id: UUID, _staff: Reconciler, reconciliations: Reconciliations
) -> ReconciliationOut:
    """One comparison, and how far it is."""
    return ReconciliationOut.model_validate(await reconciliations.find(reconciliation_id))


@router.get("/drifts", responses=problems(BadCursor))
async def list_drifts(
    staff: Reconciler,
    reconciliations: Reconciliations,
    page: Paging,
    *,
    unrepaired: Annotated[bool, Query(description="Only what was not read again yet.")] = False,
) -> Page[DriftOut]:
    """What was found to differ, the newest first."""
    after = page.after(UUID)
    found = await reconciliations.drifts(
        staff, unrepaired=unrepaired, before=after[0] if after else None, limit=page.limit
    )
    shown, cursor = page.cut(found, lambda row: (row["id"],))
    return Page(items=[DriftOut.model_validate(each) for each in shown], next_cursor=cursor)
