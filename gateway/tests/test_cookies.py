"""Tokens in cookies: turned into what services read, and of no use to pages of others."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.headers import read_head
from gateway.routes import Route
from kit.http.tokens import csrf_hash

from .conftest import CLOSED, OPEN
from .test_sockets import service

OURS, FOREIGN = "https://console.example.com", "https://evil.example.net"
ORIGINS = frozenset({OURS})
ELSEWHERE = Route("/v1/elsewhere", "publisher")
ELSEWHERE_OPEN = Route("/v1/elsewhere-open", "publisher", public=True)
LINE = Route("/v1/line", "auth", websocket=True)
ROUTES = (LINE, OPEN, CLOSED, ELSEWHERE, ELSEWHERE_OPEN)
CSRF = "what-the-page-states"
JAR = "theme=dark; __Host-rostrum-refresh=r1; __Host-rostrum-device=d1; lang=de"


def in_cookie(door: Any, **claims: Any) -> tuple[str, str]:
    """A token for cookies, and the Cookie header with it."""
    token = door.issuer.token(csrf=csrf_hash(CSRF.encode()), **claims)
    return token, f"__Host-rostrum-access={token}; {JAR}"


async def test_a_token_in_a_cookie_is_the_authorization_that_services_see(house: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    token, cookie = in_cookie(door)
    for _ in range(2):  # verified, and remembered
        assert (await door.ask("/v1/elsewhere", cookie=cookie)).status == 200
        assert f"authorization: Bearer {token}\r\n".encode() in door.received[-1]


async def test_cookies_of_auth_reach_auth_alone_and_those_of_others_everybody(house: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    token, cookie = in_cookie(door)
    for path, reaches in (
        ("/v1/elsewhere", False),
        ("/v1/elsewhere-open", False),
        ("/v1/closed", True),
        ("/v1/open", True),
    ):
        assert (await door.ask(path, cookie=cookie)).status == 200
        request = door.received[-1]
        assert b"theme=dark; lang=de" in request
        assert (b"__Host-rostrum-refresh=r1; __Host-rostrum-device=d1" in request) is reaches
        assert b"__Host-rostrum-access" not in request
        assert (b"authorization" in request) is (path not in ("/v1/open", "/v1/elsewhere-open"))
        assert request.count(token.encode()) == request.count(b"authorization: Bearer")


async def test_several_cookie_lines_are_one(house: Any) -> None:
    door = await house(routes=ROUTES)
    token, _ = in_cookie(door)
    async with door.client() as client:
        await client.send(
            f"GET /v1/elsewhere HTTP/1.1\r\nhost: a\r\ncookie: a=1\r\n"
            f"Cookie: __Host-rostrum-access={token}\r\ncookie: b=2\r\n\r\n".encode()
        )
        assert (await client.answer()).status == 200
    assert b"cookie: a=1; b=2\r\n" in door.received[0]


async def test_an_authorization_that_is_stated_goes_before_a_cookie(house: Any) -> None:
    door = await house(routes=ROUTES)
    _, cookie = in_cookie(door)
    stated = door.issuer.token()
    answer = await door.ask("/v1/closed", method="POST", cookie=cookie, token=stated)
    assert answer.status == 200, "a page of others cannot make a browser state it"
    assert f"Bearer {stated}".encode() in door.received[-1]


async def test_two_tokens_in_cookies_are_refused(house: Any) -> None:
    door = await house(routes=ROUTES)
    _, cookie = in_cookie(door)
    answer = await door.ask("/v1/closed", cookie=f"{cookie}; {cookie}")
    assert (answer.status, answer.json()["type"]) == (400, "urn:rostrum:problem:two-tokens")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_token_that_was_not_made_for_cookies_is_refused_in_one(house: Any, method: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    cookie = f"__Host-rostrum-access={door.issuer.token()}"
    answer = await door.ask("/v1/closed", method=method, cookie=cookie, origin=OURS, x_csrf_token=CSRF)
    assert answer.status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"origin": OURS, "x_csrf_token": CSRF}, None),
        ({"origin": "http://api.example.com", "x_csrf_token": CSRF}, None),
        ({"sec_fetch_site": "same-origin", "x_csrf_token": CSRF}, None),
        ({"origin": OURS, "sec_fetch_site": "cross-site", "x_csrf_token": CSRF}, None),
        ({"origin": OURS}, "csrf-token-missing"),
        ({"origin": OURS, "x_csrf_token": ""}, "csrf-token-missing"),
        ({"origin": OURS, "x_csrf_token": CSRF + "x"}, "csrf-token-missing"),
        ({"origin": OURS, "x_csrf_token": csrf_hash(CSRF.encode())}, "csrf-token-missing"),
        ({"origin": FOREIGN, "x_csrf_token": CSRF}, "foreign-page"),
        ({"origin": "null", "x_csrf_token": CSRF}, "foreign-page"),
        ({"origin": "https://api.example.com.evil.net", "x_csrf_token": CSRF}, "foreign-page"),
        ({"origin": FOREIGN, "sec_fetch_site": "same-origin", "x_csrf_token": CSRF}, "foreign-page"),
        ({"sec_fetch_site": "same-site", "x_csrf_token": CSRF}, "foreign-page"),
        ({"sec_fetch_site": "cross-site", "x_csrf_token": CSRF}, "foreign-page"),
        ({"x_csrf_token": CSRF}, "foreign-page"),
        ({}, "foreign-page"),
    ],
)
async def test_a_change_by_cookie_needs_a_page_of_ours_and_its_csrf_token(
    house: Any, method: Any, headers: Any, problem: Any
) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    _, cookie = in_cookie(door)
    for _ in range(2):
        answer = await door.ask("/v1/closed", method=method, cookie=cookie, **headers)
        if problem is None:
            assert answer.status == 200
            assert b"x-csrf-token" not in door.received[-1].lower()
        else:
            assert (answer.status, answer.json()["type"]) == (403, f"urn:rostrum:problem:{problem}")
            assert not door.received


async def test_the_csrf_token_of_another_session_is_wrong(house: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    token = door.issuer.token(csrf=csrf_hash(b"another"))
    answer = await door.ask(
        "/v1/closed", method="POST", cookie=f"__Host-rostrum-access={token}", origin=OURS, x_csrf_token=CSRF
    )
    assert answer.status == 403


async def test_reading_by_cookie_needs_no_csrf_token_and_tells_foreign_pages_nothing(house: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    _, cookie = in_cookie(door)
    foreign = await door.ask("/v1/closed", cookie=cookie, origin=FOREIGN)
    assert foreign.status == 200
    assert foreign.get("access-control-allow-origin") is None
    assert foreign.get("access-control-allow-credentials") is None
    ours = await door.ask("/v1/closed", cookie=cookie, origin=OURS)
    assert (ours["access-control-allow-origin"], ours["access-control-allow-credentials"]) == (OURS, "true")


async def test_a_public_change_from_a_foreign_page_carries_no_cookie_of_auth(house: Any) -> None:
    """Refreshing is public: nobody's page but ours may spend the refresh token."""
    door = await house(routes=ROUTES, origins=ORIGINS)
    _, cookie = in_cookie(door)
    for headers, passes in (({"origin": OURS}, True), ({"origin": FOREIGN}, False), ({}, False)):
        await door.ask("/v1/open", method="POST", cookie=cookie, **headers)
        assert (b"__Host-rostrum-refresh=r1" in door.received[-1]) is passes
        assert b"theme=dark" in door.received[-1]


