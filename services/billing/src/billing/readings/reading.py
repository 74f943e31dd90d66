"""The kind `billing.reading`: an object of Stripe's is read under a ticket, and applied.

One reading of an object is under way at a time, however many hints come, so what was read later is applied later. The
ticket is taken before the object is read: hints that come after it are not in it, and lead to the next reading.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from billing.grants.repository import GrantRepository
from billing.readings import measures
from billing.readings.model import Named, Reader, Reading, Ticket
from billing.readings.repository import ReadingRepository
from billing.stripe_api import LANE, WITHIN
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotAccepted, Receipt, Settled, Status, Unanswered
from kit.ledger.rows import add

KIND: Final = "billing.reading"
TIMING: Final = Timing(
    call_within=2 * WITHIN,
    looks_after=(0.1, 1.0, 10.0, 60.0, 300.0),
    unconfirmed_after=30 * 86_400.0,
    backoff_first=0.5,
    backoff_longest=300.0,
    give_up_after=30 * 86_400.0,
)


Applied = Callable[[Transaction, str], Awaitable[None]]
"""What else is done in the commit that applies an object, by Stripe's id."""


class ReadingKind:
    """Reads once and applies. Reading changes nothing at Stripe, so whatever is in doubt is read again at once."""

    name: str = KIND
    timing: Timing = TIMING

    def __init__(self, readers: Iterable[Reader[Any]], *, applied: Sequence[Applied] = ()) -> None:
        self.readers: Final = {reader.type: reader for reader in readers}
        self._then = applied

    @property
    def types(self) -> frozenset[str]:
        """The types of objects that are read."""
        return frozenset(self.readers)

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Ticket]:
        """A ticket for each; one whose object is not to be read any more is withdrawn."""
        tickets = await ReadingRepository(tx).tickets([entry.subject_id for entry in entries])
        return {entry.id: tickets[entry.subject_id] for entry in entries if entry.subject_id in tickets}

    async def call(self, entry: Entry, work: Ticket) -> Receipt:  # noqa: ARG002 - as the ledger has them
        """Read it."""
        try:
            return await self._read(work)
        except Unanswered as trouble:
            raise NotAccepted(str(trouble), code=trouble.code, said=trouble.said) from trouble

    async def look(self, entry: Entry, work: Ticket) -> Look:  # noqa: ARG002
        """Read it again: whoever was to do it is gone."""
        return Found(await self._read(work))

    async def _read(self, ticket: Ticket) -> Receipt:
        found = await self.readers[ticket.object.type].read(ticket.object.id)
        return Receipt(external_id=ticket.object.id, result=Reading(ticket, found))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Apply what was read, object by object, and begin what was asked for meanwhile."""
        organizations = tx.organization_ids
        ended = [each for each in settled if each.status not in (Status.PENDING, Status.UNKNOWN)]
        ended.sort(key=lambda each: (str(each.entry.organization_id), each.external_id or ""))
        for organization_id, group in groupby(ended, key=lambda each: each.entry.organization_id):
            await tx.bind(*filter(None, [organization_id]))
            await GrantRepository(tx).lock()
            following = [await self._applied(tx, each) for each in group]
            await begin(tx, [each for each in following if each is not None])
        await tx.bind(*organizations)

    async def _applied(self, tx: Transaction, settled: Settled) -> UUID | None:
        readings, effect_id = ReadingRepository(tx), settled.entry.subject_id
        before = await readings.lock(effect_id)
        if before is None:
            return None
        if settled.status is not Status.DONE or settled.result is None:
            measures.READINGS.labels(settled.code or settled.status.value).inc()
            return await readings.finish(effect_id, None)
        reading: Reading[Any] = settled.result
        ticket = reading.ticket
        if ticket.number > before:
            await self.readers[ticket.object.type].apply(tx, reading.found, ticket.number)
        for then in self._then:
            await then(tx, ticket.object.id)
        measures.READINGS.labels("applied" if ticket.number > before else "older").inc()
        return await readings.finish(effect_id, ticket.number)


async def ask(tx: Transaction, *objects: Named) -> Mapping[str, int]:
    """Have these objects of the transaction's organization read again; many hints are one reading.

    Returns by object's id the lowest ticket of a reading that will have seen what is there now.
    """
    asked = await ReadingRepository(tx).ask(objects) if objects else []
    await begin(tx, [each.effect_id for each in asked if each.fresh])
    return {each.object_id: each.number for each in asked}


async def begin(tx: Transaction, effect_ids: Sequence[UUID]) -> None:
    """Put readings into the ledger."""
    if not effect_ids:
        return
    await add(tx, [effect(tx.organization_id, each) for each in effect_ids])


def effect(organization_id: UUID, effect_id: UUID) -> Effect:
    """A reading as the ledger knows it."""
    return Effect(KIND, Lane(organization_id, LANE), effect_id)
