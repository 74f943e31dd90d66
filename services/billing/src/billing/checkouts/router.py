from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status
from fastapi.responses import RedirectResponse

from billing.checkouts.errors import (
    AlreadySubscribed,
    CheckoutNotFound,
    CheckoutOpen,
    CheckoutOver,
    CheckoutRefused,
    NothingToTry,
    PlanNotSold,
    TrialSpent,
)
from billing.checkouts.model import CheckoutKind
from billing.checkouts.pages import RETURNS, Places
from billing.checkouts.schemas import CheckoutOut, EligibilityOut, Subscribe
from billing.checkouts.service import CheckoutService
from billing.coupons.errors import CodeUnknown, CouponSpent
from billing.customers.errors import CustomerRefused
from billing.doors import Manager, Reader
from billing.errors import PaymentsOff, PaymentsUnavailable
from kit.http.app import part
from kit.http.caller import NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(tags=["billing"])

Checkouts = Annotated[CheckoutService, Depends(part(CheckoutService))]
Addresses = Annotated[Places, Depends(part(Places))]
_MEMBERS = (TokenRefused, NoOrganization, RoleMissing)
_PAGES = (*_MEMBERS, IdempotencyKeyReused, CheckoutRefused, CustomerRefused, PaymentsOff, PaymentsUnavailable)


@router.post(
    "/v1/billing/checkouts",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        *_PAGES, PlanNotSold, NothingToTry, AlreadySubscribed, CheckoutOpen, TrialSpent, CodeUnknown, CouponSpent
    ),
)
async def begin_checkout(body: Subscribe, caller: Manager, checkouts: Checkouts, key: IdempotencyKey) -> CheckoutOut:
    """Open the page on which the organization subscribes: send the browser to `url`."""
    return CheckoutOut.shown(await checkouts.subscribe(caller, body.wish(), key))


@router.get("/v1/billing/checkouts", responses=problems(*_MEMBERS, BadCursor))
async def list_checkouts(caller: Manager, checkouts: Checkouts, page: Paging) -> Page[CheckoutOut]:
    """What was begun, the newest first."""
    found, cursor = await checkouts.page(caller, page)
    return Page(items=[CheckoutOut.of(each) for each in found], next_cursor=cursor)


@router.get("/v1/billing/checkouts/{checkout_id}", responses=problems(*_MEMBERS, CheckoutNotFound))
async def read_checkout(checkout_id: UUID, caller: Manager, checkouts: Checkouts) -> CheckoutOut:
    """One of them, with its address while it is open."""
    return CheckoutOut.shown(await checkouts.read(caller, checkout_id))


@router.post(
    "/v1/billing/checkouts/{checkout_id}/cancel",
    responses=problems(*_MEMBERS, CheckoutNotFound, CheckoutOver, PaymentsUnavailable),
)
async def cancel_checkout(checkout_id: UUID, caller: Manager, checkouts: Checkouts) -> CheckoutOut:
    """Close the page; another checkout may be begun then."""
    return CheckoutOut.shown(await checkouts.cancel(caller, checkout_id))


@router.get("/v1/billing/eligibility", responses=problems(*_MEMBERS))
async def read_eligibility(caller: Reader, checkouts: Checkouts) -> EligibilityOut:
    """Whether the organization may subscribe now, and whether it may try first."""
    return EligibilityOut.model_validate(await checkouts.eligibility(caller))


@router.post("/v1/billing/card-updates", status_code=status.HTTP_201_CREATED, responses=problems(*_PAGES))
async def begin_card_update(caller: Manager, checkouts: Checkouts, key: IdempotencyKey) -> CheckoutOut:
    """Open the page on which another card is given: send the browser to `url`."""
    return CheckoutOut.shown(await checkouts.show_page(caller, CheckoutKind.CARD, key))


@router.post("/v1/billing/portal-sessions", status_code=status.HTTP_201_CREATED, responses=problems(*_PAGES))
async def begin_portal(caller: Manager, checkouts: Checkouts, key: IdempotencyKey) -> CheckoutOut:
    """Open the payment provider's pages about cards, invoices and the subscription: send the browser to `url`."""
    return CheckoutOut.shown(await checkouts.show_page(caller, CheckoutKind.PORTAL, key))


@router.get(
    RETURNS + "/{checkout_id}",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
)
async def come_back_from_checkout(
    checkout_id: UUID,
    checkouts: Checkouts,
    places: Addresses,
    session_id: Annotated[str, Query(min_length=1, max_length=255)],
) -> Response:
    """Where the payment provider sends the browser; it goes on to the console."""
    await checkouts.returned(checkout_id, session_id)
    response = RedirectResponse(places.console(checkout_id), status.HTTP_303_SEE_OTHER)
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response
