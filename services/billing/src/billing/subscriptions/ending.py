"""What happens to subscriptions by the passing of time alone: grace ends, and a trial is about to."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.grants.repository import GrantRepository
from billing.subscriptions.following import moved
from billing.subscriptions.model import TRIAL_ENDING
from billing.subscriptions.repository import SubscriptionRepository
from contracts.billing import SubscriptionTrialEnding
from kit.db.database import Database

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class SubscriptionEnding:
    """Acts upon what is due, one organization after the other."""

    database: Database

    async def end_grace(self) -> bool:
        """Restrict those who still owe after their grace; True when there may be more."""
        async with self.database.transaction() as tx:
            due = await SubscriptionRepository(tx).with_ended_grace(AT_ONCE)
        for organization_id in due:
            await self._restrict(organization_id)
        return len(due) >= AT_ONCE

    async def _restrict(self, organization_id: UUID) -> None:
        async with self.database.transaction(organization_id) as tx:
            await GrantRepository(tx).lock()
            subscriptions = SubscriptionRepository(tx)
            now = await subscriptions.now()
            for each in await subscriptions.over_grace():
                await moved(tx, each, each.follow(each.seen, now))

    async def tell_ending_trials(self) -> bool:
        """Say of trials that they end soon, once each; True when there may be more."""
        async with self.database.transaction() as tx:
            due = await SubscriptionRepository(tx).with_ending_trials(TRIAL_ENDING, AT_ONCE)
        for organization_id in due:
            async with self.database.transaction(organization_id) as tx:
                for each in await SubscriptionRepository(tx).tell_ending_trials(TRIAL_ENDING):
                    ends_at = each.seen.trial_ends_at
                    if ends_at is not None:
                        await tx.emit(
                            SubscriptionTrialEnding(
                                subscription_id=each.id, version=each.version, trial_ends_at=ends_at
                            )
                        )
        return len(due) >= AT_ONCE
