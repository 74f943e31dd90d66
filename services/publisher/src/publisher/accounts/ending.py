"""The end of a connection: its tokens go, and what has not left waits."""

from typing import Final

from contracts.publisher import AccountDisconnected
from kit.db.database import Transaction
from kit.ledger.ledger import Ledger
from publisher.accounts.model import Account, AccountState
from publisher.accounts.repository import AccountRepository
from publisher.deliveries.repository import DeliveryRepository

DISCONNECTED: Final = "The account was disconnected; connect it again."
FORGOTTEN: Final = "The account was forgotten with the person whose it was; choose another."


async def end(tx: Transaction, ledger: Ledger, account: Account, reason: str) -> int:
    """Forget the tokens of an account that is locked, and tell of it; returns how many deliveries wait.

    What the ledger has of its renewals comes first: that is the order in which a renewal is recorded.
    """
    accounts = AccountRepository(tx, account.organization_id)
    gone = await accounts.set_state(account, AccountState.DISCONNECTED, reason)
    await accounts.forget_tokens(gone)
    await ledger.hold(tx, account.organization_id, account.lane.key, reason)
    waiting = await DeliveryRepository(tx).count_waiting(account.organization_id, account.id)
    await tx.emit(
        AccountDisconnected(
            organization_id=account.organization_id,
            account_id=account.id,
            platform=account.platform,
            waiting=waiting,
            version=gone.version,
        )
    )
    return waiting
