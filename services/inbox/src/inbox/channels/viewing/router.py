from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from inbox.channels.errors import ChannelNotFound
from inbox.channels.viewing.errors import ViewersNotThere
from inbox.channels.viewing.schemas import AskViewers, ShowChannel, ViewersOut, VisibilityOut
from inbox.channels.viewing.service import ViewingService
from inbox.doors import ChannelManager, ChannelReader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.peer import CallingService
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/channels/{channel_id}/visibility",
    tags=["channels"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, ChannelNotFound),
)

internal = APIRouter(prefix="/internal", include_in_schema=False)

Viewing = Annotated[ViewingService, Depends(part(ViewingService))]


@internal.post("/viewers")
async def read_viewers(body: AskViewers, viewing: Viewing, _service: CallingService) -> ViewersOut:
    """Who beside owners and admins may hear what somebody does in a conversation just now."""
    return ViewersOut(viewers=await viewing.viewers(body.organization_id, body.conversation_id))


@router.get("")
async def read_visibility(
    channel_id: UUID, caller: ChannelReader, viewing: Viewing, versions: Versioned
) -> VisibilityOut:
    """Who sees the channel."""
    found = await viewing.read(caller, channel_id)
    versions.tag(found.version)
    return VisibilityOut.model_validate(found)


@router.put("", responses=problems(ViewersNotThere, Changed))
async def show_channel(
    channel_id: UUID,
    body: ShowChannel,
    caller: ChannelManager,
    viewing: Viewing,
    *,
    expected: Expected,
    versions: Versioned,
) -> VisibilityOut:
    """Show the channel, and all that was ever said on it, to everyone or to chosen teams and people."""
    found = await viewing.set(caller, body.of(channel_id), expected)
    versions.tag(found.version)
    return VisibilityOut.model_validate(found)
