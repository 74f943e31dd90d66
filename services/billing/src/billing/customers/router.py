from typing import Annotated

from fastapi import APIRouter, Depends

from billing.customers.details import DetailsRefused
from billing.customers.schemas import ChangeDetails, DetailsOut
from billing.customers.service import CustomerService
from billing.doors import Manager
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, ConditionMalformed, ConditionMissing, Expected, Versioned
from kit.http.problem import problems

router = APIRouter(prefix="/v1/billing", tags=["billing"])

Customers = Annotated[CustomerService, Depends(part(CustomerService))]
_MEMBERS = (TokenRefused, NoOrganization, RoleMissing)


@router.get("/details", responses=problems(*_MEMBERS))
async def read_details(caller: Manager, customers: Customers, versions: Versioned) -> DetailsOut:
    """What stands on the organization's invoices."""
    customer, details = await customers.read(caller)
    versions.tag(customer.version)
    return DetailsOut.of(customer, details)


@router.patch(
    "/details",
    responses=problems(*_MEMBERS, DetailsRefused, Changed, ConditionMissing, ConditionMalformed),
)
async def change_details(
    body: ChangeDetails, caller: Manager, customers: Customers, versions: Versioned, expected: Expected
) -> DetailsOut:
    """Change what stands on invoices from now on; those that were made stay as they are."""
    customer, details = await customers.change(caller, body.given(), expected)
    versions.tag(customer.version)
    return DetailsOut.of(customer, details)
