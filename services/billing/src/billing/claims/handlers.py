from billing.claims.kind import KIND, effect
from billing.claims.repository import ClaimRepository
from contracts.auth import SubscriptionClaimed, SubscriptionClaimWithdrawn
from kit.db.database import Transaction
from kit.ledger import rows


async def on_subscription_claimed(event: SubscriptionClaimed, tx: Transaction) -> None:
    """What was sold with the code is to be looked for."""
    if await ClaimRepository(tx).add(event.claim_id, bytes.fromhex(event.code_hash)):
        await rows.add(tx, [effect(event.organization, event.claim_id)])


async def on_subscription_claim_withdrawn(event: SubscriptionClaimWithdrawn, tx: Transaction) -> None:
    """What was not found yet is looked for no more."""
    await rows.cancel(tx, KIND, [event.claim_id])
    await ClaimRepository(tx).withdraw(event.claim_id)
