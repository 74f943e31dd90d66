"""Metrics in Prometheus' text format; our own begin with the service's name.

A metric is defined once, at import, without the service: `metrics.counter("outbox_published_total", "...")`. The
name of the service is put before it when it is read, so kit can count what every service does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

log = structlog.get_logger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_ours = CollectorRegistry()
_process = CollectorRegistry()
ProcessCollector(registry=_process)
GCCollector(registry=_process)
_counters: dict[str, Counter] = {}
_gauges: dict[str, Gauge] = {}
_histograms: dict[str, Histogram] = {}


def counter(name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    """The counter of this name (ending in `_total`); defining it twice gives the same one."""
    if name not in _counters:
        _counters[name] = Counter(name, documentation, labels, registry=_ours)
    return _counters[name]


def gauge(name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
    """The gauge of this name; defining it twice gives the same one."""
    if name not in _gauges:
        _gauges[name] = Gauge(name, documentation, labels, registry=_ours)
    return _gauges[name]


def histogram(
    name: str, documentation: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS
) -> Histogram:
    """The histogram of this name; defining it twice gives the same one."""
    if name not in _histograms:
        _histograms[name] = Histogram(name, documentation, labels, buckets=buckets, registry=_ours)
    return _histograms[name]


class _OfService(Collector):
    """Our metrics with the service's name before theirs."""

    def __init__(self, service: str) -> None:
        self._prefix = f"{service}_"

    def collect(self) -> Iterator[Metric]:
        for metric in _ours.collect():
            named = Metric(self._prefix + metric.name, metric.documentation, metric.type, metric.unit)
            named.samples = [Sample(self._prefix + sample[0], *sample[1:]) for sample in metric.samples]
            yield named


def render(service: str) -> bytes:
    """Everything this process measures, as text."""
    registry = CollectorRegistry()
    registry.register(_OfService(service))
    return generate_latest(registry) + generate_latest(_process)


Reading = float | dict[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A gauge whose value is fetched now and then, not when somebody asks.

    `read` gives a number, or numbers by label values.
    """

    name: str
    documentation: str
    read: Callable[[], Awaitable[Reading]]
    labels: tuple[str, ...] = ()


async def sample(gauges: Iterable[Sampled], *, limit: float = 5.0) -> None:
    """Read every sampled gauge once; one that fails keeps its last value and is logged.

    Give it to a loop: `Loop("metrics", partial(metrics.sample, gauges), every=5)`.
    """
    for sampled in gauges:
        target = gauge(sampled.name, sampled.documentation, sampled.labels)
        try:
            async with asyncio.timeout(limit):
                reading = await sampled.read()
        except Exception as error:  # noqa: BLE001 - one gauge that cannot be read must not blind the others
            log.warning("metrics.not_read", metric=sampled.name, error=type(error).__name__)
            continue
        if isinstance(reading, dict):
            target.clear()
            for labels, value in reading.items():
                target.labels(*labels).set(value)
        else:
            target.set(reading)
