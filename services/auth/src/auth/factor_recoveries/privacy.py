from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from auth.factor_recoveries.repository import FactorRecoveryRepository
from auth.factor_recoveries.sealing import RecoveryReasons
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

SHOWN: Final = 1000


@dataclass(frozen=True, slots=True)
class FactorRecoveryHolding:
    """When staff began to remove a user's second factors, and why."""

    database: Database
    reasons: RecoveryReasons
    tables: ClassVar[frozenset[str]] = frozenset({"factor_recoveries"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """All of them, opened; who of the staff is theirs, and only their id is told."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.transaction() as tx:
            found = await FactorRecoveryRepository(tx).of_user(person.id, SHOWN)
        yield Rows(
            "factor_recoveries",
            [
                {
                    "id": each.id,
                    "reason": each.reason,
                    "state": each.state,
                    "cancelled_by": each.cancelled_by,
                    "begun_by": each.begun_by,
                    "created_at": each.created_at,
                    "due_at": each.due_at,
                    "settled_at": each.settled_at,
                }
                for each in await self.reasons.opened(found)
            ],
        )

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go with the account."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(removed={"factor_recoveries": await FactorRecoveryRepository(tx).delete_of_user(person.id)})
