import asyncio
import time
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import aiosmtplib
import httpx
import pytest

from .conftest import until

Faults = Callable[..., Awaitable[None]]
Read = Callable[..., Awaitable[list[dict[str, Any]]]]


async def test_all_members_are_listed(http: httpx.AsyncClient, program: Any) -> None:
    items = (await http.get("/control")).json()["items"]
    members = {member["name"]: member for member in items}
    assert set(members) == {
        *(
            "mailbox",
            "messenger",
            "otlp",
            "linkedin",
            "facebook",
            "instagram",
            "threads",
            "whatsapp",
            "telnyx",
            "google",
            "openai",
        ),
        *("github", "oidc", "dns", "stripe", "x", "youtube", "tiktok", "s3"),
    }
    assert members["mailbox"]["servers"] == [f"127.0.0.1:{program.smtp_port}"]
    assert members["otlp"]["doors"] == ["/v1/traces"]


async def test_a_reset_forgets_mails_faults_and_calls(
    http: httpx.AsyncClient,
    smtp: aiosmtplib.SMTP,
    write: Callable[..., EmailMessage],
    inbox: Read,
    received: Read,
    faults: Faults,
) -> None:
    await smtp.send_message(write())
    await http.post("/v1/traces", content=b"", headers={"content-type": "application/x-protobuf"})
    await faults("mailbox", {"kind": "refuse_before_effect"})
    assert (await http.post("/control/reset")).status_code == 204

    assert await inbox() == []
    assert await received("mailbox") == []
    assert await received("otlp") == []
    await smtp.send_message(write())
    assert len(await inbox()) == 1


async def test_one_member_is_reset_without_the_others(
    http: httpx.AsyncClient, smtp: aiosmtplib.SMTP, write: Callable[..., EmailMessage], inbox: Read
) -> None:
    await smtp.send_message(write())
    assert (await http.post("/control/otlp/reset")).status_code == 204
    assert len(await inbox()) == 1
    assert (await http.post("/control/mailbox/reset")).status_code == 204
    assert await inbox() == []


async def test_rules_are_replaced_listed_and_removed(http: httpx.AsyncClient, faults: Faults) -> None:
    await faults("otlp", {"kind": "delay", "seconds": 1}, {"kind": "drop_after_effect", "times": 2})
    items = (await http.get("/control/otlp/faults")).json()["items"]
    assert [(one["rule"]["kind"], one["remaining"]) for one in items] == [
        ("delay", None),
        ("drop_after_effect", 2),
    ]
    assert (await http.delete("/control/otlp/faults")).status_code == 204
    assert (await http.get("/control/otlp/faults")).json() == {"items": []}


INVALID: dict[str, tuple[Any, str]] = {
    "no list": ({"kind": "delay"}, ""),
    "unknown kind": ([{"kind": "explode"}], "/0"),
    "no kind": ([{"seconds": 1}], "/0"),
    "second rule wrong": ([{"kind": "drop_after_effect"}, {"kind": "delay"}], "/1/seconds"),
    "negative delay": ([{"kind": "delay", "seconds": -1}], "/0/seconds"),
    "endless delay": ([{"kind": "delay", "seconds": 1e9}], "/0/seconds"),
    "zero times": ([{"kind": "drop_after_effect", "times": 0}], "/0/times"),
    "certain beyond certainty": ([{"kind": "drop_after_effect", "probability": 1.5}], "/0/probability"),
    "unknown field": ([{"kind": "drop_after_effect", "tims": 1}], "/0/tims"),
    "unknown condition": ([{"kind": "drop_after_effect", "match": {"pth": "/"}}], "/0/match/pth"),
    "path without a slash": ([{"kind": "drop_after_effect", "match": {"path": "v1"}}], "/0/match/path"),
    "status that is no error": ([{"kind": "refuse_before_effect", "status": 200}], "/0/status"),
    "header with a line break": (
        [{"kind": "refuse_before_effect", "headers": {"X-A": "b\r\nX-C: d"}}],
        "/0/headers",
    ),
    "header of the framing": (
        [{"kind": "refuse_before_effect", "headers": {"Content-Length": "99"}}],
        "/0/headers",
    ),
    "code over HTTP": ([{"kind": "refuse_before_effect", "code": 550}], "/0/code"),
    "recipient over HTTP": (
        [{"kind": "drop_after_effect", "match": {"recipient": "a@b.test"}}],
        "/0/match/recipient",
    ),
    "webhooks of a member that sends none": ([{"kind": "webhook_duplicate"}], "/0/kind"),
    "too many": ([{"kind": "drop_after_effect"}] * 101, ""),
}


