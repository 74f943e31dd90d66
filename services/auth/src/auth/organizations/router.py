from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.organizations.schemas import ChangeOrganization, CreateOrganization, OrganizationOut
from auth.organizations.service import OrganizationService
from auth.sign_ins.errors import SecondFactorRequired, StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, PersonalCaller, TokenRefused, permitted_by_rows
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(prefix="/v1/organizations", tags=["organizations"], responses=problems(TokenRefused))

Organizations = Annotated[OrganizationService, Depends(part(OrganizationService))]
Anyone = Annotated[Caller, Depends(permitted_by_rows("organization.read"))]
Renamer = Annotated[Caller, Depends(permitted_by_rows("organization.rename"))]


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(IdempotencyKeyReused))
async def create_organization(
    body: CreateOrganization,
    caller: PersonalCaller,
    organizations: Organizations,
    key: IdempotencyKey,
    versions: Versioned,
) -> OrganizationOut:
    """Create an organization; the caller becomes its owner. Refresh with its id to act in it."""
    held = await organizations.create(body.name, caller, key)
    versions.tag(held.version)
    return OrganizationOut.of(held)


@router.get("", responses=problems(BadCursor))
async def list_organizations(
    caller: PersonalCaller, organizations: Organizations, page: Paging
) -> Page[OrganizationOut]:
    """My organizations, oldest first."""
    held, cursor = await organizations.mine(caller, page)
    return Page(items=[OrganizationOut.of(each) for each in held], next_cursor=cursor)


@router.get("/{organization_id}", responses=problems(OrganizationNotFound))
async def read_organization(
    organization_id: UUID, caller: Anyone, organizations: Organizations, versions: Versioned
) -> OrganizationOut:
    """One of my organizations; the ETag is the organization's, what the answer says of me is not part of it."""
    held = await organizations.read(organization_id, caller)
    versions.tag(held.version)
    return OrganizationOut.of(held)


@router.patch(
    "/{organization_id}",
    responses=problems(
        OrganizationNotFound, NotAllowed, Changed, ConditionMissing, StepUpNeeded, SecondFactorRequired
    ),
)
async def change_organization(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    body: ChangeOrganization,
    caller: Renamer,
    organizations: Organizations,
    expected: Expected,
    versions: Versioned,
) -> OrganizationOut:
    """Rename an organization, or demand a second factor of its members, as its owner or an administrator.

    Demanding one takes a fresh proof by a second factor of one's own. Members who have shown none are told so (403)
    from then on: their tokens are void within seconds, and they stay signed in without this organization.
    """
    held = await organizations.change(organization_id, body, caller, expected)
    versions.tag(held.version)
    return OrganizationOut.of(held)
