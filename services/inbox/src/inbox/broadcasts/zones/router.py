from typing import Annotated

from fastapi import APIRouter, Depends

from inbox.broadcasts.zones.errors import AttributeUnfit
from inbox.broadcasts.zones.model import ZoneSettings
from inbox.broadcasts.zones.schemas import BroadcastSettingsOut, SetBroadcastSettings
from inbox.broadcasts.zones.service import ZoneService
from inbox.doors import BroadcastManager, BroadcastReader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/broadcast-settings",
    tags=["broadcasts"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Zones = Annotated[ZoneService, Depends(part(ZoneService))]


@router.get("")
async def read_broadcast_settings(caller: BroadcastReader, zones: Zones, versions: Versioned) -> BroadcastSettingsOut:
    """Where contacts are taken to be when many are written to."""
    return _shown(await zones.read(caller), versions)


@router.put("", responses=problems(AttributeUnfit, Changed))
async def set_broadcast_settings(
    body: SetBroadcastSettings, caller: BroadcastManager, zones: Zones, *, expected: Expected, versions: Versioned
) -> BroadcastSettingsOut:
    """Say where contacts are taken to be; it holds for recipients that are written down from now on."""
    wanted = ZoneSettings(body.zone, body.zone_attribute_id)
    return _shown(await zones.set(caller, wanted, expected), versions)


def _shown(settings: ZoneSettings, versions: Versioned) -> BroadcastSettingsOut:
    versions.tag(settings.version)
    return BroadcastSettingsOut(zone=settings.zone, zone_attribute_id=settings.attribute_id, version=settings.version)
