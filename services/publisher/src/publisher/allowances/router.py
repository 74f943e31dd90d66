from typing import Annotated

from fastapi import APIRouter, Depends

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems
from publisher.allowances.schemas import AllowanceOut, AllowancesOut
from publisher.allowances.service import AllowanceService
from publisher.doors import Reader

router = APIRouter(tags=["posts"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Allowances = Annotated[AllowanceService, Depends(part(AllowanceService))]


@router.get("/v1/publishing/allowances")
async def read_allowances(caller: Reader, allowances: Allowances) -> AllowancesOut:
    """What the plan includes of accounts and posts, what is used of it, and when it renews."""
    return AllowancesOut(items=[AllowanceOut.of(meter, use) for meter, use in await allowances.all(caller)])
