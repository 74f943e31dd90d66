import zlib
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from sandbox.doors import VisibleAfterSeconds
from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.otlp.spans import Span, spans
from sandbox.paging import Cursor, Limit, PageOut, page_out
from sandbox.received import Received
from sandbox.ring import Ring

KEPT_SPANS = 20_000
KEPT_BYTES = 64 * 1024 * 1024
LARGEST_EXPORT = 16 * 1024 * 1024
PROTOBUF = "application/x-protobuf"

TraceId = Annotated[str | None, Query(pattern=r"^[0-9a-fA-F]{32}$")]
Name = Annotated[str | None, Query(max_length=500)]


class Collector:
    """An OpenTelemetry collector for traces: OTLP over HTTP, protobuf."""

    name = "otlp"
    about = "An OpenTelemetry collector (OTLP/HTTP, traces) that keeps every span for reading."
    door: Door = "http"
    doors: Sequence[str] = ("/v1/traces",)
    webhooks = None
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self.router = self._routes()
        self._spans: Ring[Span] = Ring(most=KEPT_SPANS, heaviest=KEPT_BYTES)

    def reset(self) -> None:
        """Forget all spans."""
        self._spans.clear()

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/v1/traces", self.export, methods=["POST"], response_class=Response)
        routes.add_api_route("/otlp/spans", self.list_spans, methods=["GET"])
        routes.add_api_route("/otlp/spans", self.delete_spans, methods=["DELETE"], status_code=204)
        return routes

    async def export(self, request: Request, visible_after: VisibleAfterSeconds) -> Response:
        """Take an export of spans, as an OTLP exporter sends it."""
        if request.headers.get("content-type", "").split(";")[0].strip() != PROTOBUF:
            raise HTTPException(415, f"Only {PROTOBUF} is understood.")
        export = _decoded(_unpacked(await request.body(), request.headers.get("content-encoding", "")))
        taken = list(spans(export))
        weight = export.ByteSize() // max(1, len(taken))
        for span in taken:
            self._spans.add(span, weight=weight, visible_after=visible_after)
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type=PROTOBUF)

    async def list_spans(
        self,
        trace_id: TraceId = None,
        name: Name = None,
        service: Name = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> PageOut[Span]:
        """Spans of a trace, by a name or of a service, or all, newest first."""

        def wanted(span: Span) -> bool:
            return (
                (trace_id is None or span.trace_id == trace_id.lower())
                and (name is None or span.name == name)
                and (service is None or span.service == service)
            )

        return page_out(self._spans.page(limit=limit, cursor=cursor, where=wanted), lambda span: span)

    async def delete_spans(self) -> None:
        """Forget all spans."""
        self._spans.clear()


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its compression; one that would grow past the limit is refused before it does."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "deflate"}:
        raise HTTPException(415, "Only gzip and deflate are understood.")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        unpacked = unpacker.decompress(body, LARGEST_EXPORT)
    except zlib.error as broken:
        raise HTTPException(400, "The body is not compressed as its header says.") from broken
    if unpacker.unconsumed_tail:
        raise HTTPException(413, "The export is too large.")
    if not unpacker.eof:
        raise HTTPException(400, "The compressed body ends early.")
    return unpacked


def _decoded(body: bytes) -> ExportTraceServiceRequest:
    if len(body) > LARGEST_EXPORT:
        raise HTTPException(413, "The export is too large.")
    export = ExportTraceServiceRequest()
    try:
        export.ParseFromString(body)
    except DecodeError as broken:
        raise HTTPException(400, "The body is no OTLP export of traces.") from broken
    return export
