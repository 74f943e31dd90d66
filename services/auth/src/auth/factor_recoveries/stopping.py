"""Whoever shows a second factor has not lost it: a recovery that is pending stops."""

from uuid import UUID

from auth.factor_recoveries.repository import FactorRecoveryRepository
from kit.audit import User, audited
from kit.db.database import Transaction


async def stop_recovery(tx: Transaction, user_id: UUID) -> None:
    """In the transaction in which a second factor was shown."""
    recovery_id = await FactorRecoveryRepository(tx).cancel_of(user_id, "factor")
    if recovery_id is not None:
        await tx.emit(
            audited("auth.factor_recovery.cancelled", User(user_id), "factor_recovery", recovery_id, by="factor")
        )
