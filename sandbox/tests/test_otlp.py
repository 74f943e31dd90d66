import gzip
import zlib
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

PROTOBUF = {"content-type": "application/x-protobuf"}


def a_tracer(program: Any, service: str, compression: Compression) -> Tracer:
    exporter = OTLPSpanExporter(f"{program.http_url}/v1/traces", compression=compression, timeout=60)
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("tests")


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
async def test_one_trace_is_seen_across_services(
    program: Any, http: httpx.AsyncClient, compression: Compression
) -> None:
    front = a_tracer(program, "gateway", compression)
    back = a_tracer(program, "auth", compression)
    with front.start_as_current_span("GET /v1/me", kind=SpanKind.SERVER) as outer:
        outer.set_attributes({"http.status": 200, "ok": True, "ratio": 0.5, "tags": ["a", "b"]})
        with back.start_as_current_span("select", kind=SpanKind.CLIENT) as inner:
            inner.add_event("row", {"n": 1})
            inner.set_status(Status(StatusCode.ERROR, "gone"))
    back.start_span("unrelated").end()

    trace_id = f"{outer.get_span_context().trace_id:032x}"
    items = (await http.get("/otlp/spans", params={"trace_id": trace_id})).json()["items"]
    spans = {span["name"]: span for span in items}
    assert set(spans) == {"GET /v1/me", "select"}
    root, leaf = spans["GET /v1/me"], spans["select"]
    assert (root["service"], root["kind"], root["parent_span_id"]) == ("gateway", "server", None)
    assert (leaf["service"], leaf["kind"], leaf["parent_span_id"]) == ("auth", "client", root["span_id"])
    assert root["attributes"] == {"http.status": 200, "ok": True, "ratio": 0.5, "tags": ["a", "b"]}
    assert root["status"] == {"code": "unset", "message": ""}
    assert leaf["status"] == {"code": "error", "message": "gone"}
    assert (leaf["events"][0]["name"], leaf["events"][0]["attributes"]) == ("row", {"n": 1})
    assert root["start"] <= leaf["start"] <= leaf["end"] <= root["end"]


async def test_spans_are_found_by_name_and_service(program: Any, http: httpx.AsyncClient) -> None:
    for service in ("auth", "billing"):
        tracer = a_tracer(program, service, Compression.NoCompression)
        for name in ("one", "two"):
            tracer.start_span(name).end()
    by_name = (await http.get("/otlp/spans", params={"name": "one"})).json()["items"]
    assert [span["service"] for span in by_name] == ["billing", "auth"]
    both = (await http.get("/otlp/spans", params={"name": "two", "service": "auth"})).json()["items"]
    assert len(both) == 1
    assert len((await http.get("/otlp/spans", params={"limit": 3})).json()["items"]) == 3
    assert (await http.delete("/otlp/spans")).status_code == 204
    assert (await http.get("/otlp/spans")).json()["items"] == []


async def test_an_export_is_answered_as_a_collector_does(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/traces", content=b"", headers=PROTOBUF)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


async def test_a_span_with_hostile_values_can_be_listed(http: httpx.AsyncClient) -> None:
    export = ExportTraceServiceRequest()
    batch = export.resource_spans.add()
    batch.resource.attributes.add(key="service.name").value.int_value = 5
    span = batch.scope_spans.add().spans.add(
        trace_id=b"", span_id=b"\xff" * 100, name="\x00", start_time_unix_nano=2**64 - 1
    )
    span.kind = Span.SpanKind.ValueType(77)
    span.attributes.add(key="nan").value.double_value = float("nan")
    span.attributes.add(key="bytes").value.bytes_value = b"\xff"
    span.attributes.add(key="nothing")
    nested = span.attributes.add(key="nested").value
    for _ in range(20):
        nested = nested.kvlist_value.values.add(key="k").value
    nested.int_value = -(2**63)
    content = export.SerializeToString()
    assert (await http.post("/v1/traces", content=content, headers=PROTOBUF)).status_code == 200

    answer = await http.get("/otlp/spans")
    assert answer.status_code == 200
    [kept] = answer.json()["items"]
    assert (kept["service"], kept["kind"], kept["trace_id"]) == ("5", "77", "")
    assert kept["attributes"]["nan"] is None
    assert kept["attributes"]["bytes"] == "ff"


BROKEN: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no protobuf": (b"\xff\xff\xff", {}, 400),
    "truncated": (b"\x0a\xff", {}, 400),
    "not gzip": (b"plain", {"content-encoding": "gzip"}, 400),
    "half a gzip": (gzip.compress(b"x" * 1000)[:-12], {"content-encoding": "gzip"}, 400),
    "unknown encoding": (b"", {"content-encoding": "br"}, 415),
    "JSON": (b"{}", {"content-type": "application/json"}, 415),
    "a bomb": (gzip.compress(b"\x00" * (64 * 1024 * 1024)), {"content-encoding": "gzip"}, 413),
    "a deflated bomb": (zlib.compress(b"\x00" * (64 * 1024 * 1024)), {"content-encoding": "deflate"}, 413),
}


@pytest.mark.parametrize(("body", "headers", "status"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_export_is_refused_and_keeps_nothing(
    body: bytes, headers: dict[str, str], status: int, http: httpx.AsyncClient
) -> None:
    refused = await http.post("/v1/traces", content=body, headers=PROTOBUF | headers)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert (await http.get("/otlp/spans")).json()["items"] == []


async def test_a_trace_id_that_is_none_is_refused(http: httpx.AsyncClient) -> None:
    refused = await http.get("/otlp/spans", params={"trace_id": "xyz"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/query/trace_id"
