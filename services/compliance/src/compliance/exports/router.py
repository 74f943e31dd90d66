from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response, status
from fastapi.responses import StreamingResponse

from compliance.exports.errors import (
    ExportExpired,
    ExportNotFound,
    ExportNotReady,
    PersonBeingErased,
    PieceNotWanted,
    PieceRefused,
)
from compliance.exports.schemas import ExportOut, RequestExport
from compliance.exports.service import ExportService
from compliance.persons.errors import NoManager, NotYourself
from kit.http.app import part
from kit.http.caller import PersonalCaller, TokenRefused
from kit.http.etag import Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.peer import CallingService
from kit.http.problem import problems

router = APIRouter(prefix="/v1/privacy/exports", tags=["exports"], responses=problems(TokenRefused))
internal = APIRouter(prefix="/internal/exports", include_in_schema=False)

Exports = Annotated[ExportService, Depends(part(ExportService))]
Place = Annotated[str, Path(pattern=r"^[1-9]\d{0,8}-\d{1,4}$", description="Attempt and number.")]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotYourself, NoManager, PersonBeingErased, IdempotencyKeyReused),
)
async def request_export(
    body: RequestExport, caller: PersonalCaller, exports: Exports, key: IdempotencyKey, versions: Versioned
) -> ExportOut:
    """Ask for everything that is kept about a contact of your organization, or about yourself.

    The answer holds the password of the archive, this time only.
    """
    export = await exports.request(body.person.kind, body.person.id, caller, key)
    versions.tag(export.version)
    return ExportOut.of(export)


@router.get("", responses=problems(BadCursor))
async def list_exports(caller: PersonalCaller, exports: Exports, page: Paging) -> Page[ExportOut]:
    """The newest exports first: your own, and your organization's if you run it."""
    after = page.after(UUID)
    found = await exports.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda export: (export.id,))
    return Page(items=[ExportOut.of(export) for export in shown], next_cursor=cursor)


@router.get("/{export_id}", responses=problems(ExportNotFound))
async def read_export(export_id: UUID, caller: PersonalCaller, exports: Exports, versions: Versioned) -> ExportOut:
    """One export, and which services have handed over."""
    export = await exports.find(export_id, caller)
    versions.tag(export.version)
    return ExportOut.of(export)


@router.get(
    "/{export_id}/archive",
    response_class=StreamingResponse,
    responses=problems(ExportNotFound, ExportNotReady, ExportExpired),
)
async def read_archive(export_id: UUID, caller: PersonalCaller, exports: Exports) -> StreamingResponse:
    """The archive: a ZIP file whose entries are encrypted with AES-256 under the password."""
    export, chunks = await exports.archive(export_id, caller)
    headers = {
        "content-length": str(export.size),
        "content-disposition": f'attachment; filename="export-{export.id}.zip"',
        "cache-control": "no-store",
    }
    return StreamingResponse(chunks, headers=headers, media_type="application/zip")


@internal.put(
    "/{export_id}/pieces/{place}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(PieceNotWanted, PieceRefused),
)
async def put_piece(
    export_id: UUID, place: Place, service: CallingService, request: Request, exports: Exports
) -> Response:
    """Take a piece of a service's part: sealed bytes."""
    sealed = await request.body()
    if not sealed:
        raise PieceRefused
    attempt, number = map(int, place.split("-"))
    await exports.put(export_id, service, attempt, number, sealed)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
