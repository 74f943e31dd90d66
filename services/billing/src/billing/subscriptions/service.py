from dataclasses import dataclass

from billing.subscriptions.errors import NoSubscription
from billing.subscriptions.model import Subscription
from billing.subscriptions.repository import SubscriptionRepository
from kit.db.database import Database
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class SubscriptionService:
    """What people ask of their subscription."""

    database: Database

    async def read(self, caller: MemberCaller) -> Subscription:
        """The subscription that goes on, else the one that ended last.

        Raises:
            NoSubscription: there never was one.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            found = await SubscriptionRepository(tx).current()
        if found is None:
            raise NoSubscription
        return found
