"""The cache in numbers."""

from typing import Final

from kit.telemetry import metrics

HITS: Final = metrics.counter("cache_hits_total", "Reads answered from what was kept", ("row", "level"))
MISSES: Final = metrics.counter("cache_misses_total", "Reads for which a service was asked", ("row", "why"))
SAVED: Final = metrics.counter("cache_saved_requests_total", "Requests that services were spared", ("row",))
STORED: Final = metrics.counter("cache_stored_total", "Answers kept", ("row",))
ENDED: Final = metrics.counter("cache_ended_total", "Generations ended, by an event or by a change", ("by",))
BYTES: Final = metrics.gauge("cache_bytes", "What is kept in the process")
ENTRIES: Final = metrics.gauge("cache_entries", "Answers kept in the process")
RATIO: Final = metrics.gauge("cache_hit_ratio", "Hits among the reads of rows since the start")

_WHY: Final = {b"fwd=uri-miss": "absent", b"fwd=stale": "ended", b"fwd=request": "asked", b"fwd=bypass": "off"}


class Tally:
    """Counts the reads of one row; the children of the counters are looked up once."""

    __slots__ = ("_hits", "_misses", "_name", "_saved", "_stored", "hits", "reads")

    def __init__(self, name: str) -> None:
        self._name = name
        self._hits = {level: HITS.labels(name, level) for level in ("process", "redis", "joined")}
        self._misses = {status: MISSES.labels(name, why) for status, why in _WHY.items()}
        self._saved = SAVED.labels(name)
        self._stored = STORED.labels(name)
        self.hits = 0
        self.reads = 0

    def hit(self, level: str) -> None:
        """A service was spared."""
        self.hits += 1
        self.reads += 1
        self._hits[level].inc()
        self._saved.inc()

    def miss(self, status: bytes) -> None:
        """A service is asked, for the reason that Cache-Status gives."""
        self.reads += 1
        self._misses[status].inc()

    def stored(self) -> None:
        """An answer was kept."""
        self._stored.inc()
