from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status
from fastapi.responses import StreamingResponse

from inbox.arrangement.errors import NotArranged
from inbox.doors import Arranger
from inbox.exports.errors import ExportExpired, ExportNotFound, ExportNotReady, OneSelection
from inbox.exports.schemas import ExportAddressOut, ExportOut, StartExport
from inbox.exports.service import ExportService
from inbox.media.errors import AddressExpired
from inbox.segments.errors import QueryRefused, SegmentOutdated
from kit.http.app import part
from kit.http.caller import NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.ids import AFTER_ALL
from kit.jobs.errors import JobEnded, TooManyJobs

public = APIRouter(prefix="/v1/contact-export-files", tags=["exports"], dependencies=[OpenToAnybody])
router = APIRouter(
    prefix="/v1/contact-exports", tags=["exports"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Exports = Annotated[ExportService, Depends(part(ExportService))]


@router.get("", responses=problems(BadCursor))
async def list_exports(caller: Arranger, exports: Exports, page: Paging) -> Page[ExportOut]:
    """Files of contacts, the newest first."""
    after = page.after(UUID)
    rows = await exports.page(caller, after[0] if after else AFTER_ALL, page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.id,))
    return Page(items=[ExportOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(OneSelection, NotArranged, SegmentOutdated, QueryRefused, TooManyJobs),
)
async def start_export(body: StartExport, caller: Arranger, exports: Exports, key: IdempotencyKey) -> ExportOut:
    """Have contacts written to a CSV file, with identities, labels and attributes; no cell is a formula."""
    return ExportOut.model_validate(await exports.start(caller, body.segment_id, body.query, key))


@router.get("/{export_id}", responses=problems(ExportNotFound))
async def read_export(export_id: UUID, caller: Arranger, exports: Exports) -> ExportOut:
    """One file of contacts, and how far it is."""
    return ExportOut.model_validate(await exports.find(caller, export_id))


@router.post("/{export_id}/cancel", responses=problems(ExportNotFound, JobEnded))
async def cancel_export(export_id: UUID, caller: Arranger, exports: Exports) -> ExportOut:
    """Write nothing more of it; nobody is handed what was written."""
    return ExportOut.model_validate(await exports.cancel(caller, export_id))


@router.post("/{export_id}/address", responses=problems(ExportNotFound, ExportNotReady, ExportExpired))
async def ask_for_export(export_id: UUID, caller: Arranger, exports: Exports) -> ExportAddressOut:
    """Where the file is to be had for five minutes; on record."""
    path, until = await exports.address(caller, export_id)
    return ExportAddressOut(path=path, expires_at=until)


@public.get(
    "/{organization_id}/{export_id}",
    response_class=Response,
    responses=problems(AddressExpired, ExportNotFound, ExportNotReady, ExportExpired),
)
async def download_export(
    organization_id: UUID,
    export_id: UUID,
    exports: Exports,
    *,
    expires: Annotated[int, Query(ge=0, le=1 << 40)],
    signature: Annotated[str, Query(max_length=64)],
) -> StreamingResponse:
    """The file, by an address that was signed for it."""
    size, body = await exports.open(organization_id, export_id, expires, signature)
    headers = {
        "content-disposition": f'attachment; filename="contacts-{export_id}.csv"',
        "content-length": str(size),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
    return StreamingResponse(body, headers=headers, media_type="text/csv; charset=utf-8")
