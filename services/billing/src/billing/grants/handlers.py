from billing.entitlements.service import settle
from billing.grants.repository import GrantRepository
from contracts.auth import SubscriptionGranted, SubscriptionRevoked
from kit.db.database import Transaction


async def on_subscription_granted(event: SubscriptionGranted, tx: Transaction) -> None:
    """A granted plan lifts the organization's own."""
    grants = GrantRepository(tx)
    await grants.lock()
    if await grants.save(event.grant_id, event.plan, event.until, event.version, revoked=False):
        await settle(tx)


async def on_subscription_revoked(event: SubscriptionRevoked, tx: Transaction) -> None:
    """The organization returns to what it has otherwise."""
    grants = GrantRepository(tx)
    await grants.lock()
    if await grants.save(event.grant_id, event.plan, event.until, event.version, revoked=True):
        await settle(tx)
