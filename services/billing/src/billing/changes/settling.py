"""Open changes are settled by what is read of their subscription."""

from billing.changes.model import settled_by_reading
from billing.changes.repository import ChangeRepository
from billing.subscriptions.model import Subscription
from kit.db.database import Transaction

_LAPSED = "It was not paid in time."


async def settle_open(tx: Transaction, subscription: Subscription, ticket: int) -> None:
    """See what became of changes of this subscription, which was read under this ticket."""
    changes = ChangeRepository(tx)
    still_open = await changes.open(subscription.id)
    if not still_open:
        return
    now = await changes.now()
    for change in still_open:
        state = settled_by_reading(change, subscription, ticket, now)
        if state is not change.state:
            await changes.settle(change, state, reason=_LAPSED if state == "lapsed" else "")
