"""How the mirror follows Stripe, and how the plan in force follows the mirror."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from billing.catalogue.catalogue import CATALOGUE, FREE, Catalogue
from billing.entitlements.model import Own
from billing.entitlements.repository import EntitlementRepository
from billing.entitlements.service import own
from billing.stripe_api import StripeApi
from billing.subscriptions.facts import facts
from billing.subscriptions.model import Offer, Seen, Subscription, begun, changes
from billing.subscriptions.repository import SubscriptionRepository
from billing.subscriptions.seeing import Unreadable, seen_of
from contracts.names import PLANS
from kit.audit import Provider, audited
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.model import Refused

TYPE: Final = "subscription"
_OWING: Final = ("past_due", "unpaid")

Followed = Callable[[Transaction, Subscription, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SubscriptionReader:
    """Reads a subscription, and since when it owes something if it does."""

    stripe: StripeApi
    catalogue: Catalogue
    followed: Followed
    """What is to be done in the same commit."""
    type: str = TYPE

    async def read(self, object_id: str) -> Seen:
        """The subscription as it is now.

        Raises:
            Refused: there is none, or it cannot be understood.
        """
        subscription = await self.stripe.get(f"/v1/subscriptions/{object_id}")
        since = await self._owing_since(subscription) if subscription.get("status") in _OWING else None
        try:
            return seen_of(subscription, self.catalogue, owing_since=since)
        except Unreadable as trouble:
            raise Refused("The subscription cannot be understood.", code="unreadable", said=str(trouble)) from trouble

    async def _owing_since(self, subscription: Mapping[str, Any]) -> int | None:
        """When its oldest open invoice was issued: however many periods have begun since, the debt is that old."""
        asked = {"subscription": subscription["id"], "status": "open"}
        issued = [_issued(invoice) async for invoice in self.stripe.pages("/v1/invoices", asked)]
        return min(issued, default=None)

    async def apply(self, tx: Transaction, found: Seen, ticket: int) -> None:
        """Bring the mirror, the plan in force and open changes up to it."""
        after = await follow(tx, found)
        await self.followed(tx, after, ticket)


def _issued(invoice: Mapping[str, Any]) -> int:
    finalized = (invoice.get("status_transitions") or {}).get("finalized_at")
    return int(finalized or invoice["created"])


async def follow(tx: Transaction, seen: Seen) -> Subscription:
    """Write what is seen, tell what changed and settle what may be used; under `GrantRepository.lock`."""
    subscriptions = SubscriptionRepository(tx)
    before, now = await subscriptions.lock(seen.stripe_id), await subscriptions.now()
    after = begun(new_id(), tx.organization_id, seen, now) if before is None else before.follow(seen, now)
    if after is not before:
        await moved(tx, before, after)
    return after


async def moved(tx: Transaction, before: Subscription | None, after: Subscription) -> None:
    """A subscription came from one state to another."""
    await SubscriptionRepository(tx).save(after)
    told = changes(before, after)
    await tx.emit(*facts(told, after))
    if told:
        offer = after.seen.offer
        await tx.emit(
            audited(
                "billing.subscription.moved",
                Provider(),
                "subscription",
                after.id,
                state=after.state.value,
                plan=offer.plan,
                interval=offer.interval,
                seats=offer.seats,
            )
        )
    if after.granted != (None if before is None else before.granted):
        await settle_own_plan(tx)


async def settle_own_plan(tx: Transaction) -> None:
    """Let the organization's own plan be the highest that it pays for, else the free one.

    To be called under `GrantRepository.lock`. One that billing has not heard of yet gets it when it is taken in.
    """
    held = await EntitlementRepository(tx).held()
    if held is None:
        return
    bought = [offer for each in await SubscriptionRepository(tx).not_ended() if (offer := each.granted)]
    has = own_of(bought, CATALOGUE.in_force(held.now).number)
    if has != held.own and (bought or held.own.plan != FREE):
        await own(tx, has)


def own_of(bought: Sequence[Offer], version: int) -> Own:
    """What an organization has by itself that bought these; of the free plan, the version that is offered now."""
    known = [offer for offer in bought if offer.plan in PLANS]
    if not known:
        return Own(FREE, version)
    best = max(known, key=lambda offer: (PLANS.index(offer.plan), offer.seats, offer.version))
    return Own(best.plan, best.version, best.seats)
