from typing import Annotated

from fastapi import APIRouter, Depends

from generation.budgets.schemas import BudgetOut, ChangeBudget
from generation.budgets.service import BudgetService
from generation.doors import Manager, Reader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/generation/budget",
    tags=["generation"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Budgets = Annotated[BudgetService, Depends(part(BudgetService))]


@router.get("")
async def read_budget(caller: Reader, budgets: Budgets) -> BudgetOut:
    """What may be spent this month, what is spent, and what is set aside for calls under way."""
    return BudgetOut.of(await budgets.read(caller))


@router.put("")
async def change_budget(body: ChangeBudget, caller: Manager, budgets: Budgets) -> BudgetOut:
    """Limit what is spent in this month and those that follow; nothing is begun that could pass it."""
    return BudgetOut.of(await budgets.change(caller, body.monthly_micros))
