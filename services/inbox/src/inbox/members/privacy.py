from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from inbox.conversations.releasing import release
from inbox.members.repository import PersonsMemberships, organizations_of
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class MemberHolding:
    """That a user is or was a member. To be erased last: by these rows it is known where else they are known."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset({"members"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Their memberships and roles."""
        if person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsMemberships(tx).all(person.id)
            yield Rows("members", [dict(row) for row in rows])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """The rows stay as nobody's, so that older news of a membership change nothing.

        What was assigned to them meanwhile is given back first; from the lock on nothing more can be.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        memberships = PersonsMemberships(tx)
        await memberships.lock(person.id)
        await release(tx, [(each, person.id) for each in tx.organization_ids])
        return Erased(unlinked={"members": await memberships.unlink(person.id)})


async def known_in(tx: Transaction, person: Person) -> Sequence[UUID]:
    """The organizations that know a user."""
    return await organizations_of(tx, person.id) if person.kind == "user" else ()
