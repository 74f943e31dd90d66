from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems
from publisher.accounts.errors import AccountNotFound
from publisher.budgets.schemas import BudgetOut
from publisher.budgets.service import BudgetService
from publisher.doors import AccountReader

router = APIRouter(tags=["connected accounts"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Budgets = Annotated[BudgetService, Depends(part(BudgetService))]


@router.get("/v1/connected-accounts/{account_id}/budget", responses=problems(AccountNotFound))
async def read_budget(account_id: UUID, caller: AccountReader, budgets: Budgets) -> BudgetOut:
    """How many posts the platform lets this account publish, as the rules and the platform say."""
    return BudgetOut.of(await budgets.find(account_id, caller))
