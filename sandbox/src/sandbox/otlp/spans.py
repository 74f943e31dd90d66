"""From the protobuf of an export to spans as a test reads them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto
from pydantic import BaseModel, JsonValue

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


class Status(BaseModel):
    """How a span ended: unset, ok or error."""

    code: str
    message: str


class Link(BaseModel):
    """Another span this one names as related."""

    trace_id: str
    span_id: str


class Event(BaseModel):
    """A moment within a span."""

    name: str
    at: datetime
    attributes: dict[str, JsonValue]


class Span(BaseModel):
    """One span; ids in lower-case hex, `parent_span_id` null at the root of a trace."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    service: str | None
    scope: str
    kind: str
    attributes: dict[str, JsonValue]
    resource: dict[str, JsonValue]
    start: datetime
    end: datetime
    status: Status
    events: list[Event]
    links: list[Link]


def spans(export: ExportTraceServiceRequest) -> Iterator[Span]:
    """Every span of an export, with the name of the service it comes from."""
    for batch in export.resource_spans:
        yield from _spans_of(batch)


def _spans_of(batch: ResourceSpans) -> Iterator[Span]:
    resource = _attributes(batch.resource.attributes)
    service = resource.get("service.name")
    for scoped in batch.scope_spans:
        for one in scoped.spans:
            yield _span(one, resource, None if service is None else str(service), scoped.scope.name)


def _span(one: SpanProto, resource: dict[str, JsonValue], service: str | None, scope: str) -> Span:
    return Span(
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        parent_span_id=one.parent_span_id.hex() or None,
        name=one.name,
        service=service,
        scope=scope,
        kind=_named(_KINDS, one.kind),
        attributes=_attributes(one.attributes),
        resource=resource,
        start=_time(one.start_time_unix_nano),
        end=_time(one.end_time_unix_nano),
        status=Status(code=_named(_STATUSES, one.status.code), message=one.status.message),
        events=[
            Event(name=event.name, at=_time(event.time_unix_nano), attributes=_attributes(event.attributes))
            for event in one.events
        ],
        links=[Link(trace_id=link.trace_id.hex(), span_id=link.span_id.hex()) for link in one.links],
    )


def _named(names: tuple[str, ...], number: int) -> str:
    """The name of an enumeration's value; one this version does not know keeps its number."""
    return names[number] if 0 <= number < len(names) else str(number)


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, JsonValue]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> JsonValue:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    plain: JsonValue = getattr(value, kind)
    return plain


def _time(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
