"""Programs come in by the public door: with a key of their organization, or with what a person has granted them."""

import asyncio
import secrets
import time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client

from local.trial import Trial
from local.visitor import Visitor, newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CALLBACK = "http://127.0.0.1:53124/callback"


async def owner(platform: Trial, http: httpx.AsyncClient, name: str) -> tuple[Visitor, str]:
    visitor = await newcomer(platform.addresses, http, f"{name}.{secrets.token_hex(4)}@example.com")
    organization = await visitor.found(name.title())
    return visitor, str(organization["id"])


async def refused_within(seconds: float, ask: Any) -> float:
    """How long it takes until a request is refused as unauthenticated."""
    began = time.monotonic()
    while (await ask()).status_code != 401:
        assert time.monotonic() - began < seconds, "it is still let in"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def test_a_key_opens_what_it_may_and_nothing_a_moment_after_its_end(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    visitor, organization = await owner(platform, http, "keys")
    path = f"/v1/organizations/{organization}/api-keys"
    body = {"name": "Import", "role": "editor", "scopes": ["posts:read", "posts:write"]}
    made = (await visitor.call("POST", path, expect=201, json=body)).json()

    async def ask(method: str = "GET", where: str = "/v1/posts", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {made['key']}"} | more.pop("headers", {})
        return await http.request(method, f"{platform.addresses.gateway}{where}", headers=headers, **more)

    listed = await ask()
    assert listed.status_code == 200, listed.text
    assert listed.headers["ratelimit-policy"]
    written = await ask(
        "POST", json={"text": "Written by a machine."}, headers={"idempotency-key": secrets.token_hex(8)}
    )
    assert written.status_code == 201, written.text
    seen = await visitor.call("GET", f"/v1/posts/{written.json()['id']}")
    assert seen.json()["text"] == "Written by a machine."
    for where in ("/v1/conversations", path, "/v1/me", "/v1/events"):
        assert (await ask(where=where)).status_code == 403, where
    by_header = await http.get(f"{platform.addresses.gateway}/v1/posts", headers={"x-api-key": made["key"]})
    assert by_header.status_code == 200
    altered = made["key"][:-1] + ("x" if made["key"][-1] != "x" else "y")
    assert (await ask(headers={"authorization": f"Bearer {altered}"})).status_code == 401

    await visitor.call("DELETE", f"{path}/{made['id']}", expect=204)
    assert await refused_within(10, ask) < 5


class Form(HTMLParser):
    """The form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input" and given.get("type") == "hidden":
            self.values[given["name"]] = given["value"]
        elif tag == "option":
            self.values.setdefault("organization_id", given["value"])


async def consent(gateway: str, asked: httpx.Response, person: Visitor) -> str:
    """Go through the consent page as a browser does; where it sends one in the end."""
    told = {"sec-fetch-site": "same-origin", "origin": "null"}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as browser:
        page = await browser.get(asked.headers["location"])
        assert "default-src 'none'" in page.headers["content-security-policy"]
        form = Form(page.text)
        typed = form.values | {"email": person.email, "password": person.password}
        entered = await browser.post(gateway + form.action, data=typed, headers=told)
        assert entered.status_code == 303, entered.text
        cookie = entered.headers["set-cookie"].partition(";")[0]
        page = await browser.get(gateway + entered.headers["location"], headers={"cookie": cookie})
        form = Form(page.text)
        typed = form.values | {"decision": "grant"}
        decided = await browser.post(gateway + form.action, data=typed, headers=told | {"cookie": cookie})
    assert decided.status_code == 303, decided.text
    return str(decided.headers["location"])


async def test_a_standard_client_finds_its_way_from_discovery_to_revocation(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    gateway = platform.addresses.gateway
    partner, theirs = await owner(platform, http, "partner")
    customer, organization = await owner(platform, http, "customer")
    body = {"name": "Planner", "redirect_uris": ["http://127.0.0.1/callback"], "scopes": ["openid", "posts:read"]}
    made = (await partner.call("POST", f"/v1/organizations/{theirs}/oauth-clients", expect=201, json=body)).json()
    server = (await http.get(f"{gateway}/.well-known/openid-configuration")).json()
    assert server["issuer"] == gateway

    client = AsyncOAuth2Client(
        made["id"],
        made["client_secret"],
        redirect_uri=CALLBACK,
        scope="openid posts:read",
        code_challenge_method="S256",
        trust_env=False,
    )
    async with client:
        verifier = generate_token(48)
        address, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
        back = await consent(gateway, await http.get(address), customer)
        assert parse_qs(urlsplit(back).query)["iss"] == [gateway]
        await client.fetch_token(
            server["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
        )
        assert (await client.get(server["userinfo_endpoint"])).json() == {"sub": customer.user_id}

        async def ask() -> httpx.Response:
            return await http.get(
                f"{gateway}/v1/posts", headers={"authorization": f"Bearer {client.token['access_token']}"}
            )

        assert (await ask()).status_code == 200
        await client.refresh_token(server["token_endpoint"])
        assert (await ask()).status_code == 200
        worth = (await client.introspect_token(server["introspection_endpoint"], client.token["access_token"])).json()
        assert (worth["active"], worth["org"]) == (True, organization)
        (app,) = (await customer.call("GET", "/v1/me/authorized-apps")).json()["items"]
        assert app["name"] == "Planner"
        ended = await client.revoke_token(server["revocation_endpoint"], client.token["refresh_token"])
        assert ended.status_code == 200
        assert await refused_within(10, ask) < 5
