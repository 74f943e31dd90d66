"""Traces: W3C trace context always, spans exported only when there is somewhere to send them.

The trace context travels in a context variable of our own, so that a process without an exporter, or an unsampled
request, pays next to nothing and still hands on the `traceparent` it was given. The OpenTelemetry SDK is imported
only when an endpoint is configured.
"""

import contextvars
import random
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from kit.telemetry.exporting import Exporting

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | bool | int | float
Attributes = Mapping[str, Value]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_SAMPLED = 1


class TraceContext(NamedTuple):
    """Where we are in which trace (W3C Trace Context, level 1)."""

    trace_id: int
    span_id: int
    sampled: bool

    @property
    def traceparent(self) -> str:
        """The header value that continues from here."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.sampled else '00'}"


class Span(Protocol):
    """A piece of work in a trace."""

    def set(self, key: str, value: Value) -> None:
        """Add an attribute, once it is known."""

    def rename(self, name: str) -> None:
        """Give a better name, once it is known."""

    def fail(self, description: str) -> None:
        """Mark the work as failed although no exception leaves it."""


class SpanScope(AbstractContextManager[Span], Protocol):
    """A span that lasts as long as its `with` block."""


_current: contextvars.ContextVar[TraceContext | None] = contextvars.ContextVar("trace", default=None)


class _Unrecorded:
    """The span that costs nothing: one object for all."""

    __slots__ = ()

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def set(self, key: str, value: Value) -> None:
        """Nothing is recorded."""

    def rename(self, name: str) -> None:
        """Nothing is recorded."""

    def fail(self, description: str) -> None:
        """Nothing is recorded."""


class _Placed(_Unrecorded):
    """Makes a given context the current one and records nothing."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: TraceContext | None) -> None:
        self._context = context

    def __enter__(self) -> Span:
        self._token = _current.set(self._context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)


_UNRECORDED = _Unrecorded()


class _State:
    """Whether and where spans go in this process."""

    exporting: "Exporting | None" = None
    ratio: float = 0.0


def configure(
    service: str, *, endpoint: str = "", sample: float = 0.01, exporter: "SpanExporter | None" = None
) -> None:
    """Start exporting spans to an OTLP/HTTP endpoint; without an endpoint (or exporter) nothing is loaded.

    A trace that begins here is sampled at `sample`; one that was begun elsewhere keeps its own decision.
    """
    shut_down()
    if not endpoint and exporter is None:
        return
    from kit.telemetry.exporting import Exporting  # noqa: PLC0415 - the SDK is loaded only when it is used

    _State.exporting = Exporting(service, endpoint, exporter)
    _State.ratio = sample


def shut_down() -> None:
    """Send what is left and stop exporting."""
    exporting, _State.exporting, _State.ratio = _State.exporting, None, 0.0
    if exporting is not None:
        exporting.shut_down()


def current() -> TraceContext | None:
    """The trace context of the running task."""
    return _current.get()


def current_traceparent() -> str | None:
    """The `traceparent` to hand on, or None outside of any trace."""
    context = _current.get()
    return None if context is None else context.traceparent


def parse(traceparent: str | None) -> TraceContext | None:
    """Read a `traceparent`; None when it is absent or not valid.

    A later version may carry more after the flags; version ff and all-zero ids are not valid.
    """
    if not traceparent:
        return None
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    if match is None:
        return None
    version, trace, parent, flags, rest = match.groups()
    trace_id, span_id = int(trace, 16), int(parent, 16)
    if version == "ff" or (rest and version == "00") or not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def span(name: str, *, kind: Kind = "internal", attributes: Attributes | None = None) -> SpanScope:
    """A span below the current one; the very first one begins a trace."""
    exporting, context = _State.exporting, _current.get()
    if context is None:
        return _begun(name, kind, attributes)
    if exporting is None or not context.sampled:
        return _UNRECORDED
    return exporting.span(name, kind, attributes, context, _current)


def continued(
    traceparent: str | None, name: str = "", *, kind: Kind = "consumer", attributes: Attributes | None = None
) -> SpanScope:
    """Go on with the trace that came with a request or a message; begin one when none came.

    With a name, a span of that kind is recorded; without, only the context is taken over.
    """
    context = parse(traceparent)
    if context is None:
        return _begun(name, kind, attributes)
    exporting = _State.exporting
    if exporting is None or not context.sampled or not name:
        return _Placed(context)
    return exporting.span(name, kind, attributes, context, _current)


def unrecorded() -> str | None:
    """The `traceparent` of a new trace of which nothing is recorded; None when the draw says that this one shall be.

    For a path so hot that it does without a current context; what is to be recorded begins with `recorded`.
    """
    if _State.exporting is not None and random.random() < _State.ratio:
        return None
    return f"00-{random.getrandbits(128) or 1:032x}-{random.getrandbits(64) or 1:016x}-00"


def recorded(name: str, *, kind: Kind = "server") -> SpanScope:
    """The first span of a trace that was drawn to be recorded."""
    return _begun(name, kind, None, drawn=True)


def _begun(name: str, kind: Kind, attributes: Attributes | None, *, drawn: bool = False) -> SpanScope:
    if _State.exporting is not None and name and (drawn or random.random() < _State.ratio):
        return _State.exporting.span(name, kind, attributes, None, _current)
    return _Placed(TraceContext(random.getrandbits(128) or 1, random.getrandbits(64) or 1, sampled=False))
