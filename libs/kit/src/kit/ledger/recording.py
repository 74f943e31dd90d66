"""Records what came of calls and looks: under the fence, in batches, together with the kind's own rows."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from kit.db.database import Database, Row, Transaction
from kit.errors import TransientError
from kit.ledger import measures, pace
from kit.ledger.claims import Kinds
from kit.ledger.model import Entry, Settled, Status
from kit.ledger.outcomes import Change
from kit.ledger.rows import TOPIC
from kit.messaging.backoff import Backoff
from kit.telemetry.redaction import redact_text

log = structlog.get_logger(__name__)

What = Literal["call", "look", "lapse", "expiry"]

ENDS: Final = frozenset({Status.DONE, Status.REFUSED, Status.CANCELLED, Status.UNCONFIRMED})
_SAID: Final = 1000
_BATCH: Final = 500
_GATHER: Final = 0.02
_STREAM: Final = 8
"""So many within one gathering are a stream: it is recorded in larger pieces, for what a commit costs."""
_GATHER_MORE: Final = 0.08

_SETTLE: Final = """
    UPDATE ledger_entries AS e
    SET status = t.status,
        due_at = CASE WHEN t.status = 'pending' AND t.wait > 0
            THEN (SELECT kit_now()) + make_interval(secs => t.wait) ELSE e.due_at END,
        look_at = CASE WHEN t.status = 'unknown' THEN (SELECT kit_now()) + make_interval(secs => t.wait) END,
        leased_until = NULL,
        began_by = CASE WHEN t.ago IS NULL THEN e.began_by ELSE (SELECT kit_now()) - make_interval(secs => t.ago) END,
        blanks = e.blanks + t.blank::integer,
        external_id = coalesce(t.external_id, e.external_id), reason = t.reason, code = t.code,
        settled_at = CASE WHEN t.ended THEN (SELECT kit_now()) END, settled_by = CASE WHEN t.ended THEN t.by END
    FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::text[], $6::float8[], $7::float8[],
                $8::boolean[], $9::text[], $10::text[], $11::text[], $12::boolean[], $13::text[])
        AS t (id, attempt, what, looks, status, wait, ago, blank, external_id, reason, code, ended, by)
    WHERE e.id = t.id AND e.attempt = t.attempt AND CASE
        WHEN t.what = 'look' THEN e.status = 'unknown' AND e.looks = t.looks
        WHEN t.what = 'expiry' THEN e.status = 'pending' AND e.expires_at <= (SELECT kit_now())
        WHEN t.what = 'lapse' OR t.status = 'unknown' THEN e.status = 'calling'
        WHEN t.status = 'done' THEN e.status IN ('calling', 'unknown', 'unconfirmed', 'pending')
        ELSE e.status IN ('calling', 'unknown') END
    RETURNING e.id, e.due_at, (SELECT kit_now()) AS at
"""
_NOTE: Final = """
    INSERT INTO ledger_attempts (entry_id, organization_id, number, what, started_at, seconds, outcome, code, said)
    SELECT t.entry_id, t.organization_id, t.number, t.what, (SELECT kit_now()) - make_interval(secs => t.ago),
           t.seconds, t.outcome, t.code, t.said
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::float8[], $6::float8[], $7::text[], $8::text[],
                $9::text[]) AS t (entry_id, organization_id, number, what, ago, seconds, outcome, code, said)
"""
_WAKE: Final = """
    INSERT INTO ledger_wakes (organization_id, lane_id, due_at, parked_until, parked_reason, parked_code)
    SELECT t.organization_id, t.lane_id, t.due_at, (SELECT kit_now()) + make_interval(secs => t.park), t.reason,
           t.code
    FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::float8[], $5::text[], $6::text[])
        AS t (organization_id, lane_id, due_at, park, reason, code)
