from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.jobs.errors import JobEnded, TooManyJobs
from publisher.doors import Author, Reader
from publisher.imports.errors import FileNotAcceptable, ImportNotFound
from publisher.imports.schemas import CheckedOut, CheckFile, ImportFile, ImportOut
from publisher.imports.service import ImportService

router = APIRouter(
    prefix="/v1/publishing/imports", tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Imports = Annotated[ImportService, Depends(part(ImportService))]


@router.post("/check")
async def check_file(body: CheckFile, caller: Author, imports: Imports) -> CheckedOut:
    """A dry run: what is wrong with which line and column; nothing is written."""
    return CheckedOut.of(await imports.check(body.csv, body.zone, caller))


@router.post("", status_code=status.HTTP_202_ACCEPTED, responses=problems(FileNotAcceptable, TooManyJobs))
async def import_file(body: ImportFile, caller: Author, imports: Imports) -> ImportOut:
    """Import posts from CSV, a thousand at most; the same file again is the import that there is."""
    return ImportOut.of(await imports.begin(body.csv, body.zone, body.name, caller, partial=body.partial))


@router.get("", responses=problems(BadCursor))
async def list_imports(caller: Reader, imports: Imports, page: Paging) -> Page[ImportOut]:
    """The newest first; those that ended more than 90 days ago are gone."""
    after = page.after(UUID)
    found = await imports.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each[0].id,))
    return Page(items=[ImportOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{import_id}", responses=problems(ImportNotFound))
async def read_import(import_id: UUID, caller: Reader, imports: Imports) -> ImportOut:
    """One import, and how far it is."""
    return ImportOut.of(await imports.find(import_id, caller))


@router.post("/{import_id}/cancel", responses=problems(ImportNotFound, JobEnded))
async def cancel_import(import_id: UUID, caller: Author, imports: Imports) -> ImportOut:
    """Import nothing more; what was imported stays."""
    return ImportOut.of(await imports.cancel(import_id, caller))


@router.get("/{import_id}/report", response_class=Response, responses=problems(ImportNotFound))
async def download_import_report(import_id: UUID, caller: Reader, imports: Imports) -> Response:
    """What became of each row, as CSV that no spreadsheet takes for formulas."""
    headers = {"content-disposition": f'attachment; filename="import-{import_id}.csv"', "cache-control": "no-store"}
    body = await imports.report(import_id, caller)
    return Response(body, headers=headers, media_type="text/csv; charset=utf-8")
