from typing import Annotated

from fastapi import APIRouter, Depends, Path

from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.problem import problems
from publisher.withdrawals.errors import DeletionNotFound
from publisher.withdrawals.schemas import DeletionOut
from publisher.withdrawals.service import WithdrawalService

STATUS = "/v1/data-deletions/{code}"

router = APIRouter(tags=["connected accounts"])

Withdrawals = Annotated[WithdrawalService, Depends(part(WithdrawalService))]
Code = Annotated[str, Path(max_length=100)]


@router.get(STATUS, dependencies=[OpenToAnybody], responses=problems(DeletionNotFound))
async def read_data_deletion(code: Code, withdrawals: Withdrawals) -> DeletionOut:
    """How far a deletion is that somebody asked for at Facebook, Instagram or Threads, by its confirmation code."""
    found = await withdrawals.progress(code)
    return DeletionOut(
        status="under way" if found.done_at is None else "done",
        asked_at=found.asked_at,
        done_at=found.done_at,
        accounts=found.accounts,
    )
