from collections.abc import AsyncIterator, Sequence

from kit.db.database import Transaction
from kit.ledger.model import Settled


async def one_by_one(tx: Transaction, settled: Sequence[Settled]) -> AsyncIterator[Settled]:
    """Each of them with the transaction bound to its organization; afterwards it is bound to all again."""
    bound = tx.organization_ids
    for each in sorted(settled, key=lambda one: one.entry.subject_id):
        if each.entry.organization_id is not None:
            await tx.bind(each.entry.organization_id)
            yield each
    await tx.bind(*bound)
