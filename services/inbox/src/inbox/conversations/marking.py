"""Showing the contact that their messages were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from inbox.channels.health import suffer
from inbox.messages.content import PROVIDER_ID, TOKEN
from inbox.messages.repository import MessageRepository
from inbox.tenants import by_organization
from inbox.whatsapp.graph import Graph
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotFound, Receipt, Settled, Status
from kit.seal import Keyring

MARK: Final = "inbox.read_mark"
_TIMING: Final = Timing(call_within=15.0, looks_after=(1.0, 5.0), absent_after=1.0, give_up_after=86400.0)


@dataclass(frozen=True, slots=True)
class Marking:
    """What one mark takes."""

    phone_number_id: str
    token: str = field(repr=False)
    provider_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MarkKind:
    """`inbox.read_mark`: doing it twice shows nothing new, so what nobody answered is simply done again."""

    graph: Graph
    keyring: Keyring
    name: str = MARK
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Marking]:
        """The platform's id of each message and the token of its channel; a disconnected channel marks nothing."""
        works: dict[UUID, Marking] = {}
        async for organization_id, own in by_organization(tx, entries):
            rows = await MessageRepository(tx).to_mark([each.subject_id for each in own])
            for row in rows:
                sealed = [(row["provider_sealed"], PROVIDER_ID), (row["token_sealed"], TOKEN)]
                provider_id, token = await self.keyring.open_many(organization_id, sealed)
                if provider_id is not None and token is not None:
                    work = Marking(row["phone_number_id"], token.decode(), provider_id.decode(errors="replace"))
                    works |= {each.id: work for each in own if each.subject_id == row["id"]}
        return works

    async def call(self, entry: Entry, work: Marking) -> Receipt:
        """Mark it."""
        await self.graph.mark_read(work.phone_number_id, work.token, work.provider_id, entry.attempt)
        return Receipt()

    async def look(self, entry: Entry, work: Marking) -> Look:
        """There is nothing to look at."""
        _ = entry, work
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Nothing of ours changes, but for the health of the channel."""
        async for _, own in by_organization(tx, settled):
            for each in own:
                if each.status is Status.PENDING:
                    await suffer(tx, UUID(each.entry.lane_key.rpartition(":")[2]), each)
