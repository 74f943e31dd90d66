from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from billing.entitlements.schemas import PlanOfOut, PlansOut
from billing.entitlements.service import EntitlementService
from kit.http.app import part

internal = APIRouter(prefix="/internal", include_in_schema=False)

Entitlements = Annotated[EntitlementService, Depends(part(EntitlementService))]
BEFORE_ALL: Final = UUID(int=0)


@internal.get("/plans")
async def read_plans(
    entitlements: Entitlements, after: UUID = BEFORE_ALL, limit: Annotated[int, Query(ge=1, le=10_000)] = 5_000
) -> PlansOut:
    """Every organization's plan, page by page, for gateways that start or were cut off."""
    found = await entitlements.plans(after, limit)
    last = found[-1].organization_id if len(found) == limit else None
    return PlansOut(plans=[PlanOfOut.model_validate(each) for each in found], next=last)