async def test_a_preflight_lets_our_pages_send_what_cookie_mode_needs(house: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    answer = await door.ask("/v1/closed", method="OPTIONS", origin=OURS, access_control_request_method="POST")
    assert answer["access-control-allow-credentials"] == "true"
    for header in ("X-CSRF-Token", "Session-Mode", "Device-Token"):
        assert header in answer["access-control-allow-headers"]


async def test_a_revoked_session_ends_in_cookies_too(house: Any) -> None:
    door = await house(routes=ROUTES, origins=ORIGINS)
    token, cookie = in_cookie(door, exp=1_000_000_000)
    assert token
    assert (await door.ask("/v1/closed", cookie=cookie)).status == 401


async def test_a_staff_door_takes_no_cookie(house: Any) -> None:
    door = await house(routes=(*ROUTES, Route("/v1/staff", "auth", staff=True)), origins=ORIGINS)
    _, cookie = in_cookie(door)
    assert (await door.ask("/v1/staff", cookie=cookie)).status == 401


async def test_a_web_socket_by_cookie_is_opened_by_a_page_that_says_whence_it_is(house: Any) -> None:
    seen: list[Any] = []
    async with service(seen) as port:
        door = await house(port, routes=ROUTES, origins=ORIGINS)
        token, cookie = in_cookie(door)
        address, headers = f"ws://127.0.0.1:{door.port}/v1/line", {"cookie": cookie}
        for origin in (FOREIGN, None):
            with pytest.raises(InvalidStatus) as refusal:
                async with connect(address, additional_headers=headers, origin=origin):  # type: ignore[arg-type]
                    pass
            assert refusal.value.response.status_code == 403
        asked: Any = {"additional_headers": headers, "origin": OURS, "subprotocols": ["chat"]}
        async with connect(address, **asked) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
        assert seen[0].headers["authorization"] == f"Bearer {token}"
        assert "rostrum-access" not in seen[0].headers["cookie"]


async def test_a_page_in_bearer_mode_may_state_its_token_beside_an_old_cookie(house: Any) -> None:
    seen: list[Any] = []
    async with service(seen) as port:
        door = await house(port, routes=ROUTES, origins=ORIGINS)
        _, cookie = in_cookie(door)
        stated = door.issuer.token()
        async with connect(
            f"ws://127.0.0.1:{door.port}/v1/line",
            additional_headers={"cookie": cookie},
            subprotocols=["chat", f"bearer.{stated}"],  # type: ignore[list-item]
        ):
            pass
    assert seen[0].headers["authorization"] == f"Bearer {stated}"


def test_a_cookie_is_read_and_does_not_pass_by_itself() -> None:
    head = read_head([(b"cookie", JAR.encode()), (b"x-fine", b"1")])
    assert (head.cookie, head.by_cookie, head.passed) == (JAR.encode(), False, [b"x-fine", b": ", b"1", b"\r\n"])
    assert read_head([(b"x-fine", b"1")]).cookie == b""
