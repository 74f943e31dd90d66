from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from inbox.broadcasts.errors import (
    AudienceUnknown,
    BroadcastNotFound,
    MessageUnfit,
    NobodyToReach,
    NotPrepared,
    NotThatWay,
)
from inbox.broadcasts.model import Stand, State
from inbox.broadcasts.preflight import PreflightOut
from inbox.broadcasts.schemas import (
    BroadcastOut,
    ReasonsOut,
    RecipientOut,
    TryBroadcast,
    UnreachedClass,
    WriteBroadcast,
)
from inbox.broadcasts.service import BroadcastService
from inbox.channels.errors import ChannelNotFound
from inbox.doors import BroadcastManager, BroadcastReader
from inbox.messages.errors import ChannelGone
from inbox.templates.errors import TemplateNotFound, TemplateNotSendable
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.quota import QuotaExhausted

router = APIRouter(
    prefix="/v1/broadcasts", tags=["broadcasts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Broadcasts = Annotated[BroadcastService, Depends(part(BroadcastService))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        ChannelNotFound, ChannelGone, TemplateNotFound, AudienceUnknown, MessageUnfit, BroadcastNotFound
    ),
)
async def write_broadcast(
    body: WriteBroadcast, caller: BroadcastManager, broadcasts: Broadcasts, key: IdempotencyKey
) -> BroadcastOut:
    """Write to many. Recipients are written down now; nothing leaves before it is started."""
    return await broadcasts.write(caller, body, key)


@router.get("", responses=problems(BadCursor))
async def list_broadcasts(
    caller: BroadcastReader,
    broadcasts: Broadcasts,
    page: Paging,
    state: Annotated[State | None, Query(description="Only those that stand there.")] = None,
) -> Page[BroadcastOut]:
    """Broadcasts, the newest first."""
    after = page.after(UUID)
    rows = await broadcasts.page(caller, state, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.id,))
    return Page(items=shown, next_cursor=cursor)


@router.get("/{broadcast_id}", responses=problems(BroadcastNotFound))
async def read_broadcast(broadcast_id: UUID, caller: BroadcastReader, broadcasts: Broadcasts) -> BroadcastOut:
    """A broadcast and how far it has come; while it runs, `inbox.broadcast.progressed.v1` tells it each second."""
    return await broadcasts.read(caller, broadcast_id)


@router.post(
    "/{broadcast_id}/start",
    responses=problems(
        BroadcastNotFound, NotThatWay, NotPrepared, NobodyToReach, TemplateNotSendable, QuotaExhausted
    ),
)
async def start_broadcast(broadcast_id: UUID, caller: BroadcastManager, broadcasts: Broadcasts) -> BroadcastOut:
    """Let it begin, or wait for its time."""
    return await broadcasts.start(caller, broadcast_id)


@router.post("/{broadcast_id}/pause", responses=problems(BroadcastNotFound, NotThatWay))
async def pause_broadcast(broadcast_id: UUID, caller: BroadcastManager, broadcasts: Broadcasts) -> BroadcastOut:
    """Let nothing more leave until it is resumed."""
    return await broadcasts.pause(caller, broadcast_id)


@router.post("/{broadcast_id}/resume", responses=problems(BroadcastNotFound, NotThatWay, TemplateNotSendable))
async def resume_broadcast(broadcast_id: UUID, caller: BroadcastManager, broadcasts: Broadcasts) -> BroadcastOut:
    """Let it go on."""
    return await broadcasts.resume(caller, broadcast_id)


@router.post("/{broadcast_id}/cancel", responses=problems(BroadcastNotFound, NotThatWay))
async def cancel_broadcast(broadcast_id: UUID, caller: BroadcastManager, broadcasts: Broadcasts) -> BroadcastOut:
    """End it: whoever has not got it gets it no more."""
    return await broadcasts.cancel(caller, broadcast_id)


@router.post(
    "/{broadcast_id}/tests",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(BroadcastNotFound, AudienceUnknown, TemplateNotSendable, QuotaExhausted),
)
async def try_broadcast(
    broadcast_id: UUID, body: TryBroadcast, caller: BroadcastManager, broadcasts: Broadcasts
) -> BroadcastOut:
    """Send it to a few now; what became of it is read like that of any broadcast."""
    return await broadcasts.attempt(caller, broadcast_id, body.contact_ids)


@router.get("/{broadcast_id}/related", responses=problems(BroadcastNotFound))
async def related_broadcasts(
    broadcast_id: UUID, caller: BroadcastReader, broadcasts: Broadcasts
) -> Page[BroadcastOut]:
    """Those that tried it, and the one that stands in for it; at most 100."""
    return Page(items=await broadcasts.children(caller, broadcast_id))


@router.get("/{broadcast_id}/recipients", responses=problems(BroadcastNotFound, BadCursor))
async def list_recipients(
    broadcast_id: UUID,
    caller: BroadcastReader,
    broadcasts: Broadcasts,
    page: Paging,
    *,
    state: Annotated[list[Stand] | None, Query(description="Only those who stand there.")] = None,
    sort: Annotated[
        UnreachedClass | None, Query(description="Only those who did not get it for such a reason.")
    ] = None,
) -> Page[RecipientOut]:
    """Who got it, who did not, and why."""
    after = page.after(UUID)
    rows = await broadcasts.recipients(
        caller, broadcast_id, after[0] if after else None, page.limit + 1, states=state, sort=sort
    )
    shown, cursor = page.cut(rows, lambda each: (each.id,))
    return Page(items=shown, next_cursor=cursor)


@router.get("/{broadcast_id}/preflight", responses=problems(BroadcastNotFound))
async def look_before_starting(broadcast_id: UUID, caller: BroadcastReader, broadcasts: Broadcasts) -> PreflightOut:
    """How it would go: time, cost, headroom, templates, people without consent, and what stands against it."""
    return await broadcasts.look(caller, broadcast_id)


@router.get("/{broadcast_id}/reasons", responses=problems(BroadcastNotFound))
async def list_reasons(broadcast_id: UUID, caller: BroadcastReader, broadcasts: Broadcasts) -> ReasonsOut:
    """Why people did not get it, by code."""
    return ReasonsOut(items=await broadcasts.reasons(caller, broadcast_id))
