from typing import Annotated, Self

from fastapi import APIRouter, Depends
from pydantic import Field

from compliance.retention.model import PLATFORM_DAYS, Kept, Policy
from compliance.retention.service import RetentionService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.models import Model, Out
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/privacy/retention", tags=["retention"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Manager = Annotated[MemberCaller, Depends(permitted("privacy.manage"))]
Retention = Annotated[RetentionService, Depends(part(RetentionService))]


class DecideRetention(Model):
    """For how long it is kept."""

    days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        description="Days from the last activity, interaction, or the closing; null for as long as the platform does."
    )


class RetentionOut(Out):
    """For how long one thing is kept."""

    retention: Kept
    days: int = Field(description="What holds.")
    platform_days: int = Field(description="What holds where nobody decides.")
    decided: bool = Field(description="Whether the organization has decided.")
    version: int

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """The policy as shown."""
        platform = PLATFORM_DAYS[policy.retention]
        return cls(
            retention=policy.retention,
            days=policy.days or platform,
            platform_days=platform,
            decided=policy.days is not None,
            version=policy.version,
        )


class RetentionsOut(Out):
    """For how long things are kept: a short list that never grows."""

    items: list[RetentionOut]


@router.get("")
async def list_retention(caller: Manager, retention: Retention) -> RetentionsOut:
    """For how long messages, contacts and conversations are kept."""
    return RetentionsOut(items=[RetentionOut.of(each) for each in await retention.all(caller)])


@router.put("/{kept}")
async def decide_retention(kept: Kept, body: DecideRetention, caller: Manager, retention: Retention) -> RetentionOut:
    """Decide for how long it is kept in your organization."""
    return RetentionOut.of(await retention.decide(caller, kept, body.days))
