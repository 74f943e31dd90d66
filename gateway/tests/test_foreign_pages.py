"""Doors for pages of our customers: whose they may be, the service says, and nothing of ours goes along."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.routes import Route

from .conftest import OPEN, WITHIN

SHOP, OURS = "https://shop.example.com", "https://console.example.com"
FOREIGN = Route("/v1/forms", "auth", public=True, foreign=True)
LINE = Route("/v1/line", "auth", public=True, foreign=True, websocket=True)
ALLOWED = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: https://shop.example.com\r\n"
    b"cross-origin-resource-policy: cross-origin\r\nx-frame-options: DENY\r\n\r\n{}"
)


async def test_the_service_hears_of_the_page_and_says_whether_it_may_read(house: Any, tools: Any) -> None:
    asked: list[bytes] = []
    door = await house(tools.answering(ALLOWED, asked), routes=(FOREIGN,), origins=frozenset({OURS}))
    answer = await door.ask("/v1/forms/cf_1", method="POST", body=b"{}", origin=SHOP)
    assert (answer.status, answer["access-control-allow-origin"]) == (200, SHOP)
    names = [name for name, _ in answer.headers]
    assert names.count("access-control-allow-origin") == names.count("cross-origin-resource-policy") == 1
    assert answer["cross-origin-resource-policy"] == "cross-origin"
    assert answer.get("access-control-allow-credentials") is None
    assert answer["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["vary"] == "Origin"
    assert b"\r\norigin: https://shop.example.com\r\n" in asked[0]


async def test_a_preflight_goes_to_the_service_there_and_nowhere_else(house: Any, tools: Any) -> None:
    asked: list[bytes] = []
    door = await house(tools.answering(ALLOWED, asked), routes=(FOREIGN, OPEN), origins=frozenset({OURS}))
    more: dict[str, str] = {"origin": SHOP, "access_control_request_method": "POST"}
    assert (await door.ask("/v1/forms/cf_1", method="OPTIONS", **more)).status == 200
    assert len(asked) == 1
    for path in ("/v1/open", "/v1/formstuff", "/nowhere"):
        assert (await door.ask(path, method="OPTIONS", **more)).status == 403, path
    assert len(asked) == 1


async def test_no_cookie_and_no_token_goes_along(house: Any, tools: Any) -> None:
    asked: list[bytes] = []
    door = await house(tools.answering(ALLOWED, asked), routes=(FOREIGN,), origins=frozenset({OURS}))
    answer = await door.ask(
        "/v1/forms/cf_1", origin=SHOP, token=door.issuer.token(), cookie="rostrum_access=x; theirs=y"
    )
    assert answer.status == 200
    assert b"authorization" not in asked[0].lower()
    assert b"cookie" not in asked[0].lower()


async def test_elsewhere_a_service_still_says_nothing_about_pages(house: Any, tools: Any) -> None:
    asked: list[bytes] = []
    door = await house(tools.answering(ALLOWED, asked), routes=(OPEN,), origins=frozenset({OURS}))
    answer = await door.ask("/v1/open", origin=SHOP)
    assert answer.get("access-control-allow-origin") is None
    assert answer["cross-origin-resource-policy"] == "same-site"
    assert b"\r\norigin:" not in asked[0]


async def test_a_web_socket_of_any_page_comes_as_far_as_the_service(house: Any, tools: Any) -> None:
    asked: list[bytes] = []
    refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\n{}"
    door = await house(tools.answering(refusal, asked), routes=(LINE,), origins=frozenset({OURS}))
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{door.port}/v1/line", origin=SHOP, open_timeout=WITHIN):  # type: ignore[arg-type]
            pass
    assert refused.value.response.body == b"{}"
    assert b"\r\norigin: https://shop.example.com\r\n" in asked[0]
