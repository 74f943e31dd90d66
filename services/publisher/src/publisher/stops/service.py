from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.publisher import PublishingResumed, PublishingStopped
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from publisher.accounts.model import Account
from publisher.accounts.repository import AccountRepository
from publisher.deliveries.model import KIND
from publisher.posts.withdrawing import withdraw
from publisher.stops.errors import StopLifted
from publisher.stops.model import Overdue, Stop
from publisher.stops.repository import StopRepository, by_account


@dataclass(frozen=True, slots=True)
class StopService:
    """Stops what leaves, and lifts that.

    A stop is rows of the ledger's holds, one for each account's lane, written in the commit that puts it on record:
    no worker claims anything there from then on, posts, parts of threads and comments alike. Tokens are renewed
    meanwhile, for they have lanes of their own.
    """

    database: Database
    ledger: Ledger

    async def stop(self, caller: MemberCaller, account_id: UUID | None, reason: str) -> Stop:
        """Stop one account, or all of the organization, also those that are connected later; again changes nothing.

        Raises:
            AccountNotFound: there is no such account.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            accounts, stops = AccountRepository(tx), StopRepository(tx)
            await accounts.lock_all()
            lanes = await accounts.lanes(account_id)
            stop = await stops.add(new_id(), account_id, reason, caller.user_id)
            if stop is None:
                return await stops.standing(account_id)
            await self.ledger.stop(tx, caller.organization_id, lanes.values(), reason=stop.said, cause=stop.cause)
            await tx.emit(
                PublishingStopped(stop_id=stop.id, account_id=account_id, version=stop.version),
                audited("publisher.publishing.stopped", caller, "stop", stop.id, account=str(account_id or "all")),
            )
        return stop

    async def lift(self, stop_id: UUID, caller: MemberCaller, overdue: Overdue, minutes_apart: int) -> Stop:
        """Let things leave again; what came due meanwhile leaves at a distance, from now on, or never.

        Raises:
            StopNotFound, StopLifted: there is none, or it was lifted.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            stops, accounts = StopRepository(tx), AccountRepository(tx)
            await accounts.lock_all()
            stop = await stops.lock(stop_id)
            if stop.lifted_at is not None:
                raise StopLifted
            waiting = await stops.overdue(await accounts.lanes(stop.account_id))
            if overdue == "cancel":
                affected = len(await withdraw(tx, self.ledger, {row["id"]: row["post_id"] for row in waiting}))
            else:
                times = _spread(by_account(waiting), self.database.clock.now(), timedelta(minutes=minutes_apart))
                affected = len(await self.ledger.reschedule(tx, KIND, times)) if times else 0
            await self.ledger.lift(tx, caller.organization_id, stop.cause)
            apart = minutes_apart if overdue == "spread" else None
            lifted = await stops.lifted(stop_id, caller.user_id, overdue, apart, affected)
            await tx.emit(
                PublishingResumed(
                    stop_id=stop.id,
                    account_id=stop.account_id,
                    overdue=overdue,
                    affected=affected,
                    version=lifted.version,
                ),
                audited("publisher.publishing.resumed", caller, "stop", stop.id, overdue=overdue, affected=affected),
            )
        return lifted

    async def find(self, stop_id: UUID, caller: MemberCaller) -> Stop:
        """One stop.

        Raises:
            StopNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            return await StopRepository(tx).find(stop_id)

    async def page(
        self, caller: MemberCaller, after: UUID | None, limit: int, *, standing: bool | None
    ) -> list[Stop]:
        """The newest first."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await StopRepository(tx).page(after, limit, standing=standing)


async def hold_stopped(tx: Transaction, ledger: Ledger, account: Account) -> None:
    """Let an account that is connected just now be stopped, too, if all are; under the lock of all accounts."""
    for stop in await StopRepository(tx, account.organization_id).covering(account.id):
        await ledger.stop(tx, account.organization_id, [account.lane.key], reason=stop.said, cause=stop.cause)


def _spread(waiting: dict[UUID, list[UUID]], first: datetime, apart: timedelta) -> dict[UUID, datetime]:
    """A time for each delivery: for each account one after the other."""
    return {each: first + apart * place for found in waiting.values() for place, each in enumerate(found)}
