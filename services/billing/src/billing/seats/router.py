from typing import Annotated

from fastapi import APIRouter, Depends

from billing.organizations.errors import OrganizationNotHeardOf
from billing.seats.schemas import SeatsOut
from billing.seats.service import SeatService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/billing/seats", tags=["billing"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)


@router.get("", responses=problems(OrganizationNotHeardOf))
async def read_seats(
    caller: Annotated[MemberCaller, Depends(permitted("billing.read"))],
    seats: Annotated[SeatService, Depends(part(SeatService))],
) -> SeatsOut:
    """Seats as they are paid for and taken; removing a member lowers no bill, changing the subscription does."""
    return SeatsOut.model_validate(await seats.read(caller))
