from typing import Annotated

from fastapi import APIRouter, Depends, Response

from billing.catalogue.schemas import CatalogueOut
from billing.catalogue.service import PlanService
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.etag import Versioned

router = APIRouter(prefix="/v1/billing", tags=["billing"], dependencies=[OpenToAnybody])

Plans = Annotated[PlanService, Depends(part(PlanService))]


@router.get("/plans", response_model=CatalogueOut)
async def read_plans(plans: Plans, versions: Versioned, response: Response) -> CatalogueOut | Response:
    """What is sold now: plans with their limits, and prices in several currencies."""
    sold = plans.sold()
    known = versions.unchanged(sold.number)
    (known or response).headers["cache-control"] = "public, max-age=300"
    return known or CatalogueOut.of(sold)
