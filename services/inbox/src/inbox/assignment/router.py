from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.assignment.errors import AgentNotFound, AnsweringTeamNotThere, PolicyNotFound, ScopeNotThere
from inbox.assignment.model import Scope
from inbox.assignment.presence import COUNTS_FOR, Presence
from inbox.assignment.schemas import (
    AgentOut,
    Connected,
    LimitAgent,
    PoliciesOut,
    PolicyOut,
    PresenceNoted,
    SayAvailability,
    SetPolicy,
)
from inbox.assignment.service import AssignmentService
from inbox.doors import AssignmentManager, Reader, Replier
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import Page, Paging
from kit.http.peer import CallingService
from kit.http.problem import problems

router = APIRouter(tags=["assignment"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

internal = APIRouter(prefix="/internal", include_in_schema=False)

Assignment = Annotated[AssignmentService, Depends(part(AssignmentService))]


@router.get("/v1/assignment-policies")
async def list_policies(caller: Reader, assignment: Assignment) -> PoliciesOut:
    """By which policies conversations are given out."""
    return PoliciesOut(items=[PolicyOut.model_validate(each) for each in await assignment.policies(caller)])


@router.put("/v1/assignment-policies/{scope}/{scope_id}", responses=problems(ScopeNotThere, AnsweringTeamNotThere))
async def set_policy(
    scope: Scope, scope_id: UUID, body: SetPolicy, caller: AssignmentManager, assignment: Assignment
) -> PolicyOut:
    """Let a policy hold for a team, a channel or, with its own id, the organization; also for what waits already."""
    return PolicyOut.model_validate(await assignment.set_policy(caller, body.of(scope, scope_id)))


@router.delete(
    "/v1/assignment-policies/{scope}/{scope_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(PolicyNotFound),
)
async def drop_policy(scope: Scope, scope_id: UUID, caller: AssignmentManager, assignment: Assignment) -> None:
    """Let it hold no more; what everybody has stays theirs."""
    await assignment.drop_policy(caller, scope, scope_id)


@router.get("/v1/agents")
async def list_agents(caller: Reader, assignment: Assignment, page: Paging) -> Page[AgentOut]:
    """Those who answer, with their presence and how many open conversations they have."""
    after = page.after(UUID)
    rows = await assignment.agents(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(rows, lambda agent: (agent.user_id,))
    return Page(items=[AgentOut.of(each) for each in shown], next_cursor=cursor)


@router.put("/v1/agents/me", responses=problems(AgentNotFound))
async def say_availability(body: SayAvailability, caller: Replier, assignment: Assignment) -> AgentOut:
    """Say of oneself whether one takes conversations; it stays until said otherwise."""
    return AgentOut.of(await assignment.say(caller, body.availability))


@router.patch("/v1/agents/{user_id}", responses=problems(AgentNotFound))
async def limit_agent(user_id: UUID, body: LimitAgent, caller: AssignmentManager, assignment: Assignment) -> AgentOut:
    """Say how many open conversations somebody is given at most; who has more keeps them."""
    return AgentOut.of(await assignment.limit(caller, user_id, body.capacity))


@internal.post("/presence")
async def note_presence(
    body: Connected, presence: Annotated[Presence, Depends(part(Presence))], _service: CallingService
) -> PresenceNoted:
    """Who is connected to a gateway just now; to be told again within 45 seconds."""
    await presence.note([(each.organization_id, each.user_id) for each in body.people])
    return PresenceNoted(seconds=COUNTS_FOR)
