"""Contacts as lines of CSV, none of whose cells is a formula."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.attributes.model import Value
from inbox.contacts.model import Contact
from inbox.contacts.service import ContactService
from inbox.exports.model import KINDS
from inbox.fields.service import FieldService
from inbox.labels.repository import LabelRepository
from inbox.segments.plan import Plan
from inbox.segments.repository import SegmentRepository
from kit.db.database import Database
from kit.jobs.report import csv_lines

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Lines:
    """Writes contacts as CSV, page by page, each read in a transaction of its own."""

    database: Database
    contacts: ContactService
    fields: FieldService

    async def pages(
        self, organization_id: UUID, plan: Plan, keys: Sequence[str], after: UUID, upto: UUID
    ) -> AsyncIterator[tuple[bytes, int]]:
        """The lines of whom a plan means behind one id and up to another, with how many they are."""
        while True:
            async with self.database.snapshot(organization_id) as tx:
                found = await SegmentRepository(tx).page(plan, after, _PAGE)
                wanted = [each for each in found if each <= upto]
                values = await self.fields.several(tx, wanted)
                labels = await LabelRepository(tx).names_on("contact", wanted)
            people = await self.contacts.of(organization_id, wanted)
            if people:
                yield csv_lines([_cells(each, values[each.id], labels, keys) for each in people]), len(people)
            if len(wanted) < _PAGE:
                return
            after = found[-1]


def heading(keys: Sequence[str]) -> bytes:
    """The first line of a file."""
    return csv_lines([("id", "name", *KINDS, "labels", *keys, "created_at")])


def _cells(
    contact: Contact, values: Mapping[str, Value], labels: Mapping[UUID, Sequence[str]], keys: Sequence[str]
) -> list[str]:
    known = {kind: [each.value or "" for each in contact.known_as if each.kind == kind] for kind in KINDS}
    return [
        str(contact.id),
        contact.name or "",
        *("; ".join(known[kind]) for kind in KINDS),
        "; ".join(labels.get(contact.id, ())),
        *(_shown(values.get(key)) for key in keys),
        contact.created_at.isoformat(),
    ]


def _shown(value: Value | None) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
