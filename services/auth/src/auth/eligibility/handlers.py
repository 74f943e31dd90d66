from auth.eligibility.model import FREE
from auth.eligibility.repository import ClaimRepository
from contracts.billing import EntitlementsChanged
from kit.db.database import Transaction
from kit.quota import on_entitlements


async def on_entitlements_changed(event: EntitlementsChanged, tx: Transaction) -> None:
    """Keep what an organization may use; with a plan that is paid for, what it has claimed has come."""
    await on_entitlements(event, tx)
    if event.plan != FREE:
        await ClaimRepository(tx).link()
