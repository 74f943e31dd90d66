from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from inbox.consent.repository import ConsentRepository
from inbox.consent.service import opened
from inbox.contacts.repository import PersonsContact
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

_PAGE: Final = 500
_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class ConsentHolding:
    """What a contact has wanted. To be erased before the contact: until then nothing is sent against it."""

    database: Database
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"consents", "consent_entries"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """How they stand now, and all that was recorded, with what proves it."""
        for organization_id in organization_ids if person.kind == "contact" else ():
            async with self.database.snapshot(organization_id) as tx:
                standing = await ConsentRepository(tx).of(person.id)
            yield Rows("consents", [asdict(each) for each in standing])
            after: tuple[datetime, UUID] | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    rows = await ConsentRepository(tx).history(person.id, after, _PAGE)
                entries = await opened(self.keyring, organization_id, rows)
                yield Rows("consent_entries", [asdict(each) for each in entries])
                if len(entries) < _PAGE:
                    break
                after = (entries[-1].at, entries[-1].id)

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go, whichever way."""
        _ = way
        if person.kind != "contact":
            return Erased()
        members = await PersonsContact(tx).members(person.id)
        removed = await ConsentRepository(tx).delete(members, _BATCH)
        return Erased(removed=removed, more=removed["consent_entries"] == _BATCH)
