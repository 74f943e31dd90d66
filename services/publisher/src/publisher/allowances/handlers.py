from contracts.billing import EntitlementsChanged
from kit.db.database import Transaction
from kit.quota import on_entitlements


async def on_entitlements_changed(event: EntitlementsChanged, tx: Transaction) -> None:
    """Keep what an organization may use from now on."""
    await on_entitlements(event, tx)
