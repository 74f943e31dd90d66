"""Browser mode: tokens in cookies that no script can read."""

import re
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from kit.http.tokens import csrf_hash

from .conftest import Forward
from .story import GOOD, Story, problem
from .test_sessions import claims

ADA = "ada@example.com"
MODE = {"session-mode": "cookie"}
ACCESS, REFRESH, DEVICE = "__Host-rostrum-access", "__Host-rostrum-refresh", "__Host-rostrum-device"


def cookies_of(answer: httpx.Response) -> dict[str, Any]:
    """What a browser is told to keep, by name."""
    jar: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    return dict(jar)


def header(**pairs: str) -> dict[str, str]:
    names = {"access": ACCESS, "refresh": REFRESH, "device": DEVICE}
    return {"cookie": "; ".join(f"{names[name]}={value}" for name, value in pairs.items())}


async def signed_in(story: Story, **more: str) -> httpx.Response:
    body = {"email": ADA, "password": GOOD}
    answer = await story.http.post("/v1/sessions", json=body, headers=MODE | more)
    assert answer.status_code == 201, answer.text
    story.http.cookies.clear()
    return answer


async def test_in_cookie_mode_no_token_is_in_the_body(story: Story) -> None:
    await story.person(ADA)
    answer = await signed_in(story)
    body, jar = answer.json(), cookies_of(answer)
    assert set(jar) == {ACCESS, REFRESH, DEVICE}
    assert (body["access_token"], body["refresh_token"], body["device_token"]) == (None, None, None)
    for cookie in jar.values():
        assert cookie.value not in answer.text
    access = claims(jar[ACCESS].value)
    assert access["csrf"] == csrf_hash(body["csrf_token"].encode())
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookies_are_as_safe_as_browsers_can_make_them(story: Story) -> None:
    await story.person(ADA)
    lines = (await signed_in(story)).headers.get_list("set-cookie")
    assert len(lines) == 3
    for line in lines:
        attributes = {each.strip().partition("=")[0].lower() for each in line.split(";")[1:]}
        assert {"httponly", "secure", "path", "max-age", "samesite"} <= attributes
        assert "domain" not in attributes
        assert re.search(r"Path=/(;|$)", line)
        wanted = "strict" if line.startswith(REFRESH) else "lax"
        assert f"samesite={wanted}" in line.lower()
        assert len(line) < 4096


async def test_a_bearer_token_says_nothing_of_cookies(story: Story) -> None:
    ada = await story.person(ADA)
    assert "csrf" not in claims(ada.tokens["access_token"])
    assert ada.tokens["csrf_token"] is None
    assert (await story.sign_in(ADA)).headers.get_list("set-cookie") == []


async def test_refreshing_by_cookie_keeps_the_csrf_token_for_all_tabs(story: Story) -> None:
    await story.person(ADA)
    answer = await signed_in(story)
    jar = cookies_of(answer)
    cookie = header(refresh=jar[REFRESH].value, device=jar[DEVICE].value)
    refreshed = await story.http.post("/v1/sessions/refresh", json={}, headers=MODE | cookie)
    story.http.cookies.clear()
    assert refreshed.status_code == 200, refreshed.text
    assert refreshed.json()["csrf_token"] == answer.json()["csrf_token"]
    fresh = cookies_of(refreshed)
    assert fresh[REFRESH].value != jar[REFRESH].value
    assert fresh[ACCESS].value != jar[ACCESS].value


async def test_a_refresh_cookie_alone_refreshes_nothing(story: Story) -> None:
    """A form of another page can send the cookie; the header it cannot."""
    await story.person(ADA)
    jar = cookies_of(await signed_in(story))
    answer = await story.http.post("/v1/sessions/refresh", json={}, headers=header(refresh=jar[REFRESH].value))
    assert problem(answer) == (422, "invalid")


async def test_the_device_is_known_by_its_cookie(story: Story) -> None:
    await story.person(ADA)
    jar = cookies_of(await signed_in(story))
    again = cookies_of(await signed_in(story, **header(device=jar[DEVICE].value)))
    assert again[DEVICE].value == jar[DEVICE].value
    assert await story.count("devices") == 2


async def test_a_reloaded_page_is_given_the_csrf_token_again(story: Story) -> None:
    await story.person(ADA)
    answer = await signed_in(story)
    jar = cookies_of(answer)
    shown = {"authorization": f"Bearer {jar[ACCESS].value}"}  # as the gateway sends it
    told = await story.http.get("/v1/sessions/current", headers=shown | header(refresh=jar[REFRESH].value))
    assert told.json()["csrf_token"] == answer.json()["csrf_token"]
    bearer = await story.http.get("/v1/sessions/current", headers=shown)
    assert bearer.json()["csrf_token"] is None


@pytest.mark.parametrize("path", ["/v1/sessions/current", "/v1/sessions"])
async def test_signing_out_takes_the_cookies_away_but_not_the_device(story: Story, path: str) -> None:
    await story.person(ADA)
    jar = cookies_of(await signed_in(story))
    shown = {"authorization": f"Bearer {jar[ACCESS].value}"} | header(refresh=jar[REFRESH].value)
    answer = await story.http.delete(path, headers=shown)
    assert answer.status_code == 204
    gone = cookies_of(answer)
    assert {name: cookie["max-age"] for name, cookie in gone.items()} == {ACCESS: "0", REFRESH: "0"}
    again = await story.http.post("/v1/sessions/refresh", json={}, headers=MODE | header(refresh=jar[REFRESH].value))
    assert problem(again) == (401, "session-ended")


async def test_cookies_outlive_nothing_that_they_open(story: Story, forward: Forward) -> None:
    await story.person(ADA)
    jar = cookies_of(await signed_in(story))
    assert int(jar[ACCESS]["max-age"]) == 600
    assert int(jar[REFRESH]["max-age"]) == 14 * 86400
    for days, left in ((13, 14), (13, 4)):
        await forward(days * 86400)
        cookie = MODE | header(refresh=jar[REFRESH].value)
        jar = cookies_of(await story.http.post("/v1/sessions/refresh", json={}, headers=cookie))
        story.http.cookies.clear()
        assert left * 86400 - 60 < int(jar[REFRESH]["max-age"]) <= left * 86400
