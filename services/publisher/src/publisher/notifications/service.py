from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect
from postrules.limits import Platform
from publisher.accounts.errors import AccountNotFound
from publisher.accounts.model import Account, AccountKind, AccountState
from publisher.accounts.repository import AccountRepository
from publisher.notifications.model import KIND, Notices, Notifications
from publisher.notifications.repository import NotificationRepository

log = structlog.get_logger(__name__)

_SUBSCRIBED = (Notifications.ON, Notifications.WAITING)


@dataclass(frozen=True, slots=True)
class NotificationService:
    """Asks for notifications when a page is connected, and ends them when it is disconnected."""

    database: Database
    ledger: Callable[[], Ledger]
    notices: Mapping[Platform, Notices]

    async def begin(self, tx: Transaction, account: Account) -> None:
        """Ask for them, in the commit that connects the account; it is connected whatever comes of this."""
        wish_id, wishes = new_id(), NotificationRepository(tx)
        notices = self.notices.get(account.platform)
        if account.kind is AccountKind.ORGANIZATION and notices is not None and notices.on:
            await wishes.wish(account, Notifications.WAITING, wish_id)
            await self.ledger().add(tx, Effect(KIND, account.lane, wish_id))
        elif account.notifications is not Notifications.OFF:
            await wishes.wish(account, Notifications.OFF, wish_id)

    async def end(self, organization_id: UUID, account_id: UUID) -> None:
        """End them while the token is there; as well as it can be done now, for nobody waits for more.

        Nothing is asked where another organization has connected the page: the platform does not tell them apart.
        """
        effect = await self._farewell(organization_id, account_id)
        if effect is None:
            return
        try:
            await self.ledger().perform(effect)
        except TransientError:
            log.info("subscription.not_ended", account_id=str(account_id))

    async def _farewell(self, organization_id: UUID, account_id: UUID) -> Effect | None:
        async with self.database.transaction(organization_id) as tx:
            try:
                account = await AccountRepository(tx).lock(account_id)
            except AccountNotFound:
                return None
            wishes = NotificationRepository(tx)
            subscribed = account.state is AccountState.CONNECTED and account.notifications in _SUBSCRIBED
            if not subscribed or await wishes.needed_elsewhere(account):
                return None
            wish_id = new_id()
            await wishes.wish(account, Notifications.ENDING, wish_id)
            return Effect(KIND, account.lane, wish_id)
