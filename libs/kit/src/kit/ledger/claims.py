"""What workers take from the ledger: batches of calls and of looks, across tenants."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kit.db.database import Database, Row
from kit.ledger import pace
from kit.ledger.kind import Kind
from kit.ledger.model import Entry

MARGIN: Final = 5.0
"""Seconds that a lease is longer than the call it is for."""

BEGIN_WITHIN: Final = MARGIN
"""Seconds after its first slot in which a block must have begun; later it is given back."""

_TRIES: Final = 8
_LATEST_START: Final = 3.0  # of the margin, how long after its slot a call may begin

Kinds = Mapping[str, Kind[Any]]


@dataclass(frozen=True, slots=True)
class Claim:
    """An effect that is ours to call until its lease lapses; times are monotonic seconds.

    `slot` is when it may be called, `step` the distance of slots (0 on a lane without pace), `start_by` the last
    moment to begin the call, `age` how long it has been due. `slots_end` is the end of what was reserved with it,
    and `is_last` says that nothing was reserved between this slot and that end. `block_id` names the claims that
    begin together with this one.
    """

    entry: Entry
    lane_id: int
    age: float
    taken: float
    slot: float
    step: float
    start_by: float
    slots_end: datetime
    is_last: bool
    block_id: int = 0


@dataclass(frozen=True, slots=True)
class LookClaim:
    """An unknown effect that is ours to look for; durations in seconds as of `taken`."""

    entry: Entry
    lane_id: int
    age: float
    taken: float
    since_call: float
    quiet: float
    looks: int
    blanks: int


@dataclass(frozen=True, slots=True)
class Slots:
    """More slots of a lane: the first in monotonic seconds, their distance, and the end of what was reserved."""

    first: float
    step: float
    end: datetime


def entry_of(row: Row) -> Entry:
    """Read an entry."""
    return Entry(
        id=row["id"],
        kind=row["kind"],
        organization_id=row["organization_id"],
        lane_key=row["lane_key"],
        subject_id=row["subject_id"],
        attempt=row["attempt"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        called_at=row["called_at"],
    )


class Claims:
    """Asks the functions of the loops role, and turns the server's time into this process's."""

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds
        self._names = list(kinds)
        self._leases = [kind.timing.call_within + MARGIN for kind in kinds.values()]
        self._time = pace.ServerTime()
        self.lead = pace.LEAD
        """How many seconds ahead the next slots are taken: further while slots are missed again and again."""

    async def drain(self) -> bool:
        """Carry wakes into their lanes; true when some had to be left, because somebody held their lane."""
        (row,) = await self._database.statement("SELECT ledger_drain_wakes(5000) AS left_behind")
        return bool(row["left_behind"])

    async def take(self, most: int, busy: Collection[int], *, lanes: int = 50) -> tuple[list[Claim], float | None]:
        """Due effects of the lanes that have waited longest, and in how many seconds the next lane is ready."""
        await self._learn_time()
        asked, lead = pace.now(), self.lead
        self.lead = max(pace.LEAD, lead * pace.CALMS)
        rows = await self._database.statement(
            "SELECT * FROM ledger_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            self._names,
            self._leases,
            most,
            lanes,
            pace.PACE,
            lead,
            pace.AHEAD,
            pace.SLICE,
            pace.UNPACED,
            list(busy),
            pace.BLOCK,
            BEGIN_WITHIN,
        )
        (upcoming,) = await self._database.statement("SELECT ledger_next() AS seconds")
        until_next: float | None = upcoming["seconds"]
        if not rows:
            return [], until_next
        base = rows[0]["server"].timestamp() - self._time.ahead
        claims = [self._claim(row, asked, base) for row in rows]
        claims.sort(key=lambda claim: claim.slot)
        return claims, until_next

    async def _learn_time(self) -> None:
        """Ask the server for its time now and then; a few times when the answers take long."""
        for _ in range(_TRIES):
            asked = pace.now()
            if not self._time.vague(asked):
                return
            (row,) = await self._database.statement("SELECT statement_timestamp() AS server")
            self._time.learn(row["server"].timestamp(), asked, pace.now())

    def _claim(self, row: Row, asked: float, base: float) -> Claim:
        # The lease is judged from before the question was asked: the safe side.
        timing = self._kinds[row["kind"]].timing
        return Claim(
            entry=entry_of(row),
            lane_id=row["lane_id"],
            age=row["age"],
            taken=asked,
            slot=base + row["slot"],
            step=row["step"],
            start_by=asked + row["lease"] - timing.call_within - (MARGIN - _LATEST_START),
            slots_end=row["slots_end"],
            is_last=(row["slots_end"] - row["server"]).total_seconds() - row["slot"] < row["step"] * 1.5,
            block_id=row["block_id"],
        )

    async def reserve(
        self, lane_id: int, wanted: int, unused_from: datetime, slots_end: datetime, lead: float = pace.LEAD
    ) -> Slots:
        """More slots, `lead` seconds ahead, for claims that missed theirs; unused ones at its end come first."""
        self.lead = max(self.lead, min(2 * lead, pace.CROWDED_LEAD))
        (row,) = await self._database.statement(
            "SELECT * FROM ledger_reserve($1, $2, $3, $4, $5, $6)",
            lane_id,
            wanted,
            pace.PACE,
            lead,
            unused_from,
            slots_end,
        )
        base = row["server"].timestamp() - self._time.ahead
        return Slots(base + row["slot"], row["step"], row["slots_end"])

    async def looks(self, most: int, per_lane: int, after_lane: int) -> tuple[list[LookClaim], int]:
        """Looks that are due, a few per lane, from the lane after this one on, and after which lane to go on."""
        taken = pace.now()
        rows = await self._database.statement(
            "SELECT * FROM ledger_claim_looks($1, $2, $3, $4, $5)",
            self._names,
            self._leases,
            most,
            per_lane,
            after_lane,
        )
        names = ("lane_id", "age", "since_call", "quiet", "looks", "blanks")
        found = [row for row in rows if row["id"] is not None]
        claims = [LookClaim(entry=entry_of(row), taken=taken, **{name: row[name] for name in names}) for row in found]
        if len(claims) >= most:
            return claims, max(claim.lane_id for claim in claims)
        return claims, rows[0]["walked"]

    async def give_back(self, most: int) -> bool:
        """Let what was claimed and not begun in time wait again; true when there may be more."""
        (row,) = await self._database.statement("SELECT ledger_give_back($1) AS gone", most)
        return bool(row["gone"] >= most)

    async def overdue(self, most: int, but_for: Collection[UUID] = ()) -> Sequence[tuple[Entry, str]]:
        """What was begun and has lapsed (`calling`) and effects that have expired while they waited (`pending`)."""
        asked = (self._names, most, list(but_for))
        rows = await self._database.statement("SELECT * FROM ledger_overdue($1, $2, $3)", *asked)
        return [(entry_of(row), row["status"]) for row in rows]
