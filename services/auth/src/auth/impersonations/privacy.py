from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from auth.impersonations.repository import ImpersonationRepository
from auth.impersonations.sealing import Reasons
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class ImpersonationHolding:
    """Each time staff acted in a person's place; the audit trail keeps that it happened, not why."""

    database: Database
    reasons: Reasons
    tables: ClassVar[frozenset[str]] = frozenset({"impersonations"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """When, where, until when and why; who of the staff is theirs, and only their id is told."""
        _ = organization_ids
        if person.kind != "user":
            return
        before = None
        while True:
            async with self.database.transaction() as tx:
                page = await ImpersonationRepository(tx).of_user(person.id, before, AT_ONCE)
            opened = await self.reasons.opened(page)
            yield Rows(
                "impersonations",
                [
                    {
                        "id": each.id,
                        "staff_id": each.staff_id,
                        "organization_id": each.organization_id,
                        "reason": each.reason,
                        "created_at": each.created_at,
                        "ends_at": each.ends_at,
                        "ended_at": each.ended_at,
                        "ended_by": each.ended_by,
                    }
                    for each in opened
                ],
            )
            if len(page) < AT_ONCE:
                return
            before = page[-1].id

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go; tokens of one that goes on are void with those of the person's sessions."""
        _ = way
        if person.kind != "user":
            return Erased()
        removed = await ImpersonationRepository(tx).delete_of(person.id, AT_ONCE)
        return Erased(removed={"impersonations": removed}, more=removed == AT_ONCE)
