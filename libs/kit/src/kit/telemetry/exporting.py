"""The part of tracing that needs the OpenTelemetry SDK; imported only when spans are exported."""

import contextvars
from types import TracebackType

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from kit.telemetry.tracing import Attributes, Kind, Span, TraceContext, Value

_KINDS = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}


class Exporting:
    """Records spans and sends them in batches.

    Whether a new trace is sampled is decided before this is asked, so that an unsampled one never gets here; below
    that, the parent's decision holds.
    """

    def __init__(self, service: str, endpoint: str, exporter: SpanExporter | None) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON),
            resource=Resource.create({"service.name": service, "service.namespace": "rostrum"}),
            shutdown_on_exit=False,
        )
        target = exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(target))
        self._tracer = self._provider.get_tracer("kit")

    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None,
        parent: TraceContext | None,
        current: contextvars.ContextVar[TraceContext | None],
    ) -> "RecordedSpan":
        """A span below `parent`, which becomes the current one while it lasts."""
        context = trace.set_span_in_context(trace.INVALID_SPAN)
        if parent is not None:
            flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
            remote = trace.SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)
            context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        span = self._tracer.start_span(name, context=context, kind=_KINDS[kind], attributes=attributes)
        return RecordedSpan(span, current)

    def shut_down(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class RecordedSpan:
    """A span that will be exported."""

    __slots__ = ("_current", "_span", "_token")

    def __init__(self, span: trace.Span, current: contextvars.ContextVar[TraceContext | None]) -> None:
        self._span = span
        self._current = current

    def __enter__(self) -> Span:
        context = self._span.get_span_context()
        self._token = self._current.set(TraceContext(context.trace_id, context.span_id, sampled=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        self._current.reset(self._token)
        if kind is not None and issubclass(kind, Exception):
            self._span.set_attribute("error.type", kind.__qualname__)
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()

    def set(self, key: str, value: Value) -> None:
        """Add an attribute."""
        self._span.set_attribute(key, value)

    def rename(self, name: str) -> None:
        """Give a better name."""
        self._span.update_name(name)

    def fail(self, description: str) -> None:
        """Mark as failed."""
        self._span.set_status(trace.StatusCode.ERROR, description)
