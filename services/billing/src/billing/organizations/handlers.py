from billing.organizations.service import take_in
from contracts.auth import OrganizationCreated
from kit.db.database import Transaction


async def on_organization_created(event: OrganizationCreated, tx: Transaction) -> None:
    """A new organization starts on the free plan."""
    await take_in(event, tx)
