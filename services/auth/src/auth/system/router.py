from typing import Annotated

from fastapi import APIRouter, Depends, Response

from auth.staff.errors import FreshProofNeeded
from auth.system.errors import SettingInvalid, SettingNotFound
from auth.system.registry import MAINTENANCE
from auth.system.schemas import ChangeOut, ChangeSetting, SettingOut, SettingsOut, SystemOut
from auth.system.service import SystemService
from kit.http.app import part
from kit.http.caller import OpenToAnybody, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import CurrentStaff, PermissionMissing

router = APIRouter(prefix="/v1/staff/settings", tags=["staff: settings"], responses=problems(TokenRefused))
public = APIRouter(tags=["system"])
internal = APIRouter(prefix="/internal", include_in_schema=False)

System = Annotated[SystemService, Depends(part(SystemService))]


@router.get("")
async def list_settings(_staff: CurrentStaff, system: System) -> SettingsOut:
    """All settings of the system."""
    return SettingsOut(items=[SettingOut.of(each) for each in await system.all()])


@router.get("/{name}", responses=problems(SettingNotFound))
async def read_setting(name: str, _staff: CurrentStaff, system: System, versions: Versioned) -> SettingOut:
    """One setting."""
    held = await system.find(name)
    versions.tag(held.version)
    return SettingOut.of(held)


@router.put(
    "/{name}",
    responses=problems(
        SettingNotFound, SettingInvalid, PermissionMissing, FreshProofNeeded, ConditionMissing, Changed
    ),
)
async def change_setting(  # noqa: PLR0917 - FastAPI passes them all by name
    name: str, body: ChangeSetting, staff: CurrentStaff, system: System, expected: Expected, versions: Versioned
) -> SettingOut:
    """Give a setting another value."""
    held = await system.change(name, body.value, staff, expected)
    versions.tag(held.version)
    return SettingOut.of(held)


@router.get("/{name}/changes", responses=problems(SettingNotFound, BadCursor))
async def list_setting_changes(name: str, _staff: CurrentStaff, system: System, page: Paging) -> Page[ChangeOut]:
    """Every value that a setting had, the newest first."""
    after = page.after(int)
    found = await system.changes(name, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda held: (held.version,))
    items = [
        ChangeOut(
            version=held.version,
            value=held.setting.plain(held.value),
            changed_by=held.changed_by,
            changed_at=held.changed_at,
        )
        for held in shown
        if held.changed_at is not None
    ]
    return Page(items=items, next_cursor=cursor)


@public.get("/v1/system", dependencies=[OpenToAnybody])
async def read_system(system: System, response: Response) -> SystemOut:
    """What everybody may know: whether the platform is closed for maintenance, a banner, whether one can sign up."""
    response.headers["cache-control"] = "public, max-age=5"
    return SystemOut(settings={each.setting.name: each.setting.plain(each.value) for each in await system.public()})


@internal.get("/maintenance")
async def read_maintenance(system: System) -> dict[str, object]:
    """For gateways: maintenance mode, and its version."""
    held = await system.find(MAINTENANCE.name)
    return {"version": held.version, **MAINTENANCE.plain(held.value)}
