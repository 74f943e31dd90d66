from dataclasses import dataclass

from billing.entitlements.service import begin
from billing.grants.repository import GrantRepository
from billing.organizations.model import BillingOrganization
from billing.organizations.repository import OrganizationRepository
from billing.subscriptions.following import settle_own_plan
from contracts.auth import OrganizationCreated
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class OrganizationService:
    """What people ask of an organization's billing."""

    database: Database

    async def read(self, caller: MemberCaller) -> BillingOrganization:
        """The caller's organization with its plan, limits and seats."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await OrganizationRepository(tx).find()


async def take_in(event: OrganizationCreated, tx: Transaction) -> None:
    """Start a new organization on the free plan; one that is known stays as it is, also when history is replayed.

    What staff granted it may have been heard of before.
    """
    await GrantRepository(tx).lock()
    if await OrganizationRepository(tx).add(version=event.version, created_at=event.time):
        await begin(tx)
        await settle_own_plan(tx)
