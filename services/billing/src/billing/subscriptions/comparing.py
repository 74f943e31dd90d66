"""Subscriptions as the nightly comparison sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta

from billing.catalogue.catalogue import Catalogue
from billing.reconciliation.model import Json
from billing.subscriptions.following import TYPE
from billing.subscriptions.model import Seen
from billing.subscriptions.repository import SubscriptionRepository
from billing.subscriptions.seeing import Unreadable, seen_of
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class ComparedSubscriptions:
    """Every subscription that Stripe has, ended ones too."""

    catalogue: Catalogue
    type: str = TYPE
    path: str = "/v1/subscriptions"
    reach: timedelta | None = None

    @property
    def params(self) -> Json:
        """The list leaves ended ones out unless it is asked for all."""
        return {"status": "all"}

    async def differences(self, tx: Transaction, listed: Mapping[str, Json]) -> Mapping[str, Sequence[str]]:
        """What of the mirror is not what Stripe says; since when something is owed takes more than a list to know."""
        ours = await SubscriptionRepository(tx).by_stripe_ids(list(listed))
        return {key: self._differs(ours[key].seen, listed[key]) for key in ours}

    def _differs(self, ours: Seen, listed: Json) -> Sequence[str]:
        try:
            theirs = replace(seen_of(listed, self.catalogue), past_due_since=ours.past_due_since)
        except Unreadable:
            return ("everything",)
        return [each.name for each in fields(Seen) if getattr(ours, each.name) != getattr(theirs, each.name)]
