from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest

from gateway.headers import read_head

ORIGINS = frozenset({"https://console.example.com"})
TRUSTED = (ip_network("127.0.0.0/8"),)
GIVEN = "0190b3a5-5f7c-7c3e-8a51-0123456789ab"


@pytest.mark.parametrize(
    "name",
    [
        "x-user-id",
        "X-User",
        "x-users",
        "x-organization",
        "x-organization-id",
        "x-role",
        "x-roles",
        "x-rostrum-internal",
        "x-tenant-id",
        "x-session-id",
        "x-auth-request-user",
        "x-internal-token",
        "x-forwarded-user",
        "x-forwarded-prefix",
        "x-original-url",
        "x-rewrite-url",
        "x-real-ip",
        "x-client-ip",
        "x-http-method-override",
        "forwarded",
        "via",
        "x_user_id",
        "X_Role",
        "te",
        "trailer",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
    ],
)
async def test_a_header_that_claims_to_be_somebody_never_reaches_a_service(house: Any, name: Any) -> None:
    door = await house()
    async with door.client() as client:
        await client.send(f"GET /v1/open HTTP/1.1\r\nhost: a\r\n{name}: evil-value\r\nx-fine: 1\r\n\r\n".encode())
        assert (await client.answer()).status == 200
    assert b"evil-value" not in door.received[0]
    assert b"x-fine: 1" in door.received[0]


async def test_headers_that_connection_names_end_here(house: Any) -> None:
    door = await house()
    await door.ask(connection="keep-alive, X-Hop", x_hop="evil-value", x_fine="1")
    assert b"evil-value" not in door.received[0]
    assert b"x-fine: 1" in door.received[0]


async def test_connection_cannot_take_away_what_the_gateway_states(house: Any) -> None:
    door = await house()
    await door.ask(connection="x-request-id, x-forwarded-for, host, traceparent")
    for name in (b"x-request-id: ", b"x-forwarded-for: 127.0.0.1", b"traceparent: 00-", b"host: "):
        assert b"\r\n" + name in door.received[0]


async def test_a_stranger_cannot_choose_address_scheme_or_request_id(house: Any) -> None:
    door = await house()
    answer = await door.ask(x_forwarded_for="1.2.3.4", x_forwarded_proto="https", x_request_id=GIVEN)
    assert answer["x-request-id"] != GIVEN
    assert UUID(answer["x-request-id"]).version == 7
    assert answer.get("strict-transport-security") is None
    assert b"x-forwarded-for: 127.0.0.1\r\n" in door.received[0]
    assert b"x-forwarded-proto: http\r\n" in door.received[0]
    assert GIVEN.encode() not in door.received[0]


async def test_a_trusted_proxy_is_believed(house: Any) -> None:
    door = await house(trusted=TRUSTED)
    answer = await door.ask(x_forwarded_for="9.9.9.9, 1.2.3.4", x_forwarded_proto="https", x_request_id=GIVEN)
    assert answer["x-request-id"] == GIVEN
    assert answer["strict-transport-security"].startswith("max-age=")
    assert b"x-forwarded-for: 1.2.3.4\r\n" in door.received[0]
    assert b"x-forwarded-proto: https\r\n" in door.received[0]


@pytest.mark.parametrize("given", ["abc", GIVEN.replace("-7", "-4"), GIVEN + "x", "<script>"])
async def test_even_a_trusted_proxy_sends_only_proper_request_ids_and_schemes(house: Any, given: Any) -> None:
    door = await house(trusted=TRUSTED)
    answer = await door.ask(x_request_id=given, x_forwarded_proto="javascript")
    assert answer["x-request-id"] != given
    assert b"x-forwarded-proto: http\r\n" in door.received[0]


async def test_a_trace_goes_on_or_begins(house: Any) -> None:
    door = await house()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
    await door.ask(traceparent=trace + "-00")
    assert f"traceparent: {trace}-00\r\n".encode() in door.received[0]
    await door.ask(traceparent=trace + "-01")
    assert f"traceparent: {trace}-00\r\n".encode() in door.received.pop(), "a stranger does not decide what we record"
    await door.ask(traceparent="rubbish")
    await door.ask()
    for request in door.received[1:]:
        assert request.count(b"traceparent: 00-") == 1
        assert b"rubbish" not in request
    assert door.received[1].split(b"traceparent: ")[1][:55] != door.received[2].split(b"traceparent: ")[1][:55]


