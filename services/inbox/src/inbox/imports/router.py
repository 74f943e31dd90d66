from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response, status
from fastapi.responses import StreamingResponse

from inbox.doors import Arranger
from inbox.imports.errors import (
    FileRefused,
    ImportBegun,
    ImportNotFound,
    MappingRefused,
    NothingToUndo,
    NotUploaded,
    TooLateToUndo,
    UploadElsewhere,
    UploadTooLarge,
)
from inbox.imports.schemas import BeginImport, DryRunOut, FaultOut, ImportOut, InspectionOut, TakeFile
from inbox.imports.service import ImportService
from kit.audit import audited
from kit.db.database import Transaction
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.ids import AFTER_ALL
from kit.jobs.errors import JobEnded, TooManyJobs
from kit.jobs.model import Job
from kit.jobs.router import Within, jobs_router

router = APIRouter(
    prefix="/v1/contact-imports", tags=["imports"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Imports = Annotated[ImportService, Depends(part(ImportService))]
Offset = Annotated[int, Header(ge=0, lt=2**53, description="Where the upload stands, in bytes.")]


@router.post("", status_code=status.HTTP_201_CREATED)
async def begin_import(body: BeginImport, caller: Arranger, imports: Imports, key: IdempotencyKey) -> ImportOut:
    """Begin an import of contacts; its file is sent next with `PATCH …/{id}/file`, in as many pieces as you like."""
    return ImportOut.of(await imports.begin(caller, body.size, key))


@router.get("", responses=problems(BadCursor))
async def list_imports(caller: Arranger, imports: Imports, page: Paging) -> Page[ImportOut]:
    """Imports, the newest first."""
    after = page.after(UUID)
    rows = await imports.page(caller, after[0] if after else AFTER_ALL, page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.id,))
    return Page(items=[ImportOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{import_id}", responses=problems(ImportNotFound))
async def read_import(import_id: UUID, caller: Arranger, imports: Imports) -> ImportOut:
    """One import; while it is uploaded, `received` says from where to go on."""
    return ImportOut.of(await imports.find(caller, import_id))


@router.patch("/{import_id}/file", responses=problems(ImportNotFound, UploadElsewhere, UploadTooLarge))
async def append_to_file(
    import_id: UUID, request: Request, caller: Arranger, imports: Imports, upload_offset: Offset
) -> ImportOut:
    """Send bytes of the file from where the upload stands; after a break ask where that is, and go on."""
    return ImportOut.of(await imports.append(caller, import_id, upload_offset, request.stream()))


@router.get("/{import_id}/inspection", responses=problems(ImportNotFound, NotUploaded, FileRefused))
async def inspect_file(import_id: UUID, caller: Arranger, imports: Imports) -> InspectionOut:
    """As what the file is read, its first rows, and what its columns may be."""
    found = await imports.inspect(caller, import_id)
    return InspectionOut(
        form=found.form.form,
        encoding=found.form.encoding,
        delimiter=found.form.delimiter,
        heading=found.heading,
        columns=found.columns,
        sample=found.sample,
    )


@router.post("/{import_id}/check", responses=problems(ImportNotFound, NotUploaded, FileRefused, MappingRefused))
async def check_import(import_id: UUID, body: TakeFile, caller: Arranger, imports: Imports) -> DryRunOut:
    """A dry run over the first rows: what is wrong with which; nothing is written."""
    found = await imports.check(caller, import_id, body.options())
    faults = [FaultOut.of(each) for each in found.faults]
    return DryRunOut(rows=found.rows, good=found.good, faulty=found.faulty, faults=faults)


@router.post(
    "/{import_id}/start",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(ImportNotFound, NotUploaded, ImportBegun, MappingRefused, TooManyJobs),
)
async def start_import(import_id: UUID, body: TakeFile, caller: Arranger, imports: Imports) -> ImportOut:
    """Import the file, chunk by chunk; a file that is not sound to its end is refused, and nothing of it imported."""
    return ImportOut.of(await imports.start(caller, import_id, body.options()))


@router.post("/{import_id}/cancel", responses=problems(ImportNotFound, JobEnded))
async def cancel_import(import_id: UUID, caller: Arranger, imports: Imports) -> ImportOut:
    """Import nothing more; what was imported stays until it is undone."""
    return ImportOut.of(await imports.cancel(caller, import_id))


@router.post(
    "/{import_id}/undo",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(ImportNotFound, NothingToUndo, TooLateToUndo, TooManyJobs),
)
async def undo_import(import_id: UUID, caller: Arranger, imports: Imports) -> ImportOut:
    """Take away contacts it made that nobody has used since, and give back names and values."""
    return ImportOut.of(await imports.undo(caller, import_id))


@router.get("/{import_id}/report", response_class=Response, responses=problems(ImportNotFound))
async def download_import_report(import_id: UUID, caller: Arranger, imports: Imports) -> StreamingResponse:
    """Which rows were not imported, or not whole, and why; as CSV."""
    headers = {"content-disposition": f'attachment; filename="import-{import_id}.csv"', "cache-control": "no-store"}
    body: AsyncIterator[bytes] = await imports.report(caller, import_id)
    return StreamingResponse(body, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/{import_id}/undo-report", response_class=Response, responses=problems(ImportNotFound))
async def download_undo_report(import_id: UUID, caller: Arranger, imports: Imports) -> StreamingResponse:
    """Which contacts undoing left as they are, and why; as CSV."""
    headers = {"content-disposition": f'attachment; filename="undo-{import_id}.csv"', "cache-control": "no-store"}
    body: AsyncIterator[bytes] = await imports.undo_report(caller, import_id)
    return StreamingResponse(body, headers=headers, media_type="text/csv; charset=utf-8")


async def contact_jobs(caller: Arranger) -> Within:
    """The jobs of the caller's organization; changes are on record."""

    async def told(tx: Transaction, job: Job, what: str) -> None:
        await tx.emit(audited("inbox.contacts.imported", caller, "job", job.id, what=what))

    return Within(caller.organization_id, told)


jobs = jobs_router("/v1/contact-jobs", "imports", contact_jobs)
