from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from generation.calls.errors import PeriodTooLong
from generation.calls.repository import By
from generation.calls.schemas import SavingOut, UsageLineOut, UsageOut
from generation.calls.service import UsageService
from generation.doors import Reader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(tags=["generation"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Usages = Annotated[UsageService, Depends(part(UsageService))]


@router.get("/v1/generation/usage", responses=problems(PeriodTooLong))
async def read_usage(
    caller: Reader,
    usages: Usages,
    *,
    by: Annotated[By, Query()] = "day",
    since: Annotated[date | None, Query(description="The first day (UTC); 30 days unless it is named.")] = None,
    until: Annotated[date | None, Query(description="The last day (UTC); today unless it is named.")] = None,
) -> UsageOut:
    """Tokens, seconds and money by day, user, feature or model, and what routing, caches and batches saved."""
    period, lines, savings = await usages.usage(caller, by, since, until)
    return UsageOut.of(
        by, period, [UsageLineOut.of(each) for each in lines], [SavingOut.of(each) for each in savings]
    )