async def test_every_answer_carries_the_security_headers(house: Any, tools: Any) -> None:
    leaky = (
        b"HTTP/1.1 200 OK\r\nserver: secret/1.0\r\nx-powered-by: magic\r\ncontent-length: 0\r\nkeep-alive: 1\r\n"
        b"x-frame-options: ALLOWALL\r\naccess-control-allow-origin: *\r\nx-request-id: other\r\nx-hop: 1\r\n"
        b'connection: x-hop\r\nratelimit: fake\r\netag: "v1"\r\n\r\n'
    )
    door = await house(tools.answering(leaky))
    for answer in (
        await door.ask(),
        await door.ask("/nowhere"),
        await door.ask("/v1/closed"),
        await door.ask("/livez"),
    ):
        assert answer["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["referrer-policy"] == "no-referrer"
        assert answer["cache-control"] == "no-store"
        assert UUID(answer["x-request-id"]).version == 7
        for name in (
            "server",
            "x-powered-by",
            "access-control-allow-origin",
            "x-frame-options",
            "keep-alive",
            "x-hop",
        ):
            assert answer.get(name) is None
        names = [name for name, _ in answer.headers]
        assert len(names) == len(set(names))
    assert (await door.ask())["etag"] == '"v1"'


async def test_production_insists_on_tls(house: Any) -> None:
    door = await house(secure=True)
    assert "includeSubDomains" in (await door.ask())["strict-transport-security"]


async def test_a_page_of_a_named_origin_may_read_answers(house: Any) -> None:
    door = await house(origins=ORIGINS)
    answer = await door.ask(origin="https://console.example.com")
    assert answer["access-control-allow-origin"] == "https://console.example.com"
    assert answer["vary"] == "Origin"
    assert "RateLimit" in answer["access-control-expose-headers"]
    assert "X-Request-Id" in answer["access-control-expose-headers"]
    assert answer.get("access-control-allow-credentials") == "true"
    refused = await door.ask("/nowhere", origin="https://console.example.com")
    assert refused["access-control-allow-origin"] == "https://console.example.com"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://console.example.com.evil.example", "http://console.example.com", "*"],
)
async def test_other_origins_may_not(house: Any, origin: Any) -> None:
    door = await house(origins=ORIGINS)
    answer = await door.ask(origin=origin)
    assert answer.get("access-control-allow-origin") is None
    assert answer["vary"] == "Origin"
    preflight = await door.ask(method="OPTIONS", origin=origin, access_control_request_method="POST")
    assert preflight.status == 403
    assert preflight.get("access-control-allow-origin") is None


async def test_a_preflight_is_answered_without_a_service(house: Any) -> None:
    door = await house(origins=ORIGINS)
    answer = await door.ask(
        "/v1/closed",
        method="OPTIONS",
        origin="https://console.example.com",
        access_control_request_method="PATCH",
        access_control_request_headers="authorization, if-match",
    )
    assert (answer.status, door.received) == (204, [])
    assert "PATCH" in answer["access-control-allow-methods"]
    assert "If-Match" in answer["access-control-allow-headers"]
    assert answer["access-control-allow-origin"] == "https://console.example.com"
    assert [name for name, _ in answer.headers].count("vary") == 1


async def test_an_ordinary_options_request_goes_to_the_service(house: Any) -> None:
    door = await house()
    assert (await door.ask(method="OPTIONS")).status == 200
    assert door.received[0].startswith(b"OPTIONS ")


async def test_the_callers_own_token_goes_on_unchanged(house: Any) -> None:
    door = await house()
    token = door.issuer.token()
    await door.ask("/v1/closed", token=token)
    assert f"authorization: Bearer {token}\r\n".encode() in door.received[0]


def test_reading_headers_takes_each_once() -> None:
    head = read_head([(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2"), (b"content-length", b"3")])
    assert (head.forwarded_for, head.content_length, head.has_body, head.passed) == (b"1.1.1.1,2.2.2.2", 3, True, [])
