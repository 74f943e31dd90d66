import hashlib
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response, status

from auth.flags.errors import FlagExists, FlagNotFound, TooManyFlags
from auth.flags.schemas import CreateFlag, FlagOut, FlagsOut, KillFlag, SetFlag
from auth.flags.service import FlagService
from kit.http.app import part
from kit.http.caller import PersonalCaller, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned, parse_tags
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import CurrentStaff, PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(prefix="/v1/flags", tags=["flags"], responses=problems(TokenRefused))
staff = APIRouter(prefix="/v1/staff/flags", tags=["staff: flags"], responses=problems(TokenRefused))

Flags = Annotated[FlagService, Depends(part(FlagService))]
Changer = Annotated[StaffCaller, staff_permitted("flags.change")]


@router.get("", response_model=FlagsOut, responses={304: {"description": "Nothing has changed."}})
async def read_flags(request: Request, caller: PersonalCaller, flags: Flags) -> Response:
    """What is on for the caller, in the organization of the token."""
    body = orjson.dumps({"flags": await flags.for_caller(caller)})
    tag = hashlib.sha256(body + str(caller.organization_id).encode()).hexdigest()[:32]
    headers = {"etag": f'"{tag}"', "cache-control": "private, no-cache", "vary": "authorization"}
    shown = request.headers.getlist("if-none-match")
    if shown and parse_tags(shown).match_weakly(tag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@staff.get("", responses=problems(BadCursor))
async def list_flags(_staff: CurrentStaff, flags: Flags, page: Paging) -> Page[FlagOut]:
    """Flags by key."""
    after = page.after(str)
    found = await flags.page(after[0] if after else "", page.limit + 1)
    shown, cursor = page.cut(found, lambda flag: (flag.key,))
    return Page(items=[FlagOut.of(each) for each in shown], next_cursor=cursor)


@staff.post("", status_code=status.HTTP_201_CREATED, responses=problems(FlagExists, TooManyFlags, PermissionMissing))
async def create_flag(body: CreateFlag, staff: Changer, flags: Flags, versions: Versioned) -> FlagOut:
    """Define a flag; a second one of its key is refused, so that a repeated request makes nothing."""
    flag = await flags.create(body.key, body.sentence, body.rules(), staff)
    versions.tag(flag.version)
    return FlagOut.of(flag)


@staff.get("/{key}", responses=problems(FlagNotFound))
async def read_flag(key: str, _staff: CurrentStaff, flags: Flags, versions: Versioned) -> FlagOut:
    """One flag with its rules."""
    flag = await flags.find(key)
    versions.tag(flag.version)
    return FlagOut.of(flag)


@staff.put("/{key}", responses=problems(FlagNotFound, PermissionMissing, ConditionMissing, Changed))
async def change_flag(  # noqa: PLR0917 - FastAPI passes them all by name
    key: str, body: SetFlag, staff: Changer, flags: Flags, expected: Expected, versions: Versioned
) -> FlagOut:
    """Give a flag other rules."""
    flag = await flags.change(key, body.sentence, body.rules(), staff, expected)
    versions.tag(flag.version)
    return FlagOut.of(flag)


@staff.put("/{key}/killed", responses=problems(FlagNotFound, PermissionMissing))
async def kill_flag(key: str, body: KillFlag, staff: Changer, flags: Flags, versions: Versioned) -> FlagOut:
    """Switch a flag off for everybody at once, or let its rules hold again."""
    flag = await flags.kill(key, staff, killed=body.killed)
    versions.tag(flag.version)
    return FlagOut.of(flag)


@staff.delete(
    "/{key}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(FlagNotFound, PermissionMissing, ConditionMissing, Changed),
)
async def delete_flag(key: str, staff: Changer, flags: Flags, expected: Expected) -> None:
    """Take a flag away."""
    await flags.delete(key, staff, expected)
