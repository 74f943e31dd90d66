from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from compliance.audit.errors import CheckpointNotFound, EntryNotFound, LogNotReady, SequenceNotReached, SizeNotReached
from compliance.audit.model import Entry, Wanted
from compliance.audit.notes import b64
from compliance.audit.schemas import AuditEntryOut, ConsistencyOut, EntryProofOut, LogKeysOut, Moment
from compliance.audit.service import AuditService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, OpenToAnybody, RoleMissing, TokenRefused, permitted
from kit.http.operator import OperatorOnly
from kit.http.pagination import BadCursor, Page, PageRequest, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/audit", tags=["audit trail"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)
public = APIRouter(
    prefix="/v1/audit/log", tags=["audit trail"], dependencies=[OpenToAnybody], responses=problems(LogNotReady)
)
internal = APIRouter(
    prefix="/internal/audit", tags=["internal"], include_in_schema=False, dependencies=[OperatorOnly]
)

Reader = Annotated[MemberCaller, Depends(permitted("audit.read"))]
Trail = Annotated[AuditService, Depends(part(AuditService))]
Size = Annotated[int | None, Query(ge=0, lt=2**63)]

_TEXT: Final = "text/plain; charset=utf-8"


async def wanted(
    action: Annotated[str | None, Query(pattern=r"^[a-z_.0-9]{1,120}$", examples=["auth.member.removed"])] = None,
    actor_id: Annotated[UUID | None, Query(description="Who did it.")] = None,
    target_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.:-]{1,80}$", description="To what.")] = None,
    since: Annotated[Moment | None, Query(description="Done at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Done before this time.")] = None,
) -> Wanted:
    """Which entries are asked for."""
    return Wanted(action, actor_id, target_id, since, until)


@router.get("/entries", responses=problems(BadCursor))
async def list_audit_entries(
    caller: Reader, trail: Trail, page: Paging, wanted: Annotated[Wanted, Depends(wanted)]
) -> Page[AuditEntryOut]:
    """What was done in the organization, the newest first. That it was read is put on record, too."""
    return _page(page, await trail.page(caller, wanted, _after(page), page.limit + 1))


@internal.get("/entries")
async def list_platform_entries(
    trail: Trail, page: Paging, wanted: Annotated[Wanted, Depends(wanted)]
) -> Page[AuditEntryOut]:
    """What was done on the platform and belongs to no organization: sign-ups, sign-ins, keys."""
    return _page(page, await trail.platform_page(wanted, _after(page), page.limit + 1))


@router.get("/entries/{entry_id}/proof", responses=problems(EntryNotFound))
async def prove_audit_entry(entry_id: UUID, caller: Reader, trail: Trail) -> EntryProofOut:
    """The proof that an entry is in the log."""
    return EntryProofOut.of(await trail.prove(caller, entry_id))


@router.get(
    "/bundle",
    response_class=Response,
    responses={
        200: {"content": {"application/x-ndjson": {}}, "description": "Header, entries and end, a line each."},
        **problems(CheckpointNotFound, SequenceNotReached, SizeNotReached, LogNotReady),
    },
)
async def export_audit_bundle(
    caller: Reader,
    trail: Trail,
    *,
    first: Annotated[int, Query(ge=1, lt=2**53, description="The first sequence number.")] = 1,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many entries at most.")] = 500,
    size: Size = None,
    older_size: Size = None,
) -> Response:
    """Entries to be checked offline with `rostrum-verify`. Ask for the next ones with the same `size`.

    With `older_size`, the size of a checkpoint that you kept, it proves that the log goes on from it.
    """
    text = await trail.export(caller, first, limit, size, older_size)
    headers = {"content-disposition": 'attachment; filename="audit.ndjson"', "cache-control": "no-store"}
    return Response(text, media_type="application/x-ndjson", headers=headers)


@public.get("/checkpoint", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def read_checkpoint(trail: Trail) -> Response:
    """The signed checkpoint of the whole log (C2SP tlog-checkpoint). It tells nothing of anybody's entries."""
    return Response((await trail.checkpoint()).note, media_type=_TEXT, headers={"cache-control": "public, max-age=1"})


@public.get("/consistency", responses=problems(SizeNotReached))
async def prove_consistency(
    trail: Trail, from_size: Annotated[int, Query(ge=0, lt=2**63)], to_size: Size = None
) -> ConsistencyOut:
    """The proof that the log only grew between two sizes; without `to_size`, until now."""
    later, proof = await trail.consistency(from_size, to_size)
    return ConsistencyOut(from_size=from_size, to_size=later, proof=[b64(each) for each in proof])


@public.get("/keys")
async def read_log_keys(trail: Trail) -> LogKeysOut:
    """The public keys that the log was ever signed with."""
    return LogKeysOut(keys=await trail.verifier_keys())


def _after(page: PageRequest) -> tuple[datetime, int] | None:
    after = page.after(datetime, int)
    return None if after is None else (after[0], after[1])


def _page(page: PageRequest, found: list[Entry]) -> Page[AuditEntryOut]:
    shown, cursor = page.cut(found, lambda entry: (entry.at, entry.sequence))
    return Page(items=[AuditEntryOut.of(entry) for entry in shown], next_cursor=cursor)
