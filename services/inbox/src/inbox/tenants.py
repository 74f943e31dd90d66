"""Work of several organizations in one transaction, done for one after another."""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar
from uuid import UUID

from kit.db.database import Transaction
from kit.ledger.model import Entry, Settled

E = TypeVar("E", Entry, Settled)


async def by_organization(tx: Transaction, work: Sequence[E]) -> AsyncIterator[tuple[UUID, list[E]]]:
    """Each organization and what is its, with the transaction bound to it; afterwards it is bound to all again."""
    groups: dict[UUID, list[E]] = {}
    for each in work:
        organization_id = (each if isinstance(each, Entry) else each.entry).organization_id
        if organization_id is not None:
            groups.setdefault(organization_id, []).append(each)
    for organization_id in sorted(groups):
        if len(groups) > 1:
            await tx.bind(organization_id)
        yield organization_id, groups[organization_id]
    if len(groups) > 1:
        await tx.bind(*groups)
