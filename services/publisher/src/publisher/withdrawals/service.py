from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from kit.db.database import Database, Transaction
from kit.ledger.ledger import Ledger
from kit.process import Loop
from postrules.limits import Platform
from publisher.accounts import renewing
from publisher.accounts.ending import end
from publisher.accounts.model import Account, AccountState
from publisher.accounts.renewing import ended, urge_renewal
from publisher.accounts.repository import AccountRepository
from publisher.withdrawals.errors import DeletionNotFound
from publisher.withdrawals.model import Progress, Wish, Withdrawal, hashed
from publisher.withdrawals.repository import TOPIC, WithdrawalRepository

TAKEN_BACK: Final = "The permission was taken back at the platform; connect the account again."
DELETED: Final = "The person who gave the permission wanted it deleted; connect the account again."
SKEW: Final = timedelta(minutes=1)
DOUBTED: Final = frozenset({Platform.X, Platform.TIKTOK})
"""Whose word is put to the test: the tokens are renewed at once, and the refusal of that ends the account."""

_BATCH: Final = 20
_LEASE: Final = timedelta(minutes=2)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WithdrawalService:
    """Carries withdrawals out in every organization that they concern, and tells who asked how far that is."""

    database: Database
    ledger: Ledger

    async def work(self) -> bool:
        """Carry a few out; True when there may be more. After a crash it is all done again, which harms nothing.

        One that does not work waits by itself, ever longer, and holds none of the others up.
        """
        async with self.database.transaction() as tx:
            due = await WithdrawalRepository(tx).take(_BATCH, _LEASE)
        for withdrawal in due:
            try:
                await self._carry_out(withdrawal)
            except Exception as trouble:  # noqa: BLE001 - whatever it is, the others are carried out
                what = {"wish": withdrawal.wish, "attempt": withdrawal.attempt, "error": type(trouble).__name__}
                log.error("withdrawal.failed", **what)  # noqa: TRY400 - it comes again and again
                async with self.database.transaction() as tx:
                    await WithdrawalRepository(tx).postpone(withdrawal, withdrawal.wait)
        return len(due) == _BATCH

    def loop(self) -> Loop:
        """What a worker runs."""
        return Loop("withdrawals", partial(self.database.wakeups.work_off, TOPIC, self.work))

    async def progress(self, code: str) -> Progress:
        """How far a deletion is.

        Raises:
            DeletionNotFound: there is none by this code.
        """
        async with self.database.transaction() as tx:
            found = await WithdrawalRepository(tx).progress(hashed(code))
        if found is None:
            raise DeletionNotFound
        return found

    async def _carry_out(self, withdrawal: Withdrawal) -> None:
        async with self.database.transaction() as tx:
            accounts = await WithdrawalRepository(tx).accounts(withdrawal)
        for organization_id, account_id in accounts:
            async with self.database.transaction(organization_id) as tx:
                await self._withdraw(tx, withdrawal, account_id)
        async with self.database.transaction() as tx:
            await WithdrawalRepository(tx).done(withdrawal, len(accounts))

    async def _withdraw(self, tx: Transaction, withdrawal: Withdrawal, account_id: UUID) -> None:
        """The ledger's rows come first, in the order in which renewals are recorded.

        Whoever has connected the account again since they took the permission back is not meant.
        """
        accounts = AccountRepository(tx)
        known = (await accounts.among([account_id])).get(account_id)
        if known is None or not _meant(withdrawal, known):
            return
        if withdrawal.wish is Wish.DEAUTHORIZE and withdrawal.platform in DOUBTED:
            told_at, now = withdrawal.issued_at, self.database.clock.now()
            await urge_renewal(tx, self.ledger, known.organization_id, account_id, called_at=told_at, now=now)
            return
        await self.ledger.cancel(tx, renewing.KIND, [known.tokens_id])
        account = await accounts.lock(account_id)
        if not _meant(withdrawal, account):
            return
        if withdrawal.wish is Wish.DELETE:
            await self._forget(tx, account)
        else:
            await ended(tx, self.ledger, account, TAKEN_BACK, self.database.clock.now())
            await accounts.forget_tokens(account)

    async def _forget(self, tx: Transaction, account: Account) -> None:
        if account.state is AccountState.DISCONNECTED:
            await self.ledger.hold(tx, account.organization_id, account.lane.key, DELETED)
        else:
            await end(tx, self.ledger, account, DELETED)
        await AccountRepository(tx).forget(account)


def _meant(withdrawal: Withdrawal, account: Account) -> bool:
    """Whether there is something to be done about this account."""
    if withdrawal.wish is Wish.DELETE:
        return account.external_blind is not None
    return account.state is AccountState.CONNECTED and account.tokens_at <= withdrawal.issued_at + SKEW
