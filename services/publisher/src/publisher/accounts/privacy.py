from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from publisher.accounts.ending import FORGOTTEN, end
from publisher.accounts.model import Account, AccountKind, AccountState, Named
from publisher.accounts.renewing import KIND
from publisher.accounts.repository import AccountRepository, PersonsAccounts
from publisher.accounts.sealing import AccountSeal, key_owner

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class AccountHolding:
    """Accounts that a user connected: their own, and pages of the organization."""

    database: Database
    ledger: Ledger
    seal: AccountSeal
    tables: ClassVar[frozenset[str]] = frozenset({"connected_accounts"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each account by its name, with what it was allowed; never its tokens."""
        if person.kind != "user":
            return
        for organization_id in organization_ids:
            after: UUID | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    accounts = await PersonsAccounts(tx).page(person.id, after, _PAGE)
                named = await self.seal.named(organization_id, accounts)
                yield Rows("connected_accounts", [_row(each) for each in named])
                if len(accounts) < _PAGE:
                    break
                after = accounts[-1].id

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """End and empty a batch of their own accounts, whose keys may go; pages stay, as nobody's.

        Raises:
            UnderWay: tokens are being renewed just now.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        theirs = PersonsAccounts(tx)
        found = await theirs.page(person.id, None, _PAGE)
        if not found:
            return Erased()
        own = [each.tokens_id for each in found if each.kind is AccountKind.MEMBER]
        removed = await self.ledger.forget(tx, (KIND,), own)
        locked = await theirs.lock([each.id for each in found], person.id)
        forgotten = [each for each in locked if each.kind is AccountKind.MEMBER]
        for account in forgotten:
            await self._forget(tx, account)
        pages = [each.id for each in locked if each.kind is not AccountKind.MEMBER]
        return Erased(
            removed=removed,
            unlinked={"connected_accounts": len(forgotten) + await theirs.unlink(pages)},
            keys=[f"{each.organization_id}/{key_owner(each.id)}" for each in forgotten],
            more=len(found) == _PAGE,
        )

    async def _forget(self, tx: Transaction, account: Account) -> None:
        if account.state is AccountState.DISCONNECTED:
            await self.ledger.hold(tx, account.organization_id, account.lane.key, FORGOTTEN)
        else:
            await end(tx, self.ledger, account, FORGOTTEN)
        await AccountRepository(tx, account.organization_id).forget(account)


def _row(named: Named) -> dict[str, object]:
    account = named.account
    return {
        "id": account.id,
        "organization_id": account.organization_id,
        "platform": account.platform,
        "kind": account.kind,
        "external_id": named.external_id,
        "name": named.name,
        "scopes": account.scopes,
        "state": account.state,
        "reason": account.reason,
        "notifications": account.notifications,
        "notifications_reason": account.notifications_reason,
        "good_until": account.good_until,
        "created_at": account.created_at,
        "changed_at": account.changed_at,
    }
