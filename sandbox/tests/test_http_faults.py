import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .conftest import until

Faults = Callable[..., Awaitable[None]]
Received = Callable[..., Awaitable[list[dict[str, Any]]]]
PROTOBUF = {"content-type": "application/x-protobuf"}


def an_export(name: str = "work") -> bytes:
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, name=name, start_time_unix_nano=1, end_time_unix_nano=2
    )
    content: bytes = export.SerializeToString()
    return content


@pytest.fixture
def call(http: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def post(name: str = "work") -> httpx.Response:
        return await http.post("/v1/traces", content=an_export(name), headers=PROTOBUF)

    return post


@pytest.fixture
def effects(http: httpx.AsyncClient) -> Callable[[], Awaitable[list[str]]]:
    async def names() -> list[str]:
        return [span["name"] for span in (await http.get("/otlp/spans")).json()["items"]]

    return names


Call = Callable[..., Awaitable[httpx.Response]]
Effects = Callable[[], Awaitable[list[str]]]


async def test_a_call_without_a_rule_has_its_effect_and_is_recorded(
    call: Call, effects: Effects, received: Received
) -> None:
    assert (await call()).status_code == 200
    assert await effects() == ["work"]
    [seen] = await received("otlp")
    assert (seen["method"], seen["path"]) == ("POST", "/v1/traces")
    assert (seen["outcome"], seen["status"]) == ("answered", 200)
    assert seen["headers"]["content-type"] == "application/x-protobuf"
    assert seen["body_size"] == len(an_export())
    assert not seen["body_truncated"]


async def test_a_delayed_call_answers_late(call: Call, effects: Effects, faults: Faults) -> None:
    await faults("otlp", {"kind": "delay", "seconds": 0.4})
    began = time.monotonic()
    assert (await call()).status_code == 200
    assert 0.4 <= time.monotonic() - began < 30
    assert await effects() == ["work"]


async def test_a_call_refused_before_the_effect_has_none(
    call: Call, effects: Effects, faults: Faults, received: Received
) -> None:
    rule = {"kind": "refuse_before_effect", "status": 429, "times": 1}
    await faults("otlp", rule | {"headers": {"Retry-After": "7"}, "body": {"error": {"code": "slow_down"}}})
    refused = await call()
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "7"
    assert refused.headers["content-type"] == "application/json"
    assert refused.json() == {"error": {"code": "slow_down"}}
    assert await effects() == []
    [seen] = await received("otlp")
    assert (seen["outcome"], seen["status"], seen["body_size"]) == ("refused", 429, len(an_export()))

    assert (await call()).status_code == 200


async def test_a_refusal_may_be_text_or_nothing_at_all(call: Call, faults: Faults) -> None:
    await faults("otlp", {"kind": "refuse_before_effect", "body": "down for maintenance"})
    refused = await call()
    assert (refused.status_code, refused.text) == (503, "down for maintenance")
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"

    html = {"status": 502, "body": "<h1>Bad</h1>", "headers": {"Content-Type": "text/html"}}
    await faults("otlp", {"kind": "refuse_before_effect"} | html)
    refused = await call()
    assert (refused.status_code, refused.headers["content-type"]) == (502, "text/html")

    await faults("otlp", {"kind": "refuse_before_effect", "status": 500})
    assert (await call()).content == b""


async def test_a_dropped_answer_leaves_the_effect_and_closes_the_connection(
    call: Call, effects: Effects, faults: Faults, received: Received
) -> None:
    await faults("otlp", {"kind": "drop_after_effect", "times": 1})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await call("dropped")
    assert await effects() == ["dropped"]
    assert [(seen["outcome"], seen["status"]) for seen in await received("otlp")] == [("dropped", None)]
    assert (await call("after")).status_code == 200


async def test_the_wire_carries_no_byte_of_a_dropped_answer(program: Any, http: Any, faults: Faults) -> None:
    await faults("otlp", {"kind": "drop_after_effect"})
    place = urlsplit(program.http_url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    body = an_export()
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {len(body)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + body)
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()
    await writer.wait_closed()
    assert (await http.get("/livez")).status_code == 200


async def test_an_error_may_be_answered_although_it_happened(
    call: Call, effects: Effects, faults: Faults, received: Received
) -> None:
    await faults("otlp", {"kind": "error_after_effect", "status": 500, "body": "oops"})
    answered = await call()
    assert (answered.status_code, answered.text) == (500, "oops")
    assert await effects() == ["work"]
    assert [(seen["outcome"], seen["status"]) for seen in await received("otlp")] == [("error", 500)]


async def test_what_was_accepted_may_become_visible_later(call: Call, effects: Effects, faults: Faults) -> None:
    await faults("otlp", {"kind": "visible_after", "seconds": 1.0, "times": 1})
    began = time.monotonic()
    assert (await call("late")).status_code == 200
    assert (await call("at once")).status_code == 200
    assert await effects() == ["at once"] or time.monotonic() - began >= 1.0

    async def all_visible() -> bool:
        return len(await effects()) == 2

    await until(all_visible)
    assert time.monotonic() - began >= 1.0
    assert await effects() == ["at once", "late"]


async def test_rules_combine_and_each_counts_for_itself(
    http: httpx.AsyncClient, call: Call, effects: Effects, faults: Faults
) -> None:
    await faults(
        "otlp",
        {"kind": "delay", "seconds": 0.3},
        {"kind": "refuse_before_effect", "status": 503, "times": 1},
        {"kind": "drop_after_effect", "times": 1},
    )
    began = time.monotonic()
    assert (await call()).status_code == 503
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await call("second")
    assert (await call("third")).status_code == 200
    assert time.monotonic() - began >= 0.9
    assert await effects() == ["third", "second"]
    struck = [rule["struck"] for rule in (await http.get("/control/otlp/faults")).json()["items"]]
    assert struck == [3, 1, 1]


async def test_a_rule_means_only_what_it_matches(call: Call, faults: Faults) -> None:
    refuse = {"kind": "refuse_before_effect"}
    await faults("otlp", refuse | {"match": {"method": "GET"}}, refuse | {"match": {"path": "/v1/metrics"}})
    assert (await call()).status_code == 200
    await faults("otlp", refuse | {"match": {"method": "post", "path": "/v1/tra"}})
    assert (await call()).status_code == 503


async def test_a_member_faults_neither_others_nor_those_who_watch(
    http: httpx.AsyncClient, call: Call, faults: Faults
) -> None:
    await faults("otlp", {"kind": "refuse_before_effect"})
    assert (await http.get("/otlp/spans")).status_code == 200
    assert (await http.get("/mailbox/messages")).status_code == 200
    assert (await call()).status_code == 503


async def test_what_a_member_does_not_know_is_answered_by_itself_and_recorded(
    http: httpx.AsyncClient, received: Received
) -> None:
    assert (await http.get("/v1/traces/unknown?x=1")).status_code == 404
    assert (await http.get("/v1/tracesque")).status_code == 404
    assert [(seen["path"], seen["query"], seen["status"]) for seen in await received("otlp")] == [
        ("/v1/traces/unknown", "x=1", 404)
    ]


async def test_a_limited_rule_strikes_exactly_as_often_under_many_calls_at_once(
    call: Call, effects: Effects, faults: Faults
) -> None:
    await faults("otlp", {"kind": "refuse_before_effect", "times": 7}, {"kind": "delay", "seconds": 0.01})
    answers = await asyncio.gather(*(call(str(number)) for number in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 43 + [503] * 7
    assert len(await effects()) == 43


async def test_a_caller_who_leaves_in_the_middle_has_no_effect(
    program: Any, effects: Effects, received: Received
) -> None:
    place = urlsplit(program.http_url)
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 999\r\n\r\n"
    )
    writer.write(head + an_export())
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    async def failed() -> bool:
        return [seen["outcome"] for seen in await received("otlp")] == ["failed"]

    await until(failed)
    assert await effects() == []


async def test_what_was_asked_happens_although_the_caller_lost_patience(
    call: Call, effects: Effects, faults: Faults, received: Received
) -> None:
    await faults("otlp", {"kind": "delay", "seconds": 1.0})
    began = time.monotonic()
    calling = asyncio.ensure_future(call())

    async def heard_out() -> bool:
        return [seen["body_size"] for seen in await received("otlp")] == [len(an_export())]

    await until(heard_out)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    assert await effects() == [] or time.monotonic() - began >= 1.0
    await until(effects)
    assert await effects() == ["work"]
