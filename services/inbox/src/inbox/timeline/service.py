from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from inbox.contacts.merging.repository import PeopleRepository
from inbox.contacts.repository import ContactRepository
from inbox.notes.content import NOTE
from inbox.timeline.model import Line, Place
from inbox.timeline.repository import TimelineRepository
from kit.db.database import Database, Row
from kit.http.caller import MemberCaller
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class TimelineService:
    """What happened with a contact, in one list."""

    database: Database
    keyring: Keyring

    async def page(self, caller: MemberCaller, contact_id: UUID, after: Place | None, limit: int) -> list[Line]:
        """What happened with a contact and with all that are shown as the same, the newest first.

        Raises:
            ContactNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            row = await ContactRepository(tx).find(contact_id)
            members = await PeopleRepository(tx).members([row["merged_into"] or row["id"]])
            rows = await TimelineRepository(tx).page([each["id"] for each in members], after, limit)
        texts = await self._opened(caller.organization_id, rows)
        return [_line(each, text) for each, text in zip(rows, texts, strict=True)]

    async def _opened(self, organization_id: UUID, rows: Sequence[Row]) -> list[str | None]:
        """What notes say, with one look-up for all keys; None for other lines, and for notes that were deleted."""
        sealed = [(row["sealed"], NOTE) for row in rows if row["sealed"]]
        opened = iter(await self.keyring.open_many(organization_id, sealed) if sealed else ())
        told = [next(opened) if row["sealed"] else None for row in rows]
        return [None if each is None else each.decode() for each in told]


def _line(row: Row, text: str | None) -> Line:
    values = {name: row[name] for name in Line.__dataclass_fields__ if name != "text"}
    return Line(**values, text=text)
