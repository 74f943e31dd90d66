from typing import Annotated

from fastapi import APIRouter, Depends, Query

from auth.statistics.schemas import FiguresOut, StatisticsOut
from auth.statistics.service import StatisticsService
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(prefix="/v1/staff/statistics", tags=["staff"], responses=problems(TokenRefused, PermissionMissing))

Statistics = Annotated[StatisticsService, Depends(part(StatisticsService))]
Reader = Annotated[StaffCaller, staff_permitted("statistics.read")]


@router.get("")
async def read_statistics(
    _staff: Reader,
    statistics: Statistics,
    days: Annotated[int, Query(ge=1, le=400, description="How many days at most")] = 30,
) -> StatisticsOut:
    """The numbers of the platform by day, counted every quarter of an hour."""
    found = await statistics.read(days)
    return StatisticsOut(days=[FiguresOut.model_validate(each) for each in found])
