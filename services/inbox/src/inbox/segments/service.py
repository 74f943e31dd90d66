from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from inbox.arrangement.model import Arranged
from inbox.arrangement.service import Arrangements, Place
from inbox.attributes.repository import AttributeRepository
from inbox.contacts.blind import blind_of
from inbox.contacts.model import Contact
from inbox.contacts.service import ContactService
from inbox.labels.model import key_of
from inbox.segments.errors import QueryRefused, SegmentOutdated
from inbox.segments.language import Json, breaches_of
from inbox.segments.plan import Plan, Planning
from inbox.segments.repository import SegmentRepository
from inbox.segments.schemas import ChangeSegment, MakeSegment
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.seal import Keyring

_SAMPLE: Final = 10


@dataclass(frozen=True, slots=True)
class SegmentService:
    """Saved questions for contacts. They lie sealed, since their values may be personal; whom they mean is live."""

    database: Database
    keyring: Keyring
    contacts: ContactService

    @property
    def _things(self) -> Arrangements:
        return Arrangements(self.database, self.keyring, "segment")

    async def page(self, caller: MemberCaller, after: Place | None, limit: int) -> list[Arranged]:
        """Those that all share and the caller's own, by name."""
        return await self._things.page(caller, "", after, limit)

    async def read(self, caller: MemberCaller, segment_id: UUID) -> Arranged:
        """One."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await self._things.find(tx, caller.user_id, segment_id)

    async def make(self, caller: MemberCaller, wanted: MakeSegment, once: Idempotency) -> Arranged:
        """Save one that can be asked.

        Raises:
            QueryRefused: it cannot.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await self.planned(tx, wanted.query)
            return await self._things.make(
                tx, caller, key_of(wanted.name), _document(wanted), shared=wanted.shared, once=once
            )

    async def change(
        self, caller: MemberCaller, segment_id: UUID, wanted: ChangeSegment, expected: Condition
    ) -> Arranged:
        """Let one mean others.

        Raises:
            QueryRefused: it cannot be asked like this.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await self.planned(tx, wanted.query)
            return await self._things.change(
                tx, caller, segment_id, key_of(wanted.name), _document(wanted), expected=expected
            )

    async def delete(self, caller: MemberCaller, segment_id: UUID) -> None:
        """It is gone."""
        await self._things.delete(caller, segment_id)

    async def preview(self, caller: MemberCaller, query: Json) -> tuple[int, list[Contact]]:
        """How many a query means just now, and the first of them."""
        async with self.database.snapshot(caller.organization_id) as tx:
            plan, segments = await self.planned(tx, query), SegmentRepository(tx)
            counted, first = await segments.count(plan), await segments.page(plan, None, _SAMPLE)
        return counted, await self.contacts.several(caller, first)

    async def members(self, caller: MemberCaller, segment_id: UUID, after: UUID | None, limit: int) -> list[Contact]:
        """Whom a segment means just now, in the order of ids."""
        async with self.database.snapshot(caller.organization_id) as tx:
            plan = await self.plan(tx, caller.user_id, segment_id)
            found = await SegmentRepository(tx).page(plan, after, limit)
        return await self.contacts.several(caller, found)

    async def plan(self, tx: Transaction, user_id: UUID, segment_id: UUID) -> Plan:
        """What `segment_contacts` and `segment_count` take, for a segment that this user may use.

        Raises:
            NotArranged: there is none.
            SegmentOutdated: it asks for something that is gone.
        """
        found = await self._things.find(tx, user_id, segment_id)
        try:
            return await self.planned(tx, found.document["query"])
        except QueryRefused as refused:
            raise SegmentOutdated from refused

    async def planned(self, tx: Transaction, query: Json) -> Plan:
        """The plan of a query.

        Raises:
            QueryRefused: it cannot be asked like this.
        """
        breaches: Sequence[tuple[str, str]] = breaches_of(query)
        if breaches:
            raise QueryRefused(breaches)
        attributes = {each.key: each for each in await AttributeRepository(tx).all("contact")}
        labels = await SegmentRepository(tx).labels()
        blind = await blind_of(self.keyring, tx.organization_id)
        return Planning(attributes, labels, blind, self.database.clock.now()).plan(query)


def _document(wanted: ChangeSegment) -> dict[str, Any]:
    return {"name": wanted.name, "query": wanted.query}
