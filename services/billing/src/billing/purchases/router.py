from typing import Annotated

from fastapi import APIRouter, Depends, Response, status

from billing.checkouts.errors import PlanNotSold
from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.purchases.errors import PurchaseRefused
from billing.purchases.schemas import BuyAsGuest, PurchaseOut
from billing.purchases.service import PurchaseService
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.problem import problems

router = APIRouter(prefix="/v1/billing/purchases", tags=["billing"], dependencies=[OpenToAnybody])

Purchases = Annotated[PurchaseService, Depends(part(PurchaseService))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(PlanNotSold, PurchaseRefused, PaymentsOff, PaymentsUnavailable),
)
async def buy_as_guest(body: BuyAsGuest, purchases: Purchases, response: Response) -> PurchaseOut:
    """Open the page on which somebody without an account subscribes."""
    response.headers["cache-control"] = "no-store"
    return PurchaseOut.model_validate(await purchases.begin(body.wish()))
