from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.directory.errors import NoSuchOrganization, UserNotFound
from auth.staff.errors import FreshProofNeeded
from auth.suspensions.schemas import Suspend, SuspensionOut, SuspensionsOut
from auth.suspensions.service import SuspensionService
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(
    prefix="/v1/staff", tags=["staff"], responses=problems(TokenRefused, PermissionMissing, FreshProofNeeded)
)

Suspensions = Annotated[SuspensionService, Depends(part(SuspensionService))]
UserReader = Annotated[StaffCaller, staff_permitted("users.read")]
OrganizationReader = Annotated[StaffCaller, staff_permitted("organizations.read")]
OfUsers = Annotated[StaffCaller, staff_permitted("users.suspend")]
OfOrganizations = Annotated[StaffCaller, staff_permitted("organizations.suspend")]


@router.put("/users/{user_id}/suspension", status_code=status.HTTP_204_NO_CONTENT, responses=problems(UserNotFound))
async def suspend_user(user_id: UUID, body: Suspend, staff: OfUsers, suspensions: Suspensions) -> None:
    """Suspend a user: sessions and tokens end within seconds. Who is suspended stays so, for the first reason."""
    await suspensions.suspend_user(user_id, body.reason, body.note, staff)


@router.delete(
    "/users/{user_id}/suspension", status_code=status.HTTP_204_NO_CONTENT, responses=problems(UserNotFound)
)
async def restore_user(user_id: UUID, staff: OfUsers, suspensions: Suspensions) -> None:
    """Restore a user, who may sign in again."""
    await suspensions.restore_user(user_id, staff)


@router.get("/users/{user_id}/suspensions")
async def list_suspensions_of_user(user_id: UUID, _staff: UserReader, suspensions: Suspensions) -> SuspensionsOut:
    """When a user was suspended, why, and until when."""
    found = await suspensions.of_user(user_id)
    return SuspensionsOut(items=[SuspensionOut.model_validate(each) for each in found])


@router.put(
    "/organizations/{organization_id}/suspension",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NoSuchOrganization),
)
async def suspend_organization(
    organization_id: UUID, body: Suspend, staff: OfOrganizations, suspensions: Suspensions
) -> None:
    """Suspend an organization: nobody acts in it any more, neither members nor keys."""
    await suspensions.suspend_organization(organization_id, body.reason, body.note, staff)


@router.delete(
    "/organizations/{organization_id}/suspension",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NoSuchOrganization),
)
async def restore_organization(organization_id: UUID, staff: OfOrganizations, suspensions: Suspensions) -> None:
    """Restore an organization."""
    await suspensions.restore_organization(organization_id, staff)


@router.get("/organizations/{organization_id}/suspensions")
async def list_suspensions_of_organization(
    organization_id: UUID, _staff: OrganizationReader, suspensions: Suspensions
) -> SuspensionsOut:
    """When an organization was suspended, why, and until when."""
    found = await suspensions.of_organization(organization_id)
    return SuspensionsOut(items=[SuspensionOut.model_validate(each) for each in found])
