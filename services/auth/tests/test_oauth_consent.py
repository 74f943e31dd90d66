"""The consent page: plain HTML that a browser without scripts, or a program of forms, goes through."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx
import pyotp
import pytest

from auth.oauth.consent import COOKIE

from .oauth import CALLBACK, ISSUER, Clients, Program, query_of, request_of
from .story import GOOD, Person, Story


@pytest.fixture
def otherwise() -> dict[str, Any]:
    """The name that the metadata says."""
    return {"token_issuer": ISSUER}


@pytest.fixture
async def clients(story: Story) -> Clients:
    owner = await story.person("ada@partner.test")
    return Clients(story, owner, await owner.create("Partner <b>Ltd</b>"))


@pytest.fixture
async def program(story: Story, clients: Clients) -> Program:
    return Program(story, await clients.registered(name='Planner "><script>alert(1)</script>'))


class Fields(HTMLParser):
    """The one form of a page: where it goes and what it holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.values, self.labels, self.tags = "", {}, set(), []  # type: ignore[var-annotated]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "form":
            assert given["method"] == "post"
            self.action = str(given["action"])
        elif tag == "label":
            self.labels.add(given["for"])
        elif tag == "input" and given.get("type") == "hidden":
            self.values[given["name"]] = given["value"]
        elif tag == "option" and "organization_id" not in self.values:
            self.values["organization_id"] = given["value"]