"""
_HOLD: Final = """
    INSERT INTO ledger_holds (organization_id, lane_key, reason)
    SELECT lane.organization_id, lane.key, $2 FROM ledger_lanes AS lane
    WHERE lane.id = $1
      AND (lane.released_at IS NULL OR lane.released_at < statement_timestamp() - make_interval(secs => $3))
    ON CONFLICT (organization_id, lane_key, cause) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one claim; `began` in monotonic seconds, None when nothing was sent."""

    entry: Entry
    lane_id: int
    what: What
    change: Change
    began: float | None = None
    seconds: float = 0.0
    looks: int = 0


def plain(text: str, longest: int = _SAID) -> str:
    """Text from outside as it may be stored: redacted, cut, without what PostgreSQL refuses."""
    if not text:
        return ""
    clean = text[: longest * 4].replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return redact_text(clean)[:longest]


class Recorder:
    """Takes outcomes in and commits them in batches, at most a tenth of a second later.

    Status, attempt and the kind's own rows are one commit. When a kind's `record` fails for a batch, each outcome is
    tried alone; one that fails alone is logged, counted and left: its claim lapses, so the effect becomes unknown and
    is looked for. While the database is away outcomes are kept and tried again.
    """

    def __init__(self, database: Database, kinds: Kinds, recorded: Callable[[Outcome], None]) -> None:
        self._database = database
        self._kinds = kinds
        self._recorded = recorded
        self._waiting: deque[Outcome] = deque()
        self._some = asyncio.Event()
        self._backoff = Backoff(0.1, 5.0)

    def put(self, outcome: Outcome) -> None:
        """Have it recorded soon."""
        self._waiting.append(outcome)
        self._some.set()

    async def run(self) -> None:
        """Record for ever."""
        while True:
            await self._some.wait()
            if len(self._waiting) < _BATCH:
                await asyncio.sleep(_GATHER)
            if _STREAM <= len(self._waiting) < _BATCH:
                await asyncio.sleep(_GATHER_MORE)
            try:
                await self.flush()
                self._backoff.reset()
            except TransientError as trouble:
                log.warning("ledger.not_recorded_yet", error=type(trouble).__name__, waiting=len(self._waiting))
                await asyncio.sleep(self._backoff.next())

    async def flush(self) -> None:
        """Record what waits now.

        Raises:
            TransientError: the database cannot take it now; nothing of it is lost.
        """
        while self._waiting:
            batch = list(self._waiting)[:_BATCH]
            for outcomes in _by_kind(batch):
                await self.record(outcomes)
                self._forget(outcomes)
        self._some.clear()

    def _forget(self, outcomes: Sequence[Outcome]) -> None:
        gone = set(map(id, outcomes))
        self._waiting = deque(each for each in self._waiting if id(each) not in gone)
        for each in outcomes:
            self._recorded(each)

    async def record(self, outcomes: Sequence[Outcome]) -> list[Settled]:
        """Record outcomes of one kind, all in one commit, or each in its own when that fails.

        Raises:
            TransientError: nothing, or not all, was recorded; recording again is harmless.
        """
        try:
            return await self.commit(outcomes)
        except TransientError:
            raise
        except Exception:
            if len(outcomes) == 1:
                entry = outcomes[0].entry
                log.exception("ledger.not_recorded", kind=entry.kind, entry_id=str(entry.id))
                measures.UNRECORDED.labels(entry.kind).inc()
                return []
        return [settled for each in outcomes for settled in await self.record([each])]

    async def commit(self, outcomes: Sequence[Outcome]) -> list[Settled]:
        """One commit: status, attempts, lanes, and the kind's own rows."""
        organizations = {each.entry.organization_id for each in outcomes} - {None}
        kind = self._kinds[outcomes[0].entry.kind]
        async with self._database.transaction(*(each for each in organizations if each)) as tx:
            changed = {row["id"]: row for row in await tx.fetch(_SETTLE, *_columns(outcomes))}
            await _note(tx, await _there(tx, outcomes, changed), changed)
            await _tell_lanes(tx, outcomes, changed)
            settled = [_settled(each, changed[each.entry.id]) for each in outcomes if each.entry.id in changed]
            told = [each for each in map(_told, outcomes, [changed] * len(outcomes)) if each]
            if told:
                await kind.record(tx, told)
        _count(outcomes, changed)
        return settled


def _by_kind(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    kinds: dict[str, list[Outcome]] = {}
    for each in outcomes:
        kinds.setdefault(each.entry.kind, []).append(each)
    return list(kinds.values())


def _columns(outcomes: Sequence[Outcome]) -> tuple[list[object], ...]:
    now = pace.now()
    rows = [
        (
            each.entry.id,
            each.entry.attempt,
            each.what,
            each.looks,
            each.change.status.value,
            each.change.wait,
            _began_ago(each, now),
            each.change.blank,
            None if each.change.external_id is None else plain(each.change.external_id),
            plain(each.change.reason),
            plain(each.change.code, 100),
            each.change.status in ENDS,
            each.change.by,
        )
        for each in outcomes
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))


