"""How long what came in is kept, and what is watched about it."""

from datetime import timedelta
from typing import Final

from kit.db.database import Database
from kit.telemetry import metrics

# Also how long an item's id is remembered: the same one after that is a new item.
RETENTION: Final = timedelta(days=30)
RETENTION_OF_DOUBTFUL: Final = timedelta(days=90)  # quarantined items, unreadable deliveries
_BATCH: Final = 2_000

_PURGE_ITEMS: Final = """
    DELETE FROM intake_items WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM intake_items
        WHERE received_at < kit_now() - $1::interval
          AND (verdict IN ('applied', 'duplicate', 'discarded')
               OR (verdict = 'quarantined' AND received_at < kit_now() - $2::interval))
        LIMIT $3
    ))
"""
_PURGE_DELIVERIES: Final = """
    DELETE FROM intake_deliveries WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM intake_deliveries
        WHERE received_at < kit_now() - $1::interval
          AND (state IN ('split', 'discarded')
               OR (state = 'unreadable' AND received_at < kit_now() - $2::interval))
        LIMIT $3
    ))
"""
_WAITING: Final = """
    SELECT s.source,
           (SELECT min(received_at) FROM intake_deliveries WHERE source = s.source AND state = 'received') AS unread,
           item.oldest, coalesce(item.n, 0) AS n, kit_now() AS now
    FROM intake_sources AS s
    LEFT JOIN (SELECT source, min(received_at) AS oldest, count(*) AS n FROM intake_items WHERE verdict IS NULL
               GROUP BY source) AS item USING (source)
"""
_DOUBTFUL: Final = """
    SELECT source, count(*) AS n FROM (
        SELECT source FROM intake_items WHERE verdict = 'quarantined'
        UNION ALL SELECT source FROM intake_deliveries WHERE state = 'unreadable'
    ) AS doubtful GROUP BY source
"""
# Items that a delivery was found to hold and that have no row; undecided items of lanes that nobody will look at.
_UNACCOUNTED: Final = """
    SELECT s.source,
           (SELECT coalesce(sum(d.items - (SELECT count(*) FROM intake_items AS i WHERE i.delivery_id = d.id)), 0)
            FROM intake_deliveries AS d
            WHERE d.source = s.source AND d.state = 'split' AND d.received_at > kit_now() - interval '10 minutes')
         + (SELECT count(*) FROM intake_items AS i
            WHERE i.source = s.source AND i.verdict IS NULL
              AND NOT EXISTS (SELECT FROM intake_keys AS k WHERE k.source = i.source AND k.lane = i.lane)) AS n
    FROM intake_sources AS s
"""


async def purge(database: Database) -> bool:
    """Delete a batch of what is older than it may be; undecided items stay. True when there may be more."""
    gone = 0
    async with database.transaction() as tx:
        gone = max(gone, await tx.execute(_PURGE_ITEMS, RETENTION, RETENTION_OF_DOUBTFUL, _BATCH))
    async with database.transaction() as tx:
        gone = max(gone, await tx.execute(_PURGE_DELIVERIES, RETENTION, RETENTION_OF_DOUBTFUL, _BATCH))
    return gone == _BATCH


class Watch:
    """Reads what is undecided, doubtful and, hopefully, never unaccounted for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def gauges(self) -> tuple[metrics.Sampled, ...]:
        """By source; sampled now and then by a worker."""
        by = ("source",)
        return (
            metrics.Sampled("intake_undecided_age_seconds", "Age of what waits longest", self.ages, by),
            metrics.Sampled("intake_undecided_items", "Items without a verdict", self.undecided, by),
            metrics.Sampled("intake_quarantined", "What waits for an operator", self.doubtful, by),
            metrics.Sampled("intake_unaccounted_items", "Items that were lost: never any", self.unaccounted, by),
        )

    async def ages(self) -> metrics.Reading:
        """Seconds since the oldest undecided thing of each source came."""
        found: dict[tuple[str, ...], float] = {}
        for row in await self._database.statement(_WAITING):
            oldest = min((each for each in (row["unread"], row["oldest"]) if each), default=row["now"])
            found[(row["source"],)] = max(0.0, (row["now"] - oldest).total_seconds())
        return found

    async def undecided(self) -> metrics.Reading:
        """How many items wait."""
        return {(row["source"],): row["n"] for row in await self._database.statement(_WAITING)}

    async def doubtful(self) -> metrics.Reading:
        """How many items and deliveries an operator should look at."""
        return {(row["source"],): row["n"] for row in await self._database.statement(_DOUBTFUL)}

    async def unaccounted(self) -> metrics.Reading:
        """The proof that whatever came in is still known: of each source, 0."""
        return {(row["source"],): float(row["n"]) for row in await self._database.statement(_UNACCOUNTED)}
