from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended
from auth.teams.errors import NotAllMembers, TeamNameTaken, TeamNotFound, TooManyTeams
from auth.teams.schemas import ChangeTeamMembers, CreateTeam, RenameTeam, TeamMemberOut, TeamOut
from auth.teams.service import TeamService
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/teams",
    tags=["teams"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed, AccountSuspended),
)

Teams = Annotated[TeamService, Depends(part(TeamService))]
Reader = Annotated[Caller, Depends(permitted_by_rows("teams.read"))]
Manager = Annotated[Caller, Depends(permitted_by_rows("teams.manage"))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(TeamNameTaken, TooManyTeams, IdempotencyKeyReused),
)
async def create_team(
    organization_id: UUID,
    body: CreateTeam,
    caller: Manager,
    teams: Teams,
    key: IdempotencyKey,
    *,
    versions: Versioned,
) -> TeamOut:
    """Create a team with nobody in it."""
    made = await teams.create(organization_id, body.name, caller, key)
    versions.tag(made.version)
    return TeamOut.model_validate(made)


@router.get("", responses=problems(BadCursor))
async def list_teams(organization_id: UUID, caller: Reader, teams: Teams, page: Paging) -> Page[TeamOut]:
    """The teams, oldest first."""
    found, cursor = await teams.page(organization_id, caller, page)
    return Page(items=[TeamOut.model_validate(each) for each in found], next_cursor=cursor)


@router.get("/{team_id}", responses=problems(TeamNotFound))
async def read_team(
    organization_id: UUID, team_id: UUID, caller: Reader, teams: Teams, versions: Versioned
) -> TeamOut:
    """One team."""
    found = await teams.read(organization_id, team_id, caller)
    versions.tag(found.version)
    return TeamOut.model_validate(found)


@router.patch("/{team_id}", responses=problems(TeamNotFound, TeamNameTaken, Changed, ConditionMissing))
async def rename_team(
    organization_id: UUID,
    team_id: UUID,
    body: RenameTeam,
    caller: Manager,
    teams: Teams,
    *,
    expected: Expected,
    versions: Versioned,
) -> TeamOut:
    """Give a team another name."""
    renamed = await teams.rename(organization_id, team_id, body.name, caller, expected)
    versions.tag(renamed.version)
    return TeamOut.model_validate(renamed)


@router.delete("/{team_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TeamNotFound))
async def delete_team(organization_id: UUID, team_id: UUID, caller: Manager, teams: Teams) -> None:
    """Delete a team; its members stay what they are."""
    await teams.delete(organization_id, team_id, caller)


@router.get("/{team_id}/members", responses=problems(TeamNotFound, BadCursor))
async def list_team_members(
    organization_id: UUID, team_id: UUID, caller: Reader, teams: Teams, page: Paging
) -> Page[TeamMemberOut]:
    """Who is in a team."""
    found, cursor = await teams.members(organization_id, team_id, caller, page)
    return Page(items=[TeamMemberOut.model_validate(each) for each in found], next_cursor=cursor)


@router.patch("/{team_id}/members", responses=problems(TeamNotFound, NotAllMembers))
async def change_team_members(
    organization_id: UUID,
    team_id: UUID,
    body: ChangeTeamMembers,
    caller: Manager,
    teams: Teams,
    *,
    versions: Versioned,
) -> TeamOut:
    """Bring up to 100 members in and take as many out, all or none; doing it again changes nothing."""
    changed = await teams.change_members(organization_id, team_id, body.add, body.remove, caller)
    versions.tag(changed.version)
    return TeamOut.model_validate(changed)
