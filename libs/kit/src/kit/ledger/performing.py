"""Doing an effect now, because a request waits for the answer."""

import asyncio
from typing import Any, Final

from kit.db.database import Database, Row, Transaction
from kit.errors import TransientError
from kit.ledger import calling, outcomes, pace, rows
from kit.ledger.claims import MARGIN, Claim, Kinds, entry_of
from kit.ledger.errors import LaneNotFree
from kit.ledger.model import Effect, Entry, Settled, Status
from kit.ledger.preparing import Unprepared, prepare
from kit.ledger.recording import Outcome, Recorder
from kit.ledger.reports import settled_of

LONGEST_WAIT: Final = 2.0

_SLOT: Final = """
    UPDATE ledger_lanes AS lane
    SET next_slot = CASE WHEN lane.rate IS NULL THEN lane.next_slot
        ELSE greatest(lane.next_slot, statement_timestamp()) + make_interval(secs => 1 / (lane.rate * $3)) END
    WHERE lane.key = $2 AND (lane.organization_id = $1 OR (lane.organization_id IS NULL AND $1::uuid IS NULL))
      AND (lane.parked_until IS NULL OR lane.parked_until <= kit_now())
      AND (lane.rate IS NULL OR lane.next_slot IS NULL
           OR lane.next_slot <= statement_timestamp() + make_interval(secs => $4))
      AND NOT EXISTS (SELECT FROM ledger_holds AS h WHERE (h.lane_key = lane.key OR h.lane_key IS NULL)
                      AND (h.organization_id = $1 OR (h.organization_id IS NULL AND $1::uuid IS NULL)))
    RETURNING lane.id, CASE WHEN lane.rate IS NULL THEN 0 ELSE extract(epoch FROM
        lane.next_slot - make_interval(secs => 1 / (lane.rate * $3)) - statement_timestamp())::float8 END AS slot
"""
_BEGIN: Final = """
    INSERT INTO ledger_entries AS e (id, kind, organization_id, lane_id, subject_id, status, due_at, first_due_at,
        expires_at, attempt, called_at, leased_until)
    VALUES ($1, $2, $3, $4, $5, 'calling', kit_now(), kit_now(), $6, 1, kit_now() + make_interval(secs => $7),
        statement_timestamp() + make_interval(secs => $7 + $8))
    ON CONFLICT (kind, subject_id) DO UPDATE
    SET status = 'calling', attempt = e.attempt + 1, called_at = excluded.called_at, looks = 0, blanks = 0,
        leased_until = excluded.leased_until, began_by = NULL, block_id = NULL WHERE e.status = 'pending'
    RETURNING e.id, e.kind, e.organization_id, e.lane_id, $9::text AS lane_key, e.subject_id, e.attempt, e.due_at,
        e.created_at, e.called_at, extract(epoch FROM kit_now() - e.first_due_at)::float8 AS age
"""
_THERE: Final = """
    SELECT e.*, lane.key AS lane_key, kit_now() AS at FROM ledger_entries AS e
    JOIN ledger_lanes AS lane ON lane.id = e.lane_id WHERE e.kind = $1 AND e.subject_id = $2
"""


class Performing:
    """Claims one effect in a commit of its own, calls, and records in another."""

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds
        self._recorder = Recorder(database, kinds, lambda _: None)

    async def perform(self, effect: Effect) -> Settled:
        """See `Ledger.perform`."""
        begun = await self._begin(effect)
        if isinstance(begun, Settled):
            return begun
        return await self._record(await self._outcome(begun))

    async def _begin(self, effect: Effect) -> Claim | Settled:
        asked, lane = pace.now(), effect.lane
        kind = self._kinds[effect.kind]
        async with self._database.transaction(*filter(None, [lane.organization_id])) as tx:
            await rows.set_rate(tx, lane)
            place = await tx.fetchrow(_SLOT, lane.organization_id, lane.key, pace.PACE, LONGEST_WAIT)
            if place is None:
                raise LaneNotFree(retry_after=LONGEST_WAIT)
            lease = kind.timing.call_within + MARGIN
            row = await tx.fetchrow(
                _BEGIN,
                effect.id,
                effect.kind,
                lane.organization_id,
                place["id"],
                effect.subject_id,
                effect.expires_at,
                place["slot"],
                lease,
                lane.key,
            )
            if row is None:
                return await _there(tx, effect)
        return _claim(row, asked, place["slot"])

    async def _outcome(self, claim: Claim) -> Outcome:
        kind = self._kinds[claim.entry.kind]
        try:
            works = await prepare(self._database, kind, [claim.entry])
        except TransientError:
            return _without_call(claim, outcomes.UNSENT)
        work = works.get(claim.entry.id, _MISSING)
        if work is _MISSING:
            return _without_call(claim, outcomes.WITHDRAWN)
        if isinstance(work, Unprepared):
            return _without_call(claim, outcomes.unprepared(kind.timing, attempt=claim.entry.attempt, age=claim.age))
        await asyncio.sleep(max(0.0, claim.slot - pace.now()))
        if pace.now() > claim.start_by:
            return _without_call(claim, outcomes.UNSENT)
        return await calling.call(kind, claim, work)

    async def _record(self, outcome: Outcome) -> Settled:
        settled = await self._recorder.commit([outcome])
        if settled:
            return settled[0]
        async with self._database.transaction(*filter(None, [outcome.entry.organization_id])) as tx:
            return await _there(tx, outcome.entry)


_MISSING: Final = object()


def _claim(row: Row, asked: float, slot: float) -> Claim:
    return Claim(
        entry=entry_of(row),
        lane_id=row["lane_id"],
        age=row["age"],
        taken=asked,
        slot=asked + slot,
        step=0.0,
        start_by=asked + slot + MARGIN / 2,
        slots_end=row["created_at"],
        is_last=False,
    )


def _without_call(claim: Claim, change: outcomes.Change) -> Outcome:
    return Outcome(claim.entry, claim.lane_id, "call", change)


async def _there(tx: Transaction, effect: Effect | Entry) -> Settled:
    """The effect as it stands: it was done before, or somebody else settled it."""
    row: Any = await tx.fetchrow(_THERE, effect.kind, effect.subject_id)
    if row is None or row["status"] in (Status.PENDING, Status.CALLING, Status.UNKNOWN):
        raise LaneNotFree("It is under way already.")
    values = {**dict(row), "called_at": row["called_at"] or row["created_at"]}
    return settled_of(values, row["settled_by"])  # type: ignore[arg-type]  # reads by name, like a row
