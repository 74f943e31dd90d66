from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from inbox.channels.errors import ChannelNotFound, ChannelOff, NumberRefused, NumberTaken, NumberUnproven, WhatsAppOff
from inbox.channels.kinds import KINDS
from inbox.channels.model import Channel
from inbox.channels.schemas import ChannelOut, ConnectChannel, KindOut, KindsOut
from inbox.channels.service import ChannelService
from inbox.doors import ChannelManager, ChannelReader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/channels", tags=["channels"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Channels = Annotated[ChannelService, Depends(part(ChannelService))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NumberTaken, NumberRefused, WhatsAppOff, ChannelOff, NumberUnproven),
)
async def connect_channel(
    body: ConnectChannel, caller: ChannelManager, channels: Channels, key: IdempotencyKey, versions: Versioned
) -> ChannelOut:
    """Connect a channel once its platform lets us use it; with a new token what had waited for it leaves."""
    channel = await channels.connect(caller, body.wanted(), key)
    versions.tag(channel.version)
    return ChannelOut.of(channel)


@router.get("")
async def list_channels(caller: ChannelReader, channels: Channels, page: Paging) -> Page[ChannelOut]:
    """The organization's channels, the oldest first."""
    rows = await channels.page(caller, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[ChannelOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/kinds")
async def list_channel_kinds(caller: ChannelReader) -> KindsOut:
    """What each kind of channel can do, when it may be written to, and what its errors mean."""
    _ = caller
    return KindsOut(items=[KindOut.of(kind, can, errors) for kind, (can, errors) in KINDS.items()])


@router.get("/{channel_id}", response_model=ChannelOut, responses=problems(ChannelNotFound))
async def read_channel(
    channel_id: UUID, caller: ChannelReader, channels: Channels, versions: Versioned
) -> ChannelOut | Response:
    """One channel with its health."""
    channel = await channels.read(caller, channel_id)
    return versions.unchanged(channel.version) or ChannelOut.of(channel)


@router.delete("/{channel_id}", responses=problems(ChannelNotFound))
async def disconnect_channel(channel_id: UUID, caller: ChannelManager, channels: Channels) -> ChannelOut:
    """Give a channel up; its conversations stay."""
    return ChannelOut.of(await channels.disconnect(caller, channel_id))


def _place(channel: Channel) -> tuple[datetime, UUID]:
    return channel.created_at, channel.id
