from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from billing.changes.errors import (
    ChangeNotFound,
    ChangeUnderWay,
    NothingToChange,
    NotSold,
    PreviewTooOld,
    SeatsInUse,
    SubscriptionNotChangeable,
)
from billing.changes.model import Action
from billing.changes.schemas import (
    ChangeOut,
    PaymentLinkOut,
    PreviewOut,
    PreviewSwitch,
    SwitchSubscription,
)
from billing.changes.service import ChangeService
from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.subscriptions.errors import NoSubscription
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/billing/subscription",
    tags=["billing"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Changes = Annotated[ChangeService, Depends(part(ChangeService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
Manager = Annotated[MemberCaller, Depends(permitted("billing.manage"))]

_SWITCHING = problems(
    NoSubscription,
    SubscriptionNotChangeable,
    NotSold,
    SeatsInUse,
    NothingToChange,
    PreviewTooOld,
    ChangeUnderWay,
    PaymentsOff,
    PaymentsUnavailable,
)
_CHANGING = problems(NoSubscription, SubscriptionNotChangeable, ChangeUnderWay, PaymentsOff)


@router.post("/preview", responses=_SWITCHING)
async def preview_switch(body: PreviewSwitch, caller: Manager, changes: Changes) -> PreviewOut:
    """What switching plan, interval or seats would cost or give back; it changes nothing."""
    return PreviewOut.of(await changes.preview(caller, body.wanted()))


@router.post("/changes", status_code=status.HTTP_201_CREATED, responses=_SWITCHING)
async def switch_subscription(
    body: SwitchSubscription, caller: Manager, changes: Changes, idempotency: IdempotencyKey
) -> ChangeOut:
    """Switch plan, interval or seats, once what is due at once is paid; `requires_action` waits for the payer."""
    return ChangeOut.of(await changes.switch(caller, body.wanted(), body.proration_at, idempotency))


@router.get("/changes", responses=problems(BadCursor))
async def list_changes(caller: Reader, changes: Changes, page: Paging) -> Page[ChangeOut]:
    """What was asked to be changed, the newest first."""
    after = page.after(UUID)
    found = await changes.page(caller, after[0] if after else None, page.limit)
    shown, cursor = page.cut(found, lambda each: (each.id,))
    return Page(items=[ChangeOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/changes/{change_id}", responses=problems(ChangeNotFound))
async def read_change(change_id: UUID, caller: Reader, changes: Changes) -> ChangeOut:
    """One change, and what became of it."""
    return ChangeOut.of(await changes.find(caller, change_id))


@router.get("/changes/{change_id}/payment-link", responses=problems(ChangeNotFound, PaymentsOff, PaymentsUnavailable))
async def read_payment_link(change_id: UUID, caller: Manager, changes: Changes, response: Response) -> PaymentLinkOut:
    """Where the payer confirms or makes the payment that this change waits for."""
    url, expires_at = await changes.payment_link(caller, change_id)
    response.headers["cache-control"] = "no-store"
    return PaymentLinkOut(url=url, expires_at=expires_at)


@router.post("/cancel", status_code=status.HTTP_201_CREATED, responses=_CHANGING)
async def cancel_subscription(caller: Manager, changes: Changes, idempotency: IdempotencyKey) -> ChangeOut:
    """Let the subscription end with the period that is paid for."""
    return ChangeOut.of(await changes.change(caller, Action.CANCEL, idempotency))


@router.post("/keep", status_code=status.HTTP_201_CREATED, responses=_CHANGING)
async def keep_subscription(caller: Manager, changes: Changes, idempotency: IdempotencyKey) -> ChangeOut:
    """Let everything go on as it is: no end, no switch at the end of the period, none that is not paid yet."""
    return ChangeOut.of(await changes.change(caller, Action.KEEP, idempotency))


@router.post("/pause", status_code=status.HTTP_201_CREATED, responses=_CHANGING)
async def pause_subscription(caller: Manager, changes: Changes, idempotency: IdempotencyKey) -> ChangeOut:
    """Pay nothing and use the free plan until it goes on."""
    return ChangeOut.of(await changes.change(caller, Action.PAUSE, idempotency))


@router.post("/unpause", status_code=status.HTTP_201_CREATED, responses=_CHANGING)
async def unpause_subscription(caller: Manager, changes: Changes, idempotency: IdempotencyKey) -> ChangeOut:
    """Go on after a pause."""
    return ChangeOut.of(await changes.change(caller, Action.UNPAUSE, idempotency))
