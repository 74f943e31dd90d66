"""The loop that calls: claim slices of lanes, prepare, begin, call at the slot, record."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

import structlog

from kit.db.database import Database
from kit.errors import TransientError
from kit.ledger import calling, outcomes, pace
from kit.ledger.beginning import Beginning
from kit.ledger.claims import Claim, Claims, Kinds
from kit.ledger.preparing import Unprepared, prepare
from kit.ledger.recording import Outcome, Recorder
from kit.ledger.rows import TOPIC
from kit.ledger.walking import Walk
from kit.messaging.backoff import Backoff

log = structlog.get_logger(__name__)

CAPACITY: Final = 1000
"""How many effects a worker holds at once, from claim to record."""

_POLL: Final = 0.25
_LONGEST_POLL: Final = 1.0
"""Of a worker for whom nothing at all is to be done, now or later; a hint wakes it."""
_SHORTEST: Final = 0.004
_WORTH: Final = 250
"""With less room than this a claim is put off a little: what a block costs hardly depends on how much is in it."""
_MOMENT: Final = 0.05
_GIVES_WAY: Final = 8.0
"""Seconds for which what has just become due leaves the processor to a crowd."""
_LET_FINISH: Final = 12.0
_STOPPED_FOR: Final = 2.0  # for what was claimed before the park was recorded; from then on the lane's row tells


class Deliveries:
    """Calls what is due, at the pace of its lane; any number of these share the work.

    A lane gets at most half of what the others leave free, so one receiver that hangs cannot use up a worker.
    """

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds
        self._claims = Claims(database, kinds)
        self._beginning = Beginning(database)
        self._recorder = Recorder(database, kinds, self._let_go)
        self._held: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped_until: dict[int, float] = {}
        self._ending = False
        self._freed = asyncio.Event()
        self._idle = _POLL

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; then give back what was not sent and let calls under way finish."""
        wake = self._database.wakeups.subscribe(TOPIC)
        recording = asyncio.create_task(self._recorder.run())
        stopping = asyncio.create_task(_set_after(stop, wake))
        self._ending = False
        try:
            await self._work(stop, wake)
        finally:
            self._database.wakeups.unsubscribe(TOPIC, wake)
            stopping.cancel()
            await self._end(recording)

    async def _work(self, stop: asyncio.Event, wake: asyncio.Event) -> None:
        backoff = Backoff(0.1, 5.0)
        while not stop.is_set():
            wake.clear()
            try:
                pause = await self.turn()
                backoff.reset()
            except TransientError as trouble:
                log.warning("ledger.waiting", error=type(trouble).__name__, detail=trouble.detail)
                pause = backoff.next()
            await asyncio.sleep(_SHORTEST)  # hints may come faster than it is worth looking
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wake.wait()
            if pause:  # nothing more was due a moment ago
                await self._database.wakeups.give_way(_GIVES_WAY, stop)

    async def turn(self) -> float:
        """Claim once and set the calls going; returns how many seconds to wait before the next turn."""
        left_behind = await self._claims.drain()
        free = await self._free()
        if free <= 0:
            return _SHORTEST
        busy = [lane for lane, held in self._held.items() if held >= (CAPACITY - self._held.total() + held) / 2]
        claims, until_next = await self._claims.take(free, busy)
        for claim in claims:
            self._held[claim.lane_id] += 1
        for name, same in _grouped(claims):
            self._start(self._batch(name, same))
        if left_behind:
            return 5 * _SHORTEST
        if until_next is None:
            self._idle = _POLL if claims else min(2 * self._idle, _LONGEST_POLL)
            return self._idle
        self._idle = _POLL
        return min(_POLL, max(0.0 if claims else 5 * _SHORTEST, until_next))

    async def _free(self) -> int:
        """How many more effects may be held; where that is few, more of them may be free in a moment."""
        if CAPACITY - self._held.total() < _WORTH:
            self._freed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_MOMENT):
                    await self._freed.wait()
        return CAPACITY - self._held.total()

    async def _batch(self, name: str, claims: list[Claim]) -> None:
        kind = self._kinds[name]
        try:
            prepared = await prepare(self._database, kind, [claim.entry for claim in claims])
        except (TransientError, asyncio.CancelledError) as trouble:
            self._put(claims, _LATER)
            if isinstance(trouble, TransientError):
                return
            raise
        ready: dict[int, list[Claim]] = {}
        for claim in claims:
            work = prepared.get(claim.entry.id, _MISSING)
            if work is _MISSING:
                self._put([claim], outcomes.WITHDRAWN)
            elif isinstance(work, Unprepared):
                self._put([claim], outcomes.unprepared(kind.timing, attempt=claim.entry.attempt, age=claim.age))
            else:
                ready.setdefault(claim.lane_id, []).append(claim)
        for lane in ready.values():
            self._start(self._walk(lane, prepared))

    async def _walk(self, claims: list[Claim], works: dict[Any, Any]) -> None:
        """Call the claims of one lane, each at its slot, those of a block once it has begun."""
        lane_id, walk = claims[0].lane_id, Walk(self._claims, self._beginning, claims)
        try:
            while not self._stopped(lane_id) and (turn := await walk.turn()) is not None:
                claim, latest = turn
                self._start(self._call(claim, works[claim.entry.id], latest, walk))
                await asyncio.sleep(0)  # it begins now, not when all that could be called has been started
        except TransientError:
            log.warning("ledger.no_slots", lane=lane_id)
        finally:
            self._put(walk.rest(), outcomes.UNSENT)

    async def _call(self, claim: Claim, work: Any, latest: float, walk: Walk) -> None:
        """Call, unless it is too late: for the slot, or because the call might outlive the lease.

        This process may have been stopped, or busy with something else, since the claim. Who is late for the slot
        alone has another one.
        """
        kind, began = self._kinds[claim.entry.kind], pace.now()
        if latest < began <= claim.start_by and walk.late(claim):
            return
        outcome: Outcome | None = None
        try:
            if began > min(latest, claim.start_by):
                outcome = Outcome(claim.entry, claim.lane_id, "call", outcomes.UNSENT)
            else:
                outcome = await calling.call(kind, claim, work)
        finally:
            if outcome is None:
                outcome = Outcome(claim.entry, claim.lane_id, "call", outcomes.cut_short(kind.timing), began)
            if outcome.change.park is not None or outcome.change.hold is not None:
                self._stopped_until[claim.lane_id] = pace.now() + min(outcome.change.park or 1.0, _STOPPED_FOR)
            self._recorder.put(outcome)

    def _stopped(self, lane_id: int) -> bool:
        """Whether claims of this lane should rather go back: it was parked, or we are ending."""
        until = self._stopped_until.get(lane_id)
        if until is not None and until <= pace.now():
            del self._stopped_until[lane_id]
            until = None
        return self._ending or until is not None

    def _put(self, claims: Iterable[Claim], change: outcomes.Change) -> None:
        for claim in claims:
            self._recorder.put(Outcome(claim.entry, claim.lane_id, "call", change))

    def _let_go(self, outcome: Outcome) -> None:
        self._held[outcome.lane_id] -= 1
        if self._held[outcome.lane_id] <= 0:
            del self._held[outcome.lane_id]
        self._freed.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("ledger.task_failed", exc_info=error)

    async def _end(self, recording: asyncio.Task[None]) -> None:
        self._ending = True
        try:
            async with asyncio.timeout(_LET_FINISH):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            log.warning("ledger.calls_cut_short", calls=len(self._tasks))
        finally:
            recording.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(recording, *self._tasks, return_exceptions=True)
            with suppress(TransientError):
                await self._recorder.flush()


_MISSING: Final = object()


_LATER: Final = replace(outcomes.UNSENT, wait=1.0)


def _grouped(claims: Iterable[Claim]) -> list[tuple[str, list[Claim]]]:
    by_kind = sorted(claims, key=lambda claim: claim.entry.kind)
    return [(kind, list(same)) for kind, same in groupby(by_kind, key=lambda claim: claim.entry.kind)]


async def _set_after(first: asyncio.Event, then: asyncio.Event) -> None:
    await first.wait()
    then.set()
