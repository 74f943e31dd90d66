from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.federation.repository import FlowRepository, IdentityRepository
from auth.federation.sealing import Subjects
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class FederationHolding:
    """Accounts at providers that are linked to a user, and ways there that are under way."""

    database: Database
    subjects: Subjects
    tables: ClassVar[frozenset[str]] = frozenset({"federated_identities", "federation_flows"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which accounts, as the provider named them, and since when; nothing that opens anything."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            linked = await IdentityRepository(tx).of(person.id)
            flows = await FlowRepository(tx).of(person.id)
        said = await self.subjects.open([(each.id, each.sealed) for each in linked])
        yield Rows(
            "federated_identities",
            [
                {
                    "provider": each.kind,
                    "organization_id": each.organization_id,
                    "linked_at": each.linked_at,
                    "used_at": each.used_at,
                    **(opened or {}),
                }
                for each, opened in zip(linked, said, strict=True)
            ],
        )
        yield Rows("federation_flows", [dict(row) for row in flows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """All are unlinked: the provider's word opens nothing here any more."""
        _ = way
        if person.kind != "user":
            return Erased()
        return Erased(
            removed={
                "federated_identities": await IdentityRepository(tx).delete(person.id),
                "federation_flows": await FlowRepository(tx).delete(person.id),
            }
        )
