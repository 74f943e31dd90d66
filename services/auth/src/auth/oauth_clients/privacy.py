from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from auth.oauth_clients.repository import PersonsClients
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ClientHolding:
    """The programs that a user has registered; they are the organization's, and go on as nobody's."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"oauth_clients"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which, where and what they may do; nothing that one could show."""
        after: UUID | None = None
        while person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsClients(tx).page(person.id, after, _PAGE)
            yield Rows("oauth_clients", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They stay, and nobody registered them."""
        _ = way
        if person.kind != "user":
            return Erased()
        unlinked = await PersonsClients(tx).unlink(person.id, _PAGE)
        return Erased(unlinked={"oauth_clients": unlinked}, more=unlinked == _PAGE)