@dataclass
class Browser:
    """Keeps cookies by hand: they are for TLS alone, and this wire has none."""

    http: httpx.AsyncClient
    cookies: dict[str, str]

    async def get(self, request: str) -> httpx.Response:
        return self.kept(await self.http.get("/v1/oauth/consent", params={"request": request}, headers=self.shown()))

    async def post(self, page: httpx.Response, headers: dict[str, str] | None = None, **typed: str) -> httpx.Response:
        form = Fields(page.text)
        data = form.values | typed
        told = {"sec-fetch-site": "same-origin", "origin": "null"} if headers is None else headers
        return self.kept(await self.http.post(form.action, data=data, headers=self.shown() | told))

    def shown(self) -> dict[str, str]:
        return (
            {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        )

    def kept(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            assert name == COOKIE
            for word in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
                assert word.lower() in line.lower(), line
            assert "domain" not in line.lower()
            value = rest.partition(";")[0].strip('"')
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    async def signed_in(self, request: str, email: str, password: str = GOOD) -> httpx.Response:
        answer = await self.post(await self.get(request), email=email, password=password)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == f"/v1/oauth/consent?request={request}"
        return await self.get(request)


@pytest.fixture
def browser(story: Story) -> Browser:
    return Browser(story.http, {})


def checked(page: httpx.Response) -> httpx.Response:
    """A page that keeps all promises: nothing loaded, nothing framed, nothing kept, every field labelled."""
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert 'lang="en"' in page.text
    assert re.search(r"<title>[^<]+</title>", page.text)
    tags = Fields(page.text).tags
    assert not {"script", "img", "link", "style", "iframe"} & set(tags)
    assert tags.count("h1") == 1
    ids = set(re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', page.text))
    assert ids == Fields(page.text).labels
    return page


async def test_a_person_signs_in_sees_what_is_asked_and_allows_it(
    program: Program, bob: Person, browser: Browser
) -> None:
    acme = await bob.create("Acme & Sons")
    request = request_of(await program.authorize())
    page = checked(await browser.get(request))
    assert "Planner &#34;&gt;&lt;script&gt;" in page.text
    assert "Partner &lt;b&gt;Ltd&lt;/b&gt;" in page.text
    assert "Read posts." not in page.text, "what is asked for is for who has signed in"

    page = checked(await browser.signed_in(request, bob.email))
    for shown in ("Read posts.", "Know which account is yours.", "Acme &amp; Sons (owner)", "partner.test"):
        assert shown in page.text
    assert Fields(page.text).values["organization_id"] == acme
    answer = await browser.post(page, decision="grant")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    said = query_of(answer.headers["location"])
    assert (said["state"], said["iss"]) == ("the-state", ISSUER)
    assert (await program.exchange(said["code"])).status_code == 200
    assert browser.cookies == {}, "the sign-in was for this page alone"
    assert checked(await browser.get(request)).status_code == 410


async def test_a_person_denies_on_the_page(program: Program, bob: Person, browser: Browser) -> None:
    await bob.create("Acme")
    request = request_of(await program.authorize())
    page = await browser.signed_in(request, bob.email)
    answer = await browser.post(page, decision="deny")
    assert query_of(answer.headers["location"])["error"] == "access_denied"


async def test_who_belongs_to_no_organization_can_only_go_back(
    program: Program, bob: Person, browser: Browser
) -> None:
    page = checked(await browser.signed_in(request_of(await program.authorize()), bob.email))
    assert 'value="grant"' not in page.text
    assert "error=access_denied" in (await browser.post(page, decision="deny")).headers["location"]


async def test_a_wrong_password_is_told_and_nobody_is_let_in(program: Program, bob: Person, browser: Browser) -> None:
    request = request_of(await program.authorize())
    for email in (bob.email, "nobody@else.test"):
        answer = checked(await browser.post(await browser.get(request), email=email, password="not-the-one-17"))
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        assert "not-the-one-17" not in answer.text
    assert browser.cookies == {}


async def test_a_second_factor_is_asked_for_on_the_page(program: Program, bob: Person, browser: Browser) -> None:
    acme = await bob.create("Acme")
    enrolled = (await bob.call("POST", "/v1/me/factors/totp", json={"name": "Phone"})).json()
    secret = str(enrolled["secret"])
    now = program.story.database.clock.now()
    code = pyotp.TOTP(secret).at(now)
    activated = await bob.call("POST", f"/v1/me/factors/totp/{enrolled['id']}/activate", json={"code": code})
    recovery = activated.json()["recovery_codes"][0]
    request = request_of(await program.authorize())
    page = checked(await browser.post(await browser.get(request), email=bob.email, password=GOOD))
    assert page.status_code == 200
    assert browser.cookies == {}
    page = checked(await browser.post(page, factor="totp", code="000000"))
    assert page.status_code in (401, 403, 422)
    answer = await browser.post(page, factor="recovery_code", code=recovery)
    assert answer.status_code == 303
    page = await browser.get(request)
    assert Fields(page.text).values["organization_id"] == acme
    assert "code=" in (await browser.post(page, decision="grant")).headers["location"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.test"},
        {"origin": "null"},
    ],
    ids=str,
)
async def test_a_form_on_another_page_decides_nothing(
    program: Program, bob: Person, browser: Browser, headers: dict[str, str]
) -> None:
    await bob.create("Acme")
    request = request_of(await program.authorize())
    page = await browser.get(request)
    assert (await browser.post(page, headers, email=bob.email, password=GOOD)).status_code == 403
    page = await browser.signed_in(request, bob.email)
    assert (await browser.post(page, headers, decision="grant")).status_code == 403
    assert (await browser.post(page, decision="grant")).status_code == 303


async def test_a_decision_carries_the_mark_of_its_own_page(
    story: Story, program: Program, bob: Person, browser: Browser
) -> None:
    await bob.create("Acme")
    first, second = request_of(await program.authorize()), request_of(await program.authorize())
    page = await browser.signed_in(first, bob.email)
    mark = Fields(page.text).values["csrf"]
    other = await browser.get(second)
    for wrong in ("", "0" * 64, mark, "ä"):
        assert (await browser.post(other, csrf=wrong, decision="grant")).status_code == 403
    stranger = Browser(story.http, {})
    assert (await stranger.post(page, decision="grant")).status_code == 403, "without the cookie it is nobody's"


async def test_only_a_person_decides(story: Story, program: Program, bob: Person, browser: Browser) -> None:
    """A program's own token in the cookie is no person, nor is junk."""
    acme = await bob.create("Acme")
    request = request_of(await program.authorize())
    page = await browser.signed_in(request, bob.email)
    answer = await browser.post(page, decision="grant")
    token: dict[str, Any] = (await program.exchange(query_of(answer.headers["location"])["code"])).json()
    again = request_of(await program.authorize())
    for cookie in (token["access_token"], "junk", ""):
        other = Browser(story.http, {COOKIE: cookie})
        assert "Sign in" in (await other.get(again)).text
    assert acme
