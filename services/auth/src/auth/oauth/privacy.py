from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from auth.oauth.repository import PersonsGrants
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class GrantHolding:
    """What a user let programs do. To be erased before the sessions, whose end voids the tokens."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"oauth_grants", "oauth_consents"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which programs, what for, where and when; nothing by which a token could be made."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            consents = await PersonsGrants(tx).consents(person.id)
        yield Rows("oauth_consents", [dict(row) for row in consents])
        after: UUID | None = None
        while True:
            async with self.database.snapshot() as tx:
                rows = await PersonsGrants(tx).page(person.id, after, _PAGE)
            yield Rows("oauth_grants", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """All of it goes; no refresh token of theirs is worth anything any more."""
        _ = way
        if person.kind != "user":
            return Erased()
        grants = PersonsGrants(tx)
        removed = {
            "oauth_consents": await grants.delete_consents(person.id),
            "oauth_grants": await grants.delete(person.id, _PAGE),
        }
        return Erased(removed=removed, more=removed["oauth_grants"] == _PAGE)
