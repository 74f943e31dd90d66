from billing.grants.repository import GrantRepository
from billing.sponsorships.repository import DelegationRepository, SponsorshipRepository
from billing.sponsorships.service import end
from contracts.auth import DelegationGranted, DelegationRevoked
from kit.db.database import Transaction


async def on_delegation_granted(event: DelegationGranted, tx: Transaction) -> None:
    """An agency acts for this client, so it may pay for it."""
    await DelegationRepository(tx).save(
        event.delegation_id, event.organization, event.agency_id, event.ends_at, event.version, revoked=False
    )


async def on_delegation_revoked(event: DelegationRevoked, tx: Transaction) -> None:
    """An agency that acts for this client no more pays no more."""
    await GrantRepository(tx).lock()
    await DelegationRepository(tx).save(
        event.delegation_id, event.organization, event.agency_id, None, event.version, revoked=True
    )
    for sponsorship in await SponsorshipRepository(tx).of_delegation(event.delegation_id):
        await end(tx, sponsorship, "delegation")
