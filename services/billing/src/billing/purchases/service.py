from dataclasses import dataclass
from uuid import UUID

from billing.catalogue.service import PlanService
from billing.checkouts.model import Wish
from billing.checkouts.offering import offer
from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.purchases.errors import PurchaseRefused
from billing.purchases.kind import LANE, OUTCOME, OVER_AFTER, effect
from billing.purchases.model import Purchase, hash_of, new_code
from billing.purchases.repository import PurchaseRepository
from billing.stripe_api import StripeApi
from kit.db.database import Database
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Status


@dataclass(frozen=True, slots=True)
class Opened:
    """Where to pay, and the code by which what is bought is claimed later; neither is kept."""

    id: UUID
    url: str
    claim_code: str


@dataclass(frozen=True, slots=True)
class PurchaseService:
    """Sells to those who have no account."""

    database: Database
    ledger: Ledger
    stripe: StripeApi
    plans: PlanService

    async def begin(self, wish: Wish) -> Opened:
        """Open a page; every one has a code of its own, shown this once.

        Raises:
            PlanNotSold: the wish cannot be met; the field is named.
            PurchaseRefused: Stripe will not have it.
            PaymentsOff, PaymentsUnavailable: not here, or not just now; what was begun is never paid, begin another.
        """
        if not self.stripe.on:
            raise PaymentsOff
        wanted = offer(wish, self.plans.sold())
        code = new_code()
        purchase = Purchase(new_id(), wanted.plan, wanted.version, wanted.interval, wanted.currency, "opening", None)
        async with self.database.transaction() as tx:
            await PurchaseRepository(tx).add(purchase, hash_of(code))
            over = self.database.clock.now() + OVER_AFTER
            await self.ledger.add(tx, Effect(OUTCOME, LANE, purchase.id, due_at=over))
        settled = await self.ledger.perform(effect(purchase.id))
        if settled.status is Status.REFUSED:
            raise PurchaseRefused
        if settled.status is not Status.DONE or not isinstance(settled.result, str):
            raise PaymentsUnavailable
        return Opened(purchase.id, settled.result, code)
