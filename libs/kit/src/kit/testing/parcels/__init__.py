"""A made-up effect with which the ledger tests itself: a parcel is posted to a receiver over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.http import client
from kit.http.client import Call, Outbound
from kit.ids import new_id
from kit.ledger.calls import judged
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Entry, Found, Lane, Look, NotAccepted, NotFound, Receipt, Settled

KIND = "sample.parcel"


@dataclass(frozen=True, slots=True)
class Parcels:
    """Posts parcels to `receiver`; what becomes of each is written into the table `notes`, counted by its version."""

    receiver: str
    outbound: Outbound
    timing: Timing
    name: str = KIND

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, str]:
        """The address of each; read from nowhere, but in a transaction like a real one."""
        await tx.fetchval("SELECT 1")
        return {entry.id: f"{self.receiver}/parcels/{entry.lane_key}/{entry.subject_id}" for entry in entries}

    async def call(self, entry: Entry, work: str) -> Receipt:
        """Post it."""
        deadline = self.timing.call_within
        try:
            answer = await self.outbound.send(Call("POST", work, body=b"{}", deadline=deadline, attempts=1))
        except (client.NotSent, client.Unanswered, client.Refused) as trouble:
            raise judged(trouble) from trouble
        return Receipt(external_id=str(entry.subject_id), said=f"status {answer.status}")

    async def look(self, entry: Entry, work: str) -> Look:
        """Ask whether it has arrived."""
        try:
            await self.outbound.send(Call("GET", work, deadline=self.timing.call_within, attempts=1))
        except client.Refused as refusal:
            if refusal.status == 404:
                return NotFound()
            raise NotAccepted("It could not be asked.") from refusal
        except (client.NotSent, client.Unanswered) as trouble:
            raise NotAccepted("It could not be asked.") from trouble
        return Found(Receipt(str(entry.subject_id)))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Write the status down."""
        await tx.execute(
            """
            INSERT INTO notes (id, organization_id, text)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
            ON CONFLICT (id) DO UPDATE SET version = notes.version + 1, text = excluded.text
            """,
            [each.entry.subject_id for each in settled],
            [each.entry.organization_id for each in settled],
            [each.status.value for each in settled],
        )


async def send_many(database: Database, ledger: Ledger, lane: Lane, count: int, *, batch: int = 5000) -> list[UUID]:
    """Put so many parcels in, all due at once, and return their ids."""
    subjects = [new_id() for _ in range(count)]
    organizations = [lane.organization_id] if lane.organization_id else []
    for start in range(0, count, batch):
        async with database.transaction(*organizations) as tx:
            await ledger.add(tx, *(Effect(KIND, lane, subject) for subject in subjects[start : start + batch]))
    return subjects
