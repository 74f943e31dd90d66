from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inbox.contacts.model import Contact, KnownAs
from inbox.contacts.recognizing import IDENTITY, NAME
from inbox.contacts.repository import ContactRepository
from kit.db.database import Database, Row
from kit.http.caller import MemberCaller
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ContactService:
    """Contacts as the team sees them."""

    database: Database
    keyring: Keyring

    async def read(self, caller: MemberCaller, contact_id: UUID) -> Contact:
        """One contact."""
        async with self.database.snapshot(caller.organization_id) as tx:
            contacts = ContactRepository(tx)
            row, known = await contacts.find(contact_id), await contacts.known_as([contact_id])
        (contact,) = await self._opened(caller.organization_id, [row], known)
        return contact

    async def page(self, caller: MemberCaller, after: tuple[datetime, UUID] | None, limit: int) -> list[Contact]:
        """Contacts, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            contacts = ContactRepository(tx)
            rows = await contacts.page(after, limit)
            known = await contacts.known_as([row["id"] for row in rows])
        return await self._opened(caller.organization_id, rows, known)

    async def _opened(self, organization_id: UUID, rows: Sequence[Row], known: Sequence[Row]) -> list[Contact]:
        """Names and identities in the clear, with one look-up for all keys."""
        named = [row for row in rows if row["name_sealed"] is not None]
        sealed = [(row["name_sealed"], NAME) for row in named] + [(row["sealed"], IDENTITY) for row in known]
        opened = [_text(each) for each in await self.keyring.open_many(organization_id, sealed)] if sealed else []
        names = {row["id"]: name for row, name in zip(named, opened, strict=False)}
        identities: dict[UUID, list[KnownAs]] = {}
        for row, value in zip(known, opened[len(named) :], strict=True):
            identities.setdefault(row["contact_id"], []).append(KnownAs(row["kind"], value, row["last_seen_at"]))
        return [
            Contact(
                row["id"],
                names.get(row["id"]),
                tuple(identities.get(row["id"], ())),
                row["version"],
                row["created_at"],
            )
            for row in rows
        ]


def _text(opened: bytes | None) -> str | None:
    return None if opened is None else opened.decode(errors="replace")
