"""The ledger's door: what services put in, ask, and tell it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ledger import reports, rows
from kit.ledger.deliveries import Deliveries
from kit.ledger.kind import Kind
from kit.ledger.looking import Looking
from kit.ledger.model import Attempt, Effect, Entry, Lane, Receipt, Settled, State
from kit.ledger.performing import Performing
from kit.ledger.sweeping import Sweeping
from kit.process import Loop
from kit.telemetry import metrics


class Ledger:
    """One per process and service; knows the service's kinds. Methods that take `tx` take part in its commit.

    A service names it in `Service.ledger`; its loops, its operator's commands and endpoints then come by themselves,
    and `loops` is not listed again.
    """

    def __init__(self, database: Database, kinds: Sequence[Kind[Any]]) -> None:
        self.database = database
        self.kinds = {kind.name: kind for kind in kinds}

    async def add(self, tx: Transaction, *effects: Effect) -> None:
        """Put effects in, set-based. A second one for the same kind and subject changes nothing."""
        await rows.add(tx, effects)

    async def cancel(self, tx: Transaction, kind: str, subject_ids: Collection[UUID]) -> set[UUID]:
        """Cancel what is still pending; what is missing from the answer may have left."""
        return await rows.cancel(tx, kind, subject_ids)

    async def reschedule(self, tx: Transaction, kind: str, due_at: Mapping[UUID, datetime]) -> set[UUID]:
        """Give pending effects another time, by subject; what is missing from the answer may have left."""
        return await rows.reschedule(tx, kind, due_at)

    async def hold(self, tx: Transaction, organization_id: UUID | None, lane_key: str | None, reason: str) -> None:
        """Let nothing leave on a lane, or on any lane of the organization, also on lanes that come later.

        What a worker has claimed before the commit (at most 0.8 seconds ahead) may still leave. None as the
        organization means the platform's own lanes.
        """
        await rows.hold(tx, organization_id, lane_key, reason)

    async def release(self, tx: Transaction, organization_id: UUID | None, lane_key: str | None) -> None:
        """Take a hold off, whoever put it on; what was stopped under a name stays so until that is lifted."""
        await rows.release(tx, organization_id, lane_key)

    async def stop(
        self, tx: Transaction, organization_id: UUID, lane_keys: Collection[str], *, reason: str, cause: str
    ) -> None:
        """Hold these lanes under a name of the caller's, beside any other hold: only `lift` takes it off."""
        await rows.stop(tx, organization_id, lane_keys, reason, cause)

    async def lift(self, tx: Transaction, organization_id: UUID, cause: str) -> None:
        """End what was stopped under this name; a lane goes on that nobody else holds."""
        await rows.lift(tx, organization_id, cause)

    async def set_rate(self, tx: Transaction, lane: Lane) -> None:
        """From now on keep this pace."""
        await rows.set_rate(tx, lane)

    async def found(self, tx: Transaction, kind: str, receipts: Mapping[UUID, Receipt]) -> set[UUID]:
        """A webhook has seen the effects of these subjects: settle calling, unknown and unconfirmed as done.

        Likewise what waits to be called again: whatever was held for proof of absence, it has happened.
        `Kind.record` runs in the same transaction. Returns the subjects that were settled by this. Call it before the
        transaction changes the kind's own rows: workers take the effect first, and the other order may deadlock.
        """
        return await self._tell(tx, kind, await reports.found(tx, kind, receipts))

    async def failed(self, tx: Transaction, kind: str, refusals: Mapping[UUID, tuple[str, str]]) -> set[UUID]:
        """Likewise, but a report says it was refused: subject to (code, reason)."""
        return await self._tell(tx, kind, await reports.failed(tx, kind, refusals))

    async def perform(self, effect: Effect) -> Settled:
        """Do it now, because somebody waits for the answer: claimed in one commit, called, recorded in another.

        Goes through the same lane, pace and record. When the process dies the sweeper finds the lapsed claim.

        Raises:
            TransientError: the lane is held, parked or has no slot within two seconds.
        """
        return await Performing(self.database, self.kinds).perform(effect)

    async def states(self, tx: Transaction, kind: str, subject_ids: Collection[UUID]) -> Mapping[UUID, State]:
        """Where these effects stand."""
        return await rows.states(tx, kind, subject_ids)

    async def attempts(
        self, tx: Transaction, kinds: Collection[str], subject_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[Attempt]]:
        """What was tried for these subjects, by subject, oldest first, at most 100 of each effect."""
        return await rows.attempts(tx, kinds, subject_ids)

    async def forget(self, tx: Transaction, kinds: Collection[str], subject_ids: Collection[UUID]) -> dict[str, int]:
        """Let go of all that is known of these subjects' effects; what is pending never happens. Rows by table.

        Call it before the transaction changes the kinds' own rows.

        Raises:
            UnderWay: one of them is being called just now; nothing was changed.
        """
        return await rows.forget(tx, kinds, subject_ids)

    async def kept(
        self, tx: Transaction, kinds: Collection[str], subject_ids: Collection[UUID]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What is known of these subjects' effects and what was tried, by table, for whom they are about."""
        entries = await rows.kept(tx, kinds, subject_ids)
        attempts = await rows.tried(tx, [row["id"] for row in entries])
        return {
            "ledger_entries": [dict(row) for row in entries],
            "ledger_attempts": [dict(row) for row in attempts],
        }

    async def retry(self, tx: Transaction, entry_id: UUID) -> Entry:
        """A person wants it tried again now; for unknown and unconfirmed they accept that it may happen twice."""
        settled, lane_id = await reports.decided(tx, entry_id, "retry")
        await rows.wake(tx, settled.entry.organization_id, lane_id)
        await self._tell(tx, settled.entry.kind, [settled])
        return settled.entry

    async def give_up(self, tx: Transaction, entry_id: UUID, reason: str) -> Entry:
        """A person ends it as refused."""
        settled, _ = await reports.decided(tx, entry_id, "give up", reason)
        await self._tell(tx, settled.entry.kind, [settled])
        return settled.entry

    def loops(self) -> Sequence[Loop]:
        """What a worker runs: deliveries, looks, sweeping, measuring."""
        deliveries = Deliveries(self.database, self.kinds)
        looking, sweeping = Looking(self.database, self.kinds), Sweeping(self.database, self.kinds)
        return (
            Loop("ledger deliveries", deliveries.run, grace=15.0),
            Loop("ledger looks", looking.run),
            Loop("ledger sweep", sweeping.sweep, every=2.0),
            Loop("ledger mend", sweeping.mend, every=15.0),
            Loop("ledger purge", sweeping.purge, every=600.0),
            Loop("ledger measures", partial(metrics.sample, sweeping.sampled()), every=15.0),
        )

    async def _tell(self, tx: Transaction, kind: str, settled: Sequence[Settled]) -> set[UUID]:
        if settled:
            await self.kinds[kind].record(tx, settled)
        return {each.entry.subject_id for each in settled}
