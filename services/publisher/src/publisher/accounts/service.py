from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.ledger.ledger import Ledger
from publisher.accounts.ending import DISCONNECTED, end
from publisher.accounts.errors import AccountNotFound
from publisher.accounts.events import tell_health
from publisher.accounts.model import AccountState, Named
from publisher.accounts.renewing import KIND
from publisher.accounts.repository import AccountRepository, to_judge
from publisher.accounts.sealing import AccountSeal
from publisher.notifications.service import NotificationService


@dataclass(frozen=True, slots=True)
class AccountService:
    """What people ask of the accounts of their organization."""

    database: Database
    ledger: Ledger
    notifications: NotificationService
    seal: AccountSeal

    def now(self) -> datetime:
        """The platform's time, by which health is judged."""
        return self.database.clock.now()

    async def find(self, account_id: UUID, caller: MemberCaller) -> Named:
        """One account.

        Raises:
            AccountNotFound: there is none, or it was disconnected.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            account = await AccountRepository(tx).find(account_id)
        (named,) = await self.seal.named(caller.organization_id, [account])
        return named

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> list[Named]:
        """Accounts in the order they were connected; disconnected ones are not shown."""
        async with self.database.transaction(caller.organization_id) as tx:
            accounts = await AccountRepository(tx).page(after, limit)
        return await self.seal.named(caller.organization_id, accounts)

    async def disconnect(self, account_id: UUID, caller: MemberCaller) -> int:
        """Forget its tokens; what has not left waits until it is connected again. Returns how many deliveries wait.

        Raises:
            AccountNotFound: there is none, or it was disconnected before.
        """
        await self.notifications.end(caller.organization_id, account_id)
        async with self.database.transaction(caller.organization_id) as tx:
            accounts = AccountRepository(tx)
            tokens = await accounts.tokens_of([account_id])
            await self.ledger.cancel(tx, KIND, tokens.values())
            account = await accounts.lock(account_id)
            if account.state is AccountState.DISCONNECTED:
                raise AccountNotFound
            await tx.emit(
                audited("publisher.account.disconnected", caller, "account", account.id, platform=account.platform)
            )
            return await end(tx, self.ledger, account, DISCONNECTED)


@dataclass(frozen=True, slots=True)
class AccountWatch:
    """Looks at accounts when their health is due to change by the passing of time, and tells of it."""

    database: Database

    async def judge_due(self) -> bool:
        """Judge a batch; True when there may be more."""
        async with self.database.transaction() as tx:
            due = await to_judge(tx)
        for organization_id, account_id in due:
            async with self.database.transaction(organization_id) as tx:
                account = await AccountRepository(tx).lock(account_id)
                await tell_health(tx, account, self.database.clock.now())
        return bool(due)
