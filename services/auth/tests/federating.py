"""Identity providers played by the sandbox, and browsers that go there and come back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import SecretStr

from auth.passwords.hashing import Passwords
from kit.db.database import Database
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox

from .story import Person, Story, settings

HERE = "http://127.0.0.1:9"
GOOGLE_CLIENT = "1000000000001-sandbox.apps.googleusercontent.com"
GITHUB_CLIENT = "Iv1.sandbox0000000001"
ANN_AT_GOOGLE, EVE_AT_GOOGLE = "100000000000000000001", "100000000000000000003"
COOKIE_MODE = {"session-mode": "cookie"}


@dataclass
class Trip:
    """One browser on its way to a provider and back."""

    http: httpx.AsyncClient
    begun: dict[str, Any]
    place: str = ""
    brought: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return str(self.begun["authorization_url"])

    @property
    def asked(self) -> dict[str, str]:
        """What the provider is asked."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.url).query).items()}

    def completion(self, **changed: Any) -> dict[str, Any]:
        body = {"code": self.brought.get("code", ""), "request_token": self.begun["request_token"]} | changed
        return {name: value for name, value in body.items() if value is not None}


@dataclass
class Federated:
    """The application with its providers, and the outside world."""

    story: Story
    world: httpx.AsyncClient

    @classmethod
    @asynccontextmanager
    async def told(
        cls, place: TestDatabase, database: Database, passwords: Passwords, sandbox: Sandbox, **changed: Any
    ) -> AsyncIterator["Federated"]:
        """A story with Google, GitHub and the providers of organizations, all as new."""
        chosen = {
            "public_url": HERE,
            "google_client_id": GOOGLE_CLIENT,
            "google_client_secret": SecretStr("sandbox-secret"),
            "google_issuer": f"{sandbox.url}/google/accounts",
            "github_client_id": GITHUB_CLIENT,
            "github_client_secret": SecretStr("sandbox-secret"),
            "github_url": f"{sandbox.url}/github/www",
            "github_api_url": f"{sandbox.url}/github/api",
            "sandbox_provider_url": sandbox.url,
            "dns_url": f"{sandbox.url}/dns/resolve",
        }
        story = Story(place, database, passwords, settings(place, **(chosen | changed)))
        async with httpx.AsyncClient(base_url=sandbox.url, timeout=60, verify=False) as world:  # no TLS here
            (await world.post("/control/reset")).raise_for_status()
            await story.begin()
            try:
                yield cls(story, world)
            finally:
                await story.end()

    async def begin(self, headers: dict[str, str] | None = None, **body: Any) -> Trip:
        answer = await self.story.http.post("/v1/sessions/federated", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return Trip(self.story.http, answer.json())

    async def travel(self, trip: Trip, **choice: str) -> Trip:
        """Let a person answer the provider's page, and the browser come back to us."""
        there = await self.world.get(trip.url, params=dict(parse_qs_flat(trip.url)) | choice)
        assert there.status_code == 302, there.text
        return await self.come_back(trip, there.headers["location"])

    async def come_back(self, trip: Trip, location: str) -> Trip:
        assert location.startswith(HERE), location
        back = await self.story.http.get(location.removeprefix(HERE))
        assert back.status_code == 303, back.text
        assert back.headers["cache-control"] == "no-store"
        trip.place, _, fragment = back.headers["location"].partition("#")
        trip.brought = {name.removeprefix("federation_"): values[0] for name, values in parse_qs(fragment).items()}
        return trip

    async def complete(self, trip: Trip, **changed: Any) -> httpx.Response:
        return await self.story.http.post("/v1/sessions/federated/complete", json=trip.completion(**changed))

    async def sign_in(self, approve: str, **body: Any) -> httpx.Response:
        """All of it."""
        return await self.complete(await self.travel(await self.begin(**body), approve=approve))

    async def google(self, approve: str = ANN_AT_GOOGLE) -> httpx.Response:
        return await self.sign_in(approve, provider="google")

    async def github(self, approve: str = "1001") -> httpx.Response:
        return await self.sign_in(approve, provider="github")

    async def link(self, person: Person, provider: str, approve: str) -> httpx.Response:
        answer = await person.call("POST", "/v1/me/identities", json={"provider": provider})
        assert answer.status_code == 201, answer.text
        trip = await self.travel(Trip(self.story.http, answer.json()), approve=approve)
        return await person.call("POST", "/v1/me/identities/complete", json=trip.completion())

    def person(self, answer: httpx.Response, email: str = "") -> Person:
        assert answer.status_code == 201, answer.text
        return Person(self.story.http, email, answer.json())

    async def put(self, path: str, body: Any) -> None:
        answer = await self.world.put(path, json=body)
        assert answer.is_success, answer.text

    async def account_at_google(self, sub: str, email: str | None, *, verified: bool = True, **more: Any) -> None:
        body = {"sub": sub, "email": email, "email_verified": verified, **more}
        (await self.world.post("/google/control/people", json=body)).raise_for_status()

    async def google_goes_wrong(self, *faults: str, **app: Any) -> None:
        await self.put("/google/control/app", {"client_id": GOOGLE_CLIENT, "faults": list(faults), **app})

    async def calls(self, member: str, path: str) -> list[dict[str, Any]]:
        """What came to a door of the outside world."""
        items: list[dict[str, Any]] = (
            await self.world.get(f"/control/{member}/received", params={"limit": 100})
        ).json()["items"]
        return [each for each in items if each["path"].endswith(path)]


def parse_qs_flat(url: str) -> list[tuple[str, str]]:
    return [(name, values[0]) for name, values in parse_qs(urlsplit(url).query).items()]
