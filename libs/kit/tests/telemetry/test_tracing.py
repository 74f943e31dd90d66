import asyncio
import subprocess
import sys
import time
import timeit
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kit.telemetry import tracing

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    yield
    tracing.shut_down()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def flush() -> None:
    assert tracing._State.exporting is not None
    tracing._State.exporting._provider.force_flush()


def spans(exporter: InMemorySpanExporter) -> dict[str, Any]:
    flush()
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.mark.parametrize("traceparent", [SAMPLED, UNSAMPLED, "cc" + SAMPLED[2:] + "-more"])
def test_a_traceparent_is_read_and_written(traceparent: str) -> None:
    read = tracing.parse(traceparent)
    assert read is not None
    assert read.traceparent[3:] == traceparent[3:55]


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "x",
        "ff" + SAMPLED[2:],
        SAMPLED + "-more",
        SAMPLED.upper(),
        "00-" + "0" * 32 + SAMPLED[35:],
        SAMPLED[:36] + "0" * 16 + "-01",
        SAMPLED[:-1],
        SAMPLED.replace("0af", "0ag"),
        SAMPLED + "\n0",
    ],
)
def test_a_broken_traceparent_counts_as_none(traceparent: str | None) -> None:
    assert tracing.parse(traceparent) is None


@given(st.text(max_size=60))
def test_any_text_can_be_given_as_a_traceparent(text: str) -> None:
    tracing.parse(text)


def test_without_an_exporter_the_trace_still_goes_on() -> None:
    with tracing.continued(SAMPLED, "consume"), tracing.span("inner"):
        assert tracing.current_traceparent() == SAMPLED
    assert tracing.current_traceparent() is None


def test_a_trace_begins_when_none_came() -> None:
    with tracing.continued(None):
        first = tracing.current_traceparent()
        assert tracing.parse(first)
    with tracing.continued(None):
        assert tracing.current_traceparent() != first


NOT_LOADED = """
import sys
from kit.telemetry import tracing
tracing.configure("x")
print("opentelemetry.sdk" in sys.modules)
"""


def test_the_sdk_is_not_loaded_when_nothing_is_exported() -> None:
    told = subprocess.run([sys.executable, "-c", NOT_LOADED], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_spans_of_a_sampled_trace_are_exported_below_one_another(exporter: InMemorySpanExporter) -> None:
    tracing.configure("auth", exporter=exporter, sample=0)
    with tracing.continued(SAMPLED, "POST /x", kind="server", attributes={"a": 1}) as server:
        outer = tracing.current_traceparent()
        server.rename("POST /things")
        with tracing.span("inner") as inner:
            inner.set("rows", 3)
            assert tracing.current_traceparent() != outer
        assert tracing.current_traceparent() == outer
    done = spans(exporter)
    server, inner = done["POST /things"], done["inner"]
    assert format(server.context.trace_id, "032x") == SAMPLED[3:35]
    assert format(server.parent.span_id, "016x") == SAMPLED[36:52]
    assert inner.parent.span_id == server.context.span_id
    assert (server.kind, inner.attributes["rows"]) == (SpanKind.SERVER, 3)
    assert server.resource.attributes["service.name"] == "auth"


def test_a_span_that_is_left_by_an_exception_has_failed(exporter: InMemorySpanExporter) -> None:
    tracing.configure("auth", exporter=exporter)
    with pytest.raises(ZeroDivisionError), tracing.continued(SAMPLED), tracing.span("inner"):
        raise ZeroDivisionError
    assert spans(exporter)["inner"].status.status_code is StatusCode.ERROR


def test_an_unsampled_trace_is_handed_on_and_not_exported(exporter: InMemorySpanExporter) -> None:
    tracing.configure("auth", exporter=exporter, sample=1)
    with tracing.continued(UNSAMPLED, "server"), tracing.span("inner"):
        assert tracing.current_traceparent() == UNSAMPLED
    assert not spans(exporter)


@pytest.mark.parametrize(("ratio", "low", "high"), [(0, 0, 0), (1, 300, 300), (0.5, 100, 200)])
def test_new_traces_are_sampled_by_ratio(exporter: InMemorySpanExporter, ratio: float, low: int, high: int) -> None:
    tracing.configure("auth", exporter=exporter, sample=ratio)
    for _ in range(300):
        with tracing.continued(None, "server"):
            pass
    flush()
    assert low <= len(exporter.get_finished_spans()) <= high


async def test_tasks_do_not_see_one_anothers_trace() -> None:
    async def look(trace: str) -> str | None:
        with tracing.continued(trace):
            await asyncio.sleep(0)
            return tracing.current_traceparent()

    one, other = await asyncio.gather(look(SAMPLED), look(UNSAMPLED))
    assert (one, other) == (SAMPLED, UNSAMPLED)


def test_a_span_that_is_not_recorded_costs_next_to_nothing(exporter: InMemorySpanExporter) -> None:
    tracing.configure("auth", exporter=exporter)

    def work() -> None:
        with tracing.span("inner"):
            pass

    with tracing.continued(UNSAMPLED):
        took = min(timeit.repeat(work, timer=time.thread_time, number=5000, repeat=7)) / 5000
    assert took < 5e-6  # measured 0.25 µs; the rest is for a busy machine
