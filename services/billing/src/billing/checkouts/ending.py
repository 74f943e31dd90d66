"""Pages that nobody has finished are closed by a loop, should Stripe's word of their end never have come."""

from dataclasses import dataclass
from typing import Final

from billing.checkouts.kind import EXPIRY
from billing.checkouts.model import CheckoutKind, CheckoutState
from billing.checkouts.repository import CheckoutRepository
from billing.stripe_api import LANE
from kit.db.database import Database
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class CheckoutEnding:
    """Closes pages that are past their time."""

    database: Database
    ledger: Ledger

    async def end_due(self) -> bool:
        """Act upon some; an effect that is there already is not put in again."""
        async with self.database.transaction() as tx:
            due = await CheckoutRepository(tx).overdue(AT_ONCE)
        for checkout_id, organization_id in due:
            async with self.database.transaction(organization_id) as tx:
                checkouts = CheckoutRepository(tx)
                checkout = await checkouts.lock(checkout_id)
                if checkout is not None and checkout.kind is CheckoutKind.PORTAL:
                    session = checkout.stripe_session_id or ""
                    await checkouts.ended(checkout_id, CheckoutState.EXPIRED, session)
                elif checkout is not None:
                    await self.ledger.add(tx, Effect(EXPIRY, Lane(organization_id, LANE), checkout_id))
        return False
