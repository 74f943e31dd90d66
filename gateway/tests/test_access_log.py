from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.access import loggable
from kit.telemetry import tracing


async def test_a_request_leaves_one_line_without_secrets_or_persons(house: Any) -> None:
    door = await house()
    token = door.issuer.token()
    answer = await door.ask("/v1/closed/thing?email=ann@example.com&token=hush", token=token, cookie="c=hush")
    door.parts.log.flush()
    (line,) = door.log.getvalue().splitlines()
    told = orjson.loads(line)
    assert told["request_id"] == answer["x-request-id"]
    assert (told["route"], told["path"], told["status"]) == ("/v1/closed", "/v1/closed/thing", 200)
    assert (told["method"], told["outcome"], told["network"]) == ("GET", "answered", "127.0.0.0")
    assert (told["bytes_out"], told["level"], told["event"]) == (11, "info", "request")
    assert len(told["trace_id"]) == 32
    assert told["seconds"] > 0
    for secret in (b"hush", b"ann@", token.encode(), token.split(".")[2].encode(), b"127.0.0.1"):
        assert secret not in line


async def test_refusals_are_told_with_their_reason(house: Any) -> None:
    door = await house()
    await door.ask("/nowhere")
    await door.ask("/v1/closed", token="a.b.c")
    door.parts.log.flush()
    told = [orjson.loads(line) for line in door.log.getvalue().splitlines()]
    assert [(line["status"], line["outcome"]) for line in told] == [(404, "not-found"), (401, "invalid-token")]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/me", "/v1/me"),
        ("/v1/a/0190b3a5-5f7c-7c3e-8a51-0123456789ab", "/v1/a/0190b3a5-5f7c-7c3e-8a51-0123456789ab"),
        ("/v1/unsubscribe/ann@example.com", "/v1/unsubscribe/…"),
        ("/v1/unsubscribe/ann%40example.com/x", "/v1/unsubscribe/…/x"),
        ("/v1/invitation/" + "s" * 43, "/v1/invitation/…"),
    ],
)
def test_a_path_is_told_without_what_may_be_secret(path: Any, told: Any) -> None:
    assert loggable(path) == told


async def test_a_sampled_request_is_one_trace_from_the_gateway_on(house: Any) -> None:
    exporter = InMemorySpanExporter()
    tracing.configure("gateway", sample=1.0, exporter=exporter)
    try:
        door = await house()
        await door.ask("/v1/open/things")
        passed = door.received[0].split(b"traceparent: ")[1][:55].decode()
    finally:
        tracing.shut_down()
    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /v1/open"
    assert f"{span.context.trace_id:032x}" == passed[3:35]
    assert f"{span.context.span_id:016x}" == passed[36:52]
    assert span.parent is None
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