@pytest.mark.parametrize(("rules", "pointer"), INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_rule_is_refused_with_its_place_and_changes_nothing(
    rules: Any, pointer: str, http: httpx.AsyncClient, faults: Faults
) -> None:
    await faults("otlp", {"kind": "drop_after_effect"})
    refused = await http.put("/control/otlp/faults", json=rules)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    document = refused.json()
    assert (document["type"], document["title"]) == ("about:blank", "The request is not valid.")
    assert document["status"] == 422
    assert [error["pointer"] for error in document["errors"]] == [pointer]
    assert document["errors"][0]["detail"]
    assert len((await http.get("/control/otlp/faults")).json()["items"]) == 1


SMTP_INVALID: dict[str, tuple[Any, str]] = {
    "status over SMTP": ({"kind": "refuse_before_effect", "status": 500}, "/0/status"),
    "path over SMTP": ({"kind": "drop_after_effect", "match": {"path": "/"}}, "/0/match/path"),
    "unknown command": ({"kind": "drop_after_effect", "match": {"method": "EHLO"}}, "/0/match/method"),
    "text with a line break": ({"kind": "refuse_before_effect", "text": "no\r\n250 OK"}, "/0/text"),
    "code that is no error": ({"kind": "refuse_before_effect", "code": 250}, "/0/code"),
}


@pytest.mark.parametrize(("rule", "pointer"), SMTP_INVALID.values(), ids=SMTP_INVALID.keys())
async def test_a_rule_that_a_mail_server_cannot_obey_is_refused(
    rule: Any, pointer: str, http: httpx.AsyncClient
) -> None:
    refused = await http.put("/control/mailbox/faults", json=[rule])
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'[{"kind": "refuse_before_effect", "body": "\\ud800"}]',
        b'[{"\\ud800": 1}]',
        b'[{"kind": "\\ud800"}]',
        b'[{"kind": "delay", "seconds": NaN}]',
        b'[{"kind": "refuse_before_effect", "body": ' + b"[" * 300 + b"]" * 300 + b"}]",
        b'[{"kind": "delay", "seconds": 1, "seed": 1' + b"0" * 5000 + b"}]",
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_a_hostile_body_gets_a_problem_document(body: bytes, http: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    refused = await http.put("/control/otlp/faults", content=body, headers=headers)
    assert refused.status_code in {400, 422}
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == refused.status_code


async def test_an_unknown_member_or_path_or_method_gets_a_problem_document(http: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/control/nobody/faults", 404),
        ("GET", "/nowhere", 404),
        ("PATCH", "/control", 405),
        ("GET", "/control/otlp/webhooks", 404),
    ):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=-1", "cursor=%00", "cursor=" + "9" * 19]
)
async def test_an_impossible_page_is_refused(query: str, http: httpx.AsyncClient) -> None:
    for path in ("/control/otlp/received", "/mailbox/messages", "/otlp/spans"):
        assert (await http.get(f"{path}?{query}")).status_code == 422


async def test_a_body_over_the_limit_is_refused_announced_or_not(http: httpx.AsyncClient) -> None:
    large = b" " * (33 * 1024 * 1024)

    async def unannounced() -> Any:
        for start in range(0, len(large), 1024 * 1024):
            yield large[start : start + 1024 * 1024]

    for content in (large, unannounced()):
        headers = {"content-type": "application/json"}
        refused = await http.put("/control/otlp/faults", content=content, headers=headers)
        assert refused.status_code == 413
        assert refused.json()["title"] == "The body is too large."


async def test_a_long_body_is_kept_in_part_and_counted_in_full(http: httpx.AsyncClient, received: Read) -> None:
    await http.post("/v1/traces", content=b"\xff" * 100_000)
    [seen] = await received("otlp")
    assert seen["body"] is None
    assert (seen["body_size"], seen["body_truncated"]) == (100_000, True)


async def test_received_calls_are_paged_and_capped(http: httpx.AsyncClient) -> None:
    for start in range(0, 1005, 50):
        calls = (http.get(f"/v1/traces/{number}") for number in range(start, min(start + 50, 1005)))
        await asyncio.gather(*calls)
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/control/otlp/received", params=query)).json()
        seen |= {call["path"] for call in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 1000
    assert "/v1/traces/1004" in seen


async def test_a_call_on_its_way_is_seen_as_open(http: httpx.AsyncClient, received: Read, faults: Faults) -> None:
    await faults("otlp", {"kind": "delay", "seconds": 1.0})
    began = time.monotonic()
    calling = asyncio.create_task(http.get("/v1/traces/slow"))
    seen: list[str] = []

    async def there() -> bool:
        seen[:] = [call["outcome"] for call in await received("otlp")]
        return bool(seen)

    await until(there)
    assert seen == ["open"] or time.monotonic() - began >= 1.0
    await calling
    assert [call["outcome"] for call in await received("otlp")] == ["answered"]


async def test_noise_instead_of_http_harms_nobody(program: Any, http: httpx.AsyncClient) -> None:
    place = urlsplit(program.http_url)
    for noise in (b"\x00\xff\r\n\r\n", b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"EHLO x\r\n"):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(noise)
        answer = await asyncio.wait_for(reader.readline(), 60)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
        writer.close()
        await writer.wait_closed()
    assert (await http.get("/livez")).json()["status"] == "live"


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert {"/control/{member}/faults", "/mailbox/messages", "/otlp/spans", "/v1/traces"} <= set(paths)
