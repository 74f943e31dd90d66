from typing import Annotated

from fastapi import APIRouter, Depends, Response

from billing.organizations.errors import OrganizationNotHeardOf
from billing.organizations.schemas import BillingOrganizationOut
from billing.organizations.service import OrganizationService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.etag import Versioned
from kit.http.problem import problems

router = APIRouter(prefix="/v1/billing", tags=["billing"])

Organizations = Annotated[OrganizationService, Depends(part(OrganizationService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]


@router.get(
    "/organization",
    response_model=BillingOrganizationOut,
    responses=problems(TokenRefused, NoOrganization, RoleMissing, OrganizationNotHeardOf),
)
async def read_organization(
    caller: Reader, organizations: Organizations, versions: Versioned
) -> BillingOrganizationOut | Response:
    """The plan, the limits and the seats of the token's organization."""
    found = await organizations.read(caller)
    return versions.unchanged(found.version, found.organization_id) or BillingOrganizationOut.model_validate(found)
