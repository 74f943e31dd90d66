from typing import Annotated

from fastapi import APIRouter, Depends

from inbox.allowances.schemas import AllowanceOut, AllowancesOut
from inbox.allowances.service import AllowanceService
from inbox.doors import ChannelReader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(tags=["channels"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Allowances = Annotated[AllowanceService, Depends(part(AllowanceService))]


@router.get("/v1/channels/allowances")
async def read_messaging_allowances(caller: ChannelReader, allowances: Allowances) -> AllowancesOut:
    """How many messages the plan includes, how many are used or wait to leave, and when it renews."""
    return AllowancesOut(items=[AllowanceOut.of(meter, use) for meter, use in await allowances.all(caller)])
