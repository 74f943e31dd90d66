from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status
from fastapi.responses import StreamingResponse

from auth.exports.errors import (
    StaffExportExpired,
    StaffExportNotFound,
    StaffExportNotReady,
    StaffExportTooLarge,
)
from auth.exports.model import State, What
from auth.exports.service import StaffExportService
from auth.operations.audience import Audience
from auth.staff.errors import FreshProofNeeded
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.idempotency import IdempotencyKeyReused
from kit.http.models import Model, Out
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, StaffIdempotencyKey, staff_permitted
from kit.jobs.errors import TooManyJobs

router = APIRouter(
    prefix="/v1/staff/exports", tags=["staff: exports"], responses=problems(TokenRefused, PermissionMissing)
)

Exports = Annotated[StaffExportService, Depends(part(StaffExportService))]
Exporter = Annotated[StaffCaller, staff_permitted("exports.run")]


class RequestStaffExport(Model):
    """A list of users, of whom the audience says, or of all organizations."""

    what: What
    audience: Audience = Audience()


class StaffExportOut(Out):
    """A list, and the job that makes it."""

    id: UUID
    what: What
    audience: Audience
    job_id: UUID
    state: State
    bytes: int
    expires_at: datetime
    created_at: datetime


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(FreshProofNeeded, StaffExportTooLarge, IdempotencyKeyReused, TooManyJobs),
)
async def request_staff_export(
    body: RequestStaffExport, staff: Exporter, exports: Exports, key: StaffIdempotencyKey
) -> StaffExportOut:
    """Ask for a list; it is made by a job and can be downloaded for a day."""
    return StaffExportOut.model_validate(await exports.request(body.what, body.audience, staff, key))


@router.get("", responses=problems(BadCursor))
async def list_staff_exports(staff: Exporter, exports: Exports, page: Paging) -> Page[StaffExportOut]:
    """Your own lists, the newest first."""
    after = page.after(UUID)
    found = await exports.page(staff, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.id,))
    return Page(items=[StaffExportOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.get("/{export_id}", responses=problems(StaffExportNotFound))
async def read_staff_export(export_id: UUID, staff: Exporter, exports: Exports) -> StaffExportOut:
    """One of your own lists."""
    return StaffExportOut.model_validate(await exports.find(export_id, staff))


@router.get(
    "/{export_id}/file",
    response_class=StreamingResponse,
    responses=problems(StaffExportNotFound, StaffExportNotReady, StaffExportExpired, FreshProofNeeded),
)
async def download_staff_export(export_id: UUID, staff: Exporter, exports: Exports) -> StreamingResponse:
    """The list as CSV; no cell of it is a formula. Each download is put on record."""
    export, pieces = await exports.file(export_id, staff)
    headers = {
        "content-disposition": f'attachment; filename="{export.what.value}-{export.id}.csv"',
        "cache-control": "no-store",
    }
    return StreamingResponse(pieces, headers=headers, media_type="text/csv; charset=utf-8")
