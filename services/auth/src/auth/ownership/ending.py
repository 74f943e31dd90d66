"""How offers end that nobody takes any more."""

from uuid import UUID

from auth.ownership.repository import TransferRepository
from contracts.auth import OwnershipWithdrawn
from kit.audit import Actor, audited
from kit.db.database import Transaction


async def end_offers(tx: Transaction, member_id: UUID, by: Actor) -> None:
    """Void what a member who leaves was giving or getting, in the transaction in which they leave."""
    for row in await TransferRepository(tx).delete_of(member_id):
        if row["state"] == "pending":
            await tell_withdrawn(tx, tx.organization_id, row["id"], row["version"] + 1, by)


async def tell_withdrawn(tx: Transaction, organization_id: UUID, transfer_id: UUID, version: int, by: Actor) -> None:
    """The fact and the line that an offer is void."""
    await tx.emit(
        OwnershipWithdrawn(organization_id=organization_id, transfer_id=transfer_id, version=version),
        audited("auth.ownership.withdrawn", by, "ownership", transfer_id, organization_id=organization_id),
    )
