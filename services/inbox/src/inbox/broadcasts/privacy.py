from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.broadcasts.recipients.repository import PersonsBroadcasts
from inbox.broadcasts.sending import BROADCAST
from inbox.contacts.repository import PersonsContact
from kit.db.database import Database, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RecipientHolding:
    """Which broadcasts a contact got, and what they made of them. To be erased before contacts."""

    database: Database
    ledger: Ledger
    tables: ClassVar[frozenset[str]] = frozenset({"broadcast_recipients", "portfolio_openings"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Each with its broadcast's name, when it was sent, and what became of it."""
        if person.kind != "contact":
            return
        for organization_id in organization_ids:
            after: UUID | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    members = await PersonsContact(tx).members(person.id) or [person.id]
                    rows = await PersonsBroadcasts(tx).page(members, after, _PAGE)
                    kept = await self.ledger.kept(tx, [BROADCAST], [row["id"] for row in rows])
                    openings = await PersonsBroadcasts(tx).openings(members) if after is None else []
                yield Rows("broadcast_recipients", [dict(row) for row in rows])
                for table, of_table in kept.items():
                    yield Rows(table, of_table)
                if openings:
                    yield Rows("portfolio_openings", [dict(row) for row in openings])
                if len(rows) < _PAGE:
                    break
                after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go, whichever way; whoever waits for one never gets it. Sums stay.

        Raises:
            UnderWay: one is being sent to them just now.
        """
        _ = way
        if person.kind != "contact":
            return Erased()
        persons = PersonsBroadcasts(tx)
        members = await PersonsContact(tx).members(person.id) or [person.id]
        rows = await persons.page(members, None, _PAGE)
        ids = [row["id"] for row in rows]
        removed = dict(await self.ledger.forget(tx, [BROADCAST], ids)) if ids else {}
        removed["broadcast_recipients"] = await persons.delete(ids)
        removed["portfolio_openings"] = await persons.delete_openings(members)
        return Erased(removed=removed, more=len(rows) == _PAGE)
