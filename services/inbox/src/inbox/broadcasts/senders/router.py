from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from inbox.broadcasts.senders.schemas import PaceOut, SetPace
from inbox.broadcasts.senders.service import PaceService
from inbox.channels.errors import ChannelNotFound
from inbox.doors import ChannelManager, ChannelReader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/channels/{channel_id}/pace",
    tags=["channels"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, ChannelNotFound),
)

Paces = Annotated[PaceService, Depends(part(PaceService))]


@router.get("")
async def read_pace(channel_id: UUID, caller: ChannelReader, paces: Paces, versions: Versioned) -> PaceOut:
    """How fast a channel may send, what slows it down, and how many people it may still write to first today."""
    found = await paces.read(caller, channel_id)
    versions.tag(found.version)
    return found


@router.put("", responses=problems(Changed))
async def set_pace(
    channel_id: UUID, body: SetPace, caller: ChannelManager, paces: Paces, *, expected: Expected, versions: Versioned
) -> PaceOut:
    """Say what paces a channel, where its platform has told nothing or something else holds."""
    found = await paces.set(caller, channel_id, body, expected)
    versions.tag(found.version)
    return found
