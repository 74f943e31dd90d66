"""Contacts as CSV: page by page, each read in a transaction of its own, and no cell a formula."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.attributes.model import Value
from inbox.attributes.repository import AttributeRepository
from inbox.contacts.model import Contact
from inbox.contacts.service import ContactService
from inbox.fields.service import FieldService
from inbox.segments.plan import Plan
from inbox.segments.repository import SegmentRepository
from inbox.segments.service import SegmentService
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.jobs.report import csv_lines

_PAGE: Final = 500
_KINDS: Final = ("phone", "whatsapp_id", "email")
_EVERYBODY: Final[Plan] = {"on": "all", "of": []}


@dataclass(frozen=True, slots=True)
class ContactExport:
    """Writes contacts as CSV."""

    database: Database
    contacts: ContactService
    fields: FieldService
    segments: SegmentService

    async def begin(self, caller: MemberCaller, segment_id: UUID | None) -> AsyncIterator[bytes]:
        """All contacts that are not blocked, or whom a segment means; on record before the first byte.

        Raises:
            NotArranged, SegmentOutdated: there is no such segment, or it cannot be asked.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            plan = _EVERYBODY if segment_id is None else await self.segments.plan(tx, caller.user_id, segment_id)
            keys = [each.key for each in await AttributeRepository(tx).all("contact")]
            target = "segment" if segment_id else "organization"
            await tx.emit(audited("inbox.contacts.exported", caller, target, segment_id or caller.organization_id))
        return self._lines(caller, plan, keys)

    async def _lines(self, caller: MemberCaller, plan: Plan, keys: Sequence[str]) -> AsyncIterator[bytes]:
        yield csv_lines([("id", "name", *_KINDS, *keys, "created_at")])
        after: UUID | None = None
        while True:
            async with self.database.snapshot(caller.organization_id) as tx:
                found = await SegmentRepository(tx).page(plan, after, _PAGE)
                values = await self.fields.several(tx, found)
            people = await self.contacts.several(caller, found)
            yield csv_lines([_cells(each, values[each.id], keys) for each in people])
            if len(found) < _PAGE:
                return
            after = found[-1]


def _cells(contact: Contact, values: dict[str, Value], keys: Sequence[str]) -> list[str]:
    known = {kind: [each.value or "" for each in contact.known_as if each.kind == kind] for kind in _KINDS}
    return [
        str(contact.id),
        contact.name or "",
        *("; ".join(known[kind]) for kind in _KINDS),
        *(_shown(values.get(key)) for key in keys),
        contact.created_at.isoformat(),
    ]


def _shown(value: Value | None) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
