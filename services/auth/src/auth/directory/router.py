from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status
from pydantic import AwareDatetime

from auth.accounts.address import AddressInvalid
from auth.accounts.phone import NumberInvalid
from auth.challenges.schemas import Accepted
from auth.directory.errors import NoMailAddress, NoSuchOrganization, UserNotFound
from auth.directory.model import Wanted
from auth.directory.schemas import (
    AddressesOut,
    AddressOut,
    OrganizationForStaffOut,
    OrganizationPageOut,
    UserOut,
    UserPageOut,
)
from auth.directory.service import DirectoryService
from kit.http.app import part
from kit.http.caller import TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import PermissionMissing, StaffCaller, staff_permitted

users = APIRouter(prefix="/v1/staff/users", tags=["staff"], responses=problems(TokenRefused, PermissionMissing))
organizations = APIRouter(
    prefix="/v1/staff/organizations", tags=["staff"], responses=problems(TokenRefused, PermissionMissing)
)

Directory = Annotated[DirectoryService, Depends(part(DirectoryService))]
Reader = Annotated[StaffCaller, staff_permitted("users.read")]
Opener = Annotated[StaffCaller, staff_permitted("users.addresses")]
Resetter = Annotated[StaffCaller, staff_permitted("users.reset")]
Ender = Annotated[StaffCaller, staff_permitted("users.end_sessions")]
OrganizationReader = Annotated[StaffCaller, staff_permitted("organizations.read")]


async def wanted(  # noqa: PLR0917 - FastAPI passes them all by name
    email: Annotated[str | None, Query(max_length=320, description="The whole address")] = None,
    phone: Annotated[str | None, Query(max_length=40, description="The whole number, with + and country")] = None,
    id: Annotated[UUID | None, Query(description="The user's id")] = None,  # noqa: A002 - its name in the query
    organization: Annotated[UUID | None, Query(description="Who is a member there")] = None,
    created_after: Annotated[AwareDatetime | None, Query()] = None,
    suspended: Annotated[bool | None, Query()] = None,
) -> Wanted:
    """What the query asks for."""
    return Wanted(email, phone, id, organization, created_after, suspended)


@users.get("", responses=problems(AddressInvalid, NumberInvalid, BadCursor))
async def search_users(
    staff: Reader, directory: Directory, what: Annotated[Wanted, Depends(wanted)], page: Paging
) -> Page[UserOut]:
    """Users with masked addresses, the newest first."""
    found, cursor = await directory.search(what, page, staff)
    return Page(items=[UserOut.model_validate(each) for each in found], next_cursor=cursor)


@users.get("/{user_id}", responses=problems(UserNotFound))
async def read_user(user_id: UUID, staff: Reader, directory: Directory) -> UserPageOut:
    """One user, with masked addresses; that it was read is put on record."""
    return UserPageOut.model_validate(await directory.read(user_id, staff))


@users.get("/{user_id}/addresses", responses=problems(UserNotFound))
async def open_addresses(user_id: UUID, staff: Opener, directory: Directory) -> AddressesOut:
    """The addresses of one user as they were typed; each time is put on record."""
    found = await directory.open_addresses(user_id, staff)
    return AddressesOut(items=[AddressOut.model_validate(each) for each in found])


@users.delete("/{user_id}/sessions", status_code=status.HTTP_204_NO_CONTENT, responses=problems(UserNotFound))
async def end_users_sessions(user_id: UUID, staff: Ender, directory: Directory) -> None:
    """Sign a user out everywhere."""
    await directory.end_sessions(user_id, staff)


@users.post(
    "/{user_id}/password-resets",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(UserNotFound, NoMailAddress),
)
async def start_reset(user_id: UUID, staff: Resetter, directory: Directory) -> Accepted:
    """Send a user the mail by which they choose another password; nobody chooses it for them."""
    await directory.start_reset(user_id, staff)
    return Accepted()


@organizations.get("", responses=problems(BadCursor))
async def search_organizations(
    _staff: OrganizationReader,
    directory: Directory,
    page: Paging,
    name: Annotated[str | None, Query(min_length=2, max_length=200, description="How the name begins")] = None,
    suspended: Annotated[bool, Query(description="Only those that are suspended")] = False,
) -> Page[OrganizationForStaffOut]:
    """Organizations, the newest first; by name, the first page of them in the order of their names."""
    found, cursor = await directory.organizations(name=name, suspended=suspended, page=page)
    return Page(items=[OrganizationForStaffOut.model_validate(each) for each in found], next_cursor=cursor)


@organizations.get("/{organization_id}", responses=problems(NoSuchOrganization))
async def read_organization(
    organization_id: UUID, staff: OrganizationReader, directory: Directory
) -> OrganizationPageOut:
    """One organization; that it was read is put on record, where its owners see it."""
    return OrganizationPageOut.model_validate(await directory.organization(organization_id, staff))
