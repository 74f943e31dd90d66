"""What became of the posts, by our own record and by the platforms'."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from benchmarks import harness

Connection = asyncpg.Connection

_OPEN: Final = """
    SELECT count(*) FILTER (WHERE status = 'pending') AS waiting,
           count(*) FILTER (WHERE status = 'calling') AS calling,
           count(*) FILTER (WHERE status = 'unknown') AS unknown
    FROM publisher.ledger_entries
    WHERE kind IN ('publisher.delivery', 'publisher.processing', 'publisher.step')
      AND status IN ('pending', 'calling', 'unknown') AND due_at < kit.kit_now() + interval '1 day'
"""
_SHARES: Final = """
    SELECT delivery.status, count(*) AS posts FROM publisher.deliveries AS delivery GROUP BY delivery.status
"""
_SEARCHED: Final = """
    SELECT count(*) FROM publisher.ledger_entries AS entry
    WHERE kind IN ('publisher.delivery', 'publisher.step')
      AND EXISTS (SELECT FROM publisher.ledger_attempts WHERE entry_id = entry.id AND what = 'look')
"""
_LATE: Final = """
    SELECT extract(epoch FROM tried.started_at - entry.first_due_at)::float8 * 1000 AS late
    FROM publisher.ledger_entries AS entry
    CROSS JOIN LATERAL (
        SELECT min(started_at) AS started_at FROM publisher.ledger_attempts
        WHERE entry_id = entry.id AND what = 'call'
    ) AS tried
    WHERE entry.kind = 'publisher.delivery' AND entry.subject_id = ANY ($1) AND tried.started_at IS NOT NULL
"""
_SLIPPED: Final = """
    SELECT coalesce(max(extract(epoch FROM tried.started_at - stopped.at)::float8 * 1000), 0) AS slipped
    FROM publisher.ledger_attempts AS tried
    JOIN publisher.ledger_entries AS entry ON entry.id = tried.entry_id
    JOIN unnest($1::uuid[], $2::timestamptz[]) AS stopped (organization_id, at)
      ON stopped.organization_id = entry.organization_id AND tried.started_at > stopped.at
    WHERE tried.what = 'call'
"""
_CALLED: Final = """
    SELECT count(*) FROM publisher.ledger_entries
    WHERE kind = 'publisher.delivery' AND subject_id = ANY ($1) AND attempt > 0
"""
_UNDER_WAY: Final = """
    SELECT count(*) FROM publisher.deliveries
    WHERE id = ANY ($1) AND status IN ('scheduled', 'processing')
"""
_OUTCOMES: Final = """
    SELECT entry.kind, split_part(lane.key, ':', 1) AS platform, tried.what, tried.outcome, tried.code,
           count(*) AS times
    FROM publisher.ledger_attempts AS tried
    JOIN publisher.ledger_entries AS entry ON entry.id = tried.entry_id
    JOIN publisher.ledger_lanes AS lane ON lane.id = entry.lane_id
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, times DESC
"""


@dataclass(frozen=True, slots=True)
class Open:
    """What has not come to an end."""

    waiting: int
    calling: int
    unknown: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.waiting + self.calling + self.unknown


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a rush."""

    posts: int
    once: int
    twice: int
    lost: int
    done: int
    """Published, and the call told so."""
    searched: int
    """Published, and looked for meanwhile, or the step that made it public was; at most."""
    unconfirmed: int
    failed: int
    refused_for_quota: int
    late: Sequence[float]
    seconds: float

    @property
    def late_p50(self) -> float:
        """Milliseconds from due to called, of half of them."""
        return harness.percentile(self.late, 50)

    @property
    def late_p99(self) -> float:
        """Of 99 of 100."""
        return harness.percentile(self.late, 99)

    def told(self) -> dict[str, Any]:
        """For a file."""
        return {
            **{name: getattr(self, name) for name in self.__slots__ if name != "late"},
            "late_p50_ms": round(self.late_p50),
            "late_p99_ms": round(self.late_p99),
        }


async def still_open(connection: "Connection[Any]") -> Open:
    """What has not come to an end."""
    row = await connection.fetchrow(_OPEN)
    return Open(**dict(row or {}))


async def called(connection: "Connection[Any]", deliveries: Sequence[UUID]) -> int:
    """How many of these were called."""
    count: int = await connection.fetchval(_CALLED, deliveries)
    return count


async def under_way(connection: "Connection[Any]", deliveries: Sequence[UUID]) -> int:
    """How many of these go on; what waits for proof is not among them."""
    count: int = await connection.fetchval(_UNDER_WAY, deliveries)
    return count


async def late(connection: "Connection[Any]", deliveries: Sequence[UUID]) -> list[float]:
    """How long after it was due each call began, in milliseconds."""
    return [row["late"] for row in await connection.fetch(_LATE, deliveries)]


async def slipped(connection: "Connection[Any]", stops: Mapping[UUID, datetime]) -> float:
    """How long after its organization was stopped the last call began, in milliseconds; 0 when none did."""
    found: float = await connection.fetchval(_SLIPPED, list(stops), list(stops.values()))
    return found


async def outcomes(connection: "Connection[Any]") -> list[str]:
    """What calls and looks came to, the most frequent first."""
    return [" ".join(map(str, row.values())) for row in await connection.fetch(_OUTCOMES)]


async def verdict(
    connection: "Connection[Any]", marks: Mapping[UUID, str], live: Counter[str], seconds: float
) -> Verdict:
    """What became of each post: live once, and known as that."""
    stored = await connection.fetch("SELECT id, status FROM publisher.deliveries")
    statuses = {row["id"]: row["status"] for row in stored}
    ended = {row["status"]: int(row["posts"]) for row in await connection.fetch(_SHARES)}
    published = ended.get("published", 0)
    searched = min(published, await connection.fetchval(_SEARCHED))
    quota = await connection.fetchval(
        "SELECT count(*) FROM publisher.ledger_attempts WHERE code ~ 'quota|rate|limit|spam'"
    )
    return Verdict(
        posts=len(marks),
        once=sum(live[mark] == 1 for mark in marks.values()),
        twice=sum(live[mark] > 1 for mark in marks.values()),
        lost=sum(live[mark] == 0 for each, mark in marks.items() if statuses[each] not in ("failed", "unconfirmed")),
        done=published - searched,
        searched=searched,
        unconfirmed=ended.get("unconfirmed", 0),
        failed=ended.get("failed", 0),
        refused_for_quota=quota,
        late=await late(connection, list(marks)),
        seconds=seconds,
    )
