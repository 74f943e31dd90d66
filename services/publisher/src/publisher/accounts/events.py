"""Facts about accounts."""

from datetime import datetime

from contracts.publisher import AccountConnected, AccountHealthChanged
from kit.db.database import Transaction
from publisher.accounts.model import Account, Health, judged_at
from publisher.accounts.repository import AccountRepository


async def tell_connected(tx: Transaction, account: Account) -> None:
    """The account was connected, for the first time or anew."""
    await tx.emit(
        AccountConnected(
            organization_id=account.organization_id,
            account_id=account.id,
            platform=account.platform,
            version=account.version,
        )
    )


async def tell_health(tx: Transaction, account: Account, now: datetime) -> Health:
    """Tell the health if it is another than was told last, and plan when to look at it again."""
    health = account.health(now)
    again = judged_at(now, account.good_until) if health is not Health.RECONNECT_NEEDED else None
    await AccountRepository(tx, account.organization_id).told(account, health, again)
    if health is not account.told:
        await tx.emit(
            AccountHealthChanged(
                organization_id=account.organization_id,
                account_id=account.id,
                platform=account.platform,
                health=health.value,
                version=account.version,
            )
        )
    return health
