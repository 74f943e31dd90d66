"""Housekeeping: what was not begun waits again, lapsed calls become unknown, old rows go, numbers are read."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Database
from kit.ledger import measures, outcomes, pace
from kit.ledger.claims import Claims, Kinds
from kit.ledger.model import Entry
from kit.ledger.recording import Outcome, Recorder
from kit.telemetry.metrics import Sampled

KEEP: Final = timedelta(days=90)
"""How long what has ended, and its attempts, can be looked up."""

_BATCH: Final = 200
_LANES: Final = 1000
_LEAVE: Final = 60.0
_COUNTED: Final = 10_000


class Sweeping:
    """The ledger's housekeeping; every step may be run by any number of workers at once."""

    def __init__(self, database: Database, kinds: Kinds, *, at_once: int = _BATCH) -> None:
        self._database = database
        self._kinds = kinds
        self._claims = Claims(database, kinds)
        self._recorder = Recorder(database, kinds, lambda _: None)
        self._after_lane = 0
        self._left: dict[UUID, float] = {}
        self._at_once = at_once

    async def sweep(self) -> bool:
        """Give back what was not begun, settle lapsed calls and expired effects; true when there may be more.

        What cannot be recorded is left for a minute, so that it stands before nobody else.
        """
        more = await self._claims.give_back(self._at_once)
        self._left = {entry_id: until for entry_id, until in self._left.items() if until > pace.now()}
        overdue = await self._claims.overdue(self._at_once, self._left)
        by_kind: dict[str, list[Outcome]] = {}
        for entry, status in overdue:
            by_kind.setdefault(entry.kind, []).append(self._outcome(entry, status))
        settled: set[UUID] = set()
        for same in by_kind.values():
            settled |= {each.entry.id for each in await self._recorder.record(same)}
        self._left |= {entry.id: pace.now() + _LEAVE for entry, _ in overdue if entry.id not in settled}
        return more or len(overdue) >= self._at_once

    def _outcome(self, entry: Entry, status: str) -> Outcome:
        if status == "calling":
            return Outcome(entry, 0, "lapse", outcomes.lapsed(self._kinds[entry.kind].timing))
        return Outcome(entry, 0, "expiry", outcomes.EXPIRED)

    async def mend(self) -> bool:
        """Go on through the lanes and wake those that sleep although something is due; true until the last one."""
        (row,) = await self._database.statement("SELECT * FROM ledger_mend_lanes($1, $2)", self._after_lane, _LANES)
        self._after_lane = row["last_lane"] or 0
        return self._after_lane > 0

    async def purge(self) -> bool:
        """Delete a batch of what ended long ago, with its attempts; true when there may be more."""
        (row,) = await self._database.statement("SELECT ledger_purge($1, 1000) AS gone", KEEP)
        return bool(row["gone"] >= 1000)

    def sampled(self) -> Sequence[Sampled]:
        """What is measured every few seconds."""
        return tuple(
            Sampled(name, what, lambda column=column: self._read(column), ("kind",))  # type: ignore[misc]
            for name, what, column in (
                (measures.OLDEST, "Age of the oldest effect that is due and has not left", "oldest"),
                (measures.DUE, "Effects that are due and have not left, at most 10,000", "due"),
                (measures.UNKNOWN, "Effects that are being looked for, at most 10,000", "unknown"),
                (measures.UNCONFIRMED, "Effects that nobody could decide, at most 10,000", "unconfirmed"),
            )
        )

    async def _read(self, column: str) -> dict[tuple[str, ...], float]:
        rows = await self._database.statement("SELECT * FROM ledger_measure($1, $2)", list(self._kinds), _COUNTED)
        return {(row["kind"],): float(row[column]) for row in rows}
