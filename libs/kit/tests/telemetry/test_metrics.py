import asyncio
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from kit.telemetry import metrics
from kit.telemetry.metrics import Sampled


def values(service: Any = "auth") -> dict[tuple[str, ...], float]:
    text = metrics.render(service).decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_metric_carries_the_name_of_the_service_that_is_asked() -> None:
    metrics.counter("test_things_total", "Things", ("kind",)).labels("a").inc(2)
    assert values("auth")["auth_test_things_total", "a"] == 2
    assert values("billing")["billing_test_things_total", "a"] == 2


def test_defining_a_metric_twice_gives_the_same_one() -> None:
    assert metrics.counter("test_twice_total", "Twice") is metrics.counter("test_twice_total", "Twice")
    assert metrics.gauge("test_gauge", "One") is metrics.gauge("test_gauge", "One")
    assert metrics.histogram("test_seconds", "Time") is metrics.histogram("test_seconds", "Time")


def test_the_process_itself_is_measured_under_the_usual_names() -> None:
    assert values()[("process_resident_memory_bytes",)] > 0


async def test_gauges_are_sampled_and_one_that_fails_keeps_its_last_value() -> None:
    readings = [4.0]

    async def age() -> float:
        return readings.pop()

    async def lag() -> dict[tuple[str, ...], float]:
        return {("a",): 1.0, ("b",): 2.0}

    async def stuck() -> float:
        await asyncio.Event().wait()
        return 0.0

    gauges = [Sampled("test_age_seconds", "Age", age), Sampled("test_stuck", "Stuck", stuck)]
    gauges.append(Sampled("test_lag", "Lag", lag, ("queue",)))
    for _ in range(2):
        await metrics.sample(gauges, limit=0.01)
    seen = values()
    assert seen[("auth_test_age_seconds",)] == 4
    assert (seen["auth_test_lag", "a"], seen["auth_test_lag", "b"]) == (1, 2)
