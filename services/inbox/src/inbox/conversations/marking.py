"""Showing the contact that their messages were read, or that somebody writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from inbox.channels.base import Identity, Line, Platforms, recipient
from inbox.channels.health import suffer
from inbox.contacts.recognizing import IDENTITY
from inbox.contacts.repository import ContactRepository
from inbox.messages.content import PROVIDER_ID, TOKEN
from inbox.messages.repository import MessageRepository
from inbox.tenants import by_organization
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotFound, Receipt, Settled, Status
from kit.seal import Keyring

MARK: Final = "inbox.read_mark"
TYPE: Final = "inbox.typing"
_TIMING: Final = Timing(call_within=15.0, looks_after=(1.0, 5.0), absent_after=1.0, give_up_after=86400.0)


@dataclass(frozen=True, slots=True)
class Marking:
    """What one mark takes."""

    kind: str
    line: Line
    to: Identity
    provider_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MarkKind:
    """`inbox.read_mark`: doing it twice shows nothing new, so what nobody answered is simply done again.

    Likewise `inbox.typing`, which is only worth doing for some seconds.
    """

    platforms: Platforms
    keyring: Keyring
    name: str = MARK
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Marking]:
        """The platform's id of each message and the token of its channel; a disconnected channel marks nothing."""
        works: dict[UUID, Marking] = {}
        async for organization_id, own in by_organization(tx, entries):
            rows = await MessageRepository(tx).to_mark([each.subject_id for each in own])
            known = await ContactRepository(tx).known_as([row["contact_id"] for row in rows])
            for row in rows:
                work = await self._work(organization_id, row, known)
                if work is not None:
                    works |= {each.id: work for each in own if each.subject_id == row["id"]}
        return works

    async def _work(self, organization_id: UUID, row: Row, known: Sequence[Row]) -> Marking | None:
        platform = self.platforms.get(row["channel_kind"])
        own = [each for each in known if each["contact_id"] == row["contact_id"]]
        sealed = [(row["provider_sealed"], PROVIDER_ID), (row["token_sealed"], TOKEN)]
        sealed += [(each["sealed"], IDENTITY) for each in own]
        provider_id, token, *values = await self.keyring.open_many(organization_id, sealed)
        if platform is None or provider_id is None or token is None:
            return None
        identities = [
            Identity(each["kind"], value.decode(errors="replace"))
            for each, value in zip(own, values, strict=True)
            if value is not None
        ]
        to = recipient(identities, platform.capabilities.reached_by)
        line = Line(row["phone_number_id"], token.decode())
        return None if to is None else Marking(platform.kind, line, to, provider_id.decode(errors="replace"))

    async def call(self, entry: Entry, work: Marking) -> Receipt:
        """Mark it."""
        platform = self.platforms[work.kind]
        show = platform.type if self.name == TYPE else platform.mark_read
        await show(work.line, work.to, work.provider_id, entry.attempt)
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
                    await suffer(tx, self.platforms, UUID(each.entry.lane_key.rpartition(":")[2]), each)
