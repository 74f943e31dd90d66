"""Signing in from a browser, and how tokens die: through the gateway and auth together, as they run."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from kit.http.tokens import key_id
from kit.testing.plugin import REDIS_URL
from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WITHIN = 5.0
"""Seconds in which a token dies everywhere."""
MODE = {"session-mode": "cookie"}


class Browser:
    """Keeps cookies as browsers do, but over plain HTTP; pages of ours state whence they are and the CSRF token."""

    def __init__(self, person: Visitor) -> None:
        self.person, self.http = person, person.http
        self.address = person.addresses.gateway
        self.jar: dict[str, str] = {}
        self.csrf = ""

    async def call(
        self, method: str, path: str, *, page: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        own = {"origin": self.address, "x-csrf-token": self.csrf} if page is None else page
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}
        headers = {**own, **cookie, **more.pop("headers", {})}
        answer = await self.http.request(method, self.address + path, headers=headers, **more)
        self.http.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.jar[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.jar[name]
        return answer

    async def sign_in(self) -> None:
        body = {"email": self.person.email, "password": self.person.password}
        answer = await self.call("POST", "/v1/sessions", json=body, headers=MODE)
        assert answer.status_code == 201, answer.text
        assert answer.json()["access_token"] is answer.json()["refresh_token"] is None
        self.csrf = answer.json()["csrf_token"]


async def dies(what: str, call: Callable[[], Awaitable[httpx.Response]]) -> None:
    """A token is refused from some moment within five seconds on, and stays so."""

    async def look() -> bool | None:
        return True if (await call()).status_code == 401 else None

    await seen(what, look, within=WITHIN)
    await asyncio.sleep(0.5)
    assert (await call()).status_code == 401


async def test_a_browser_signs_in_acts_reloads_refreshes_and_signs_out_by_cookies(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    browser = Browser(await newcomer(platform.addresses, http, f"browser.{secrets.token_hex(4)}@example.com"))
    await browser.sign_in()
    assert set(browser.jar) == {"__Host-rostrum-access", "__Host-rostrum-refresh", "__Host-rostrum-device"}
    made = await browser.call("POST", "/v1/organizations", json={"name": "By cookie"})
    assert made.status_code == 201, made.text

    foreign = {"origin": "https://evil.example.net", "x-csrf-token": browser.csrf}
    for page, code in ((foreign, "foreign-page"), ({"origin": browser.address}, "csrf-token-missing")):
        refused = await browser.call("POST", "/v1/organizations", json={"name": "Forged"}, page=page)
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, code)

    stated, browser.csrf = browser.csrf, ""
    told = (await browser.call("GET", "/v1/sessions/current")).json()
    assert told["csrf_token"] == stated
    browser.csrf = told["csrf_token"]

    before = dict(browser.jar)
    forged = await browser.call("POST", "/v1/sessions/refresh", json={}, headers=MODE, page=foreign)
    assert forged.status_code == 422, "the cookie did not come along"
    answer = await browser.call("POST", "/v1/sessions/refresh", json={}, headers=MODE)
    assert (answer.status_code, answer.json()["csrf_token"]) == (200, stated)
    assert browser.jar["__Host-rostrum-refresh"] != before["__Host-rostrum-refresh"]

    kept = dict(browser.jar)
    assert (await browser.call("DELETE", "/v1/sessions/current")).status_code == 204
    assert set(browser.jar) == {"__Host-rostrum-device"}
    browser.jar = kept
    await dies("a token in a cookie", lambda: browser.call("GET", "/v1/me"))


async def test_tokens_die_within_five_seconds_also_when_redis_has_forgotten_all(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    ada = await newcomer(platform.addresses, http, f"ada.{secrets.token_hex(4)}@example.com")
    other = Visitor(ada.addresses, http, ada.email, ada.password)
    await other.sign_in()
    assert (await other.call("GET", "/v1/me")).status_code == 200
    await ada.call("DELETE", "/v1/sessions/others", expect=204)
    await dies("the token of another session", lambda: other.call("GET", "/v1/me"))
    async with Redis.from_url(REDIS_URL) as redis:
        found = [key async for key in redis.scan_iter(f"{platform.addresses.namespace}:*", count=1000)]
        if found:
            await redis.delete(*found)
    for _ in range(3):
        assert (await other.call("GET", "/v1/me")).status_code == 401
    await ada.refresh()
    assert (await ada.call("GET", "/v1/me")).status_code == 200


async def test_what_a_leaked_key_has_signed_dies_everywhere_and_sessions_go_on(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    ada = await newcomer(platform.addresses, http, f"key.{secrets.token_hex(4)}@example.com")
    kid = key_id(ada.access_token)
    environment = platform.plan.environment("auth")
    command = [sys.executable, "-m", "auth", "remove-key", kid]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    await dies("a token of the key that is gone", lambda: ada.call("GET", "/v1/me"))

    async def goes_on() -> bool | None:
        await ada.refresh()
        fine = key_id(ada.access_token) != kid and (await ada.call("GET", "/v1/me")).status_code == 200
        return True if fine else None

    await seen("a token of the key in its place", goes_on, within=10.0)
    keys = (await ada.call("GET", "/.well-known/jwks.json", expect=200)).json()["keys"]
    assert kid not in {key["kid"] for key in keys}


async def test_a_changed_password_ends_the_tokens_of_other_sessions(platform: Trial, http: httpx.AsyncClient) -> None:
    ada = await newcomer(platform.addresses, http, f"password.{secrets.token_hex(4)}@example.com")
    other = Visitor(ada.addresses, http, ada.email, ada.password)
    await other.sign_in()
    assert (await other.call("GET", "/v1/me")).status_code == 200
    body = {"present": ada.password, "password": secrets.token_urlsafe(18)}
    await ada.call("PUT", "/v1/me/password", expect=204, json=body)
    await dies("a token from before the change", lambda: other.call("GET", "/v1/me"))
    refused = await other.call("POST", "/v1/sessions/refresh", json={"refresh_token": other.refresh_token})
    assert refused.status_code == 401, "and its session has ended"
    await ada.refresh()
    assert (await ada.call("GET", "/v1/me")).status_code == 200


async def test_another_role_ends_the_tokens_that_say_the_former(platform: Trial, http: httpx.AsyncClient) -> None:
    ada, bob = [
        await newcomer(platform.addresses, http, f"{name}.{secrets.token_hex(4)}@example.com")
        for name in ("owner", "member")
    ]
    organization = await ada.found("Roles")
    path = f"/v1/organizations/{organization['id']}"
    invited = {"email": bob.email, "role": "admin"}
    await ada.call("POST", f"{path}/invitations", expect=201, headers={"idempotency-key": bob.email}, json=invited)
    token = await bob.token_from_mail("/invitations/accept")
    await bob.call("POST", "/v1/invitations/accept", expect=200, json={"token": token})
    assert (await bob.refresh(organization["id"]))["role"] == "admin"
    members = (await ada.call("GET", f"{path}/members", expect=200)).json()["items"]
    (member,) = [each for each in members if each["user_id"] == bob.user_id]
    await ada.call("PATCH", f"{path}/members/{member['id']}", expect=200, json={"role": "analyst"})
    await dies("a token with the former role", lambda: bob.call("GET", "/v1/me"))
    assert (await bob.refresh())["role"] == "analyst", "the session goes on"
    assert (await bob.call("GET", "/v1/me")).status_code == 200
