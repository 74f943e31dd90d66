from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.devices.errors import DeviceNotFound
from auth.devices.schemas import DeviceOut, RenameDevice
from auth.devices.service import DeviceService
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import PersonalCaller, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(prefix="/v1/devices", tags=["devices"], responses=problems(TokenRefused))

Devices = Annotated[DeviceService, Depends(part(DeviceService))]


@router.get("", responses=problems(BadCursor))
async def list_devices(caller: PersonalCaller, devices: Devices, page: Paging) -> Page[DeviceOut]:
    """The browsers and programs in which I have signed in, the newest first."""
    held, cursor = await devices.mine(caller, page)
    return Page(items=[DeviceOut.model_validate(each) for each in held], next_cursor=cursor)


@router.delete("/remembered", status_code=status.HTTP_204_NO_CONTENT)
async def forget_remembered_devices(caller: PersonalCaller, devices: Devices) -> None:
    """Ask for my second factor on all devices again."""
    await devices.forget_remembered(caller)


@router.patch("/{device_id}", responses=problems(DeviceNotFound, Changed, ConditionMissing))
async def rename_device(  # noqa: PLR0917 - FastAPI passes them all by name
    device_id: UUID,
    body: RenameDevice,
    caller: PersonalCaller,
    devices: Devices,
    expected: Expected,
    versions: Versioned,
) -> DeviceOut:
    """Call one of my devices something else."""
    device = await devices.rename(device_id, body.name, caller, expected)
    versions.tag(device.version)
    return DeviceOut.model_validate(device)


@router.delete(
    "/{device_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(DeviceNotFound, StepUpNeeded)
)
async def forget_device(device_id: UUID, caller: PersonalCaller, devices: Devices) -> None:
    """Forget one of my devices: sessions on it end, and the next sign-in there is one on an unknown device."""
    await devices.forget(device_id, caller)