def _began_ago(outcome: Outcome, now: float) -> float | None:
    """When the call can have begun at the latest: known for a call, now for a lapsed one."""
    if outcome.what == "lapse":
        return 0.0
    return None if outcome.what != "call" or outcome.began is None else now - outcome.began


async def _there(tx: Transaction, outcomes: Sequence[Outcome], changed: dict[object, Row]) -> Sequence[Outcome]:
    """Those whose effect is still there: what lost its fence may have been forgotten, and nothing is noted of it."""
    late = {each.entry.id for each in outcomes if each.entry.id not in changed}
    if not late:
        return outcomes
    rows = await tx.fetch("SELECT id FROM ledger_entries WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE", list(late))
    gone = late - {row["id"] for row in rows}
    return [each for each in outcomes if each.entry.id not in gone] if gone else outcomes


async def _note(tx: Transaction, outcomes: Sequence[Outcome], changed: dict[object, Row]) -> None:
    """One attempt for each call and look; what lost its fence says so."""
    now = pace.now()
    rows = [
        (
            each.entry.id,
            each.entry.organization_id,
            each.entry.attempt,
            "look" if each.what == "look" else "call",
            0.0 if each.began is None else now - each.began,
            each.seconds,
            each.change.outcome if each.entry.id in changed else f"late: {each.change.outcome}",
            plain(each.change.code, 100),
            plain(each.change.said),
        )
        for each in outcomes
        if each.began is not None or (each.what == "lapse" and each.entry.id in changed)
    ]
    if rows:
        await tx.execute(_NOTE, *(list(column) for column in zip(*rows, strict=True)))


async def _tell_lanes(tx: Transaction, outcomes: Sequence[Outcome], changed: dict[object, Row]) -> None:
    """Wakes for what is pending again, parking and holds; nothing here waits for a lane."""
    wakes = [
        (each.entry.organization_id, each.lane_id, changed[each.entry.id]["due_at"], each.change.park, *_why(each))
        for each in outcomes
        if each.entry.id in changed and (each.change.status is Status.PENDING or each.change.park is not None)
    ]
    if wakes:
        await tx.execute(_WAKE, *(list(column) for column in zip(*wakes, strict=True)))
        tx.stir(TOPIC)
    now = pace.now()
    holds = {each.lane_id: each for each in outcomes if each.change.hold and each.began is not None}
    for lane_id, each in sorted(holds.items()):
        await tx.execute(_HOLD, lane_id, plain(each.change.hold or ""), now - (each.began or now))


def _why(outcome: Outcome) -> tuple[str | None, str | None]:
    """What is said of a lane that is parked by this."""
    if outcome.change.park is None:
        return None, None
    return plain(outcome.change.reason), plain(outcome.change.code, 100)


def _settled(outcome: Outcome, row: Row) -> Settled:
    change = outcome.change
    return Settled(
        entry=outcome.entry,
        status=change.status,
        by=change.by,
        at=row["at"],
        due_at=row["due_at"],
        external_id=change.external_id,
        reason=change.reason,
        code=change.code,
        result=change.result,
    )


def _told(outcome: Outcome, changed: dict[object, Row]) -> Settled | None:
    """What the kind is told: changes of status, but neither what was withdrawn or given back nor another look."""
    row, status = changed.get(outcome.entry.id), outcome.change.status
    silent = status is Status.CANCELLED or outcome.change.outcome == "unsent"
    if row is None or silent or (outcome.what == "look" and status is Status.UNKNOWN):
        return None
    return _settled(outcome, row)


def _count(outcomes: Sequence[Outcome], changed: dict[object, Row]) -> None:
    """Count a batch, which is of one kind; each series is looked up once."""
    kind, calls, late, unsent = outcomes[0].entry.kind, Counter[str](), 0, 0
    ends, seconds = Counter[tuple[str, str]](), measures.CALL_SECONDS.labels(kind)
    for each in outcomes:
        change = each.change
        if each.what == "call" and each.began is not None:
            calls[change.outcome] += 1
            seconds.observe(each.seconds)
        if each.entry.id not in changed:
            late += 1
        elif change.status in ENDS:
            ends[change.status.value, change.by] += 1
        elif change.outcome == "unsent":
            unsent += 1
    for outcome, number in calls.items():
        measures.CALLS.labels(kind, outcome).inc(number)
    for (status, by), number in ends.items():
        measures.SETTLED.labels(kind, status, by).inc(number)
    if late:
        measures.LATE.labels(kind).inc(late)
    if unsent:
        measures.GIVEN_BACK.labels(kind).inc(unsent)
