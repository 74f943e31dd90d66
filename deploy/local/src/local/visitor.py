"""A person with a browser: the demo, the seed and the end-to-end tests act through these public doors."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

T = TypeVar("T")

_PATIENCE = 60.0
_SHORT = 0.05


class NotSeen(Exception):
    """What should have become visible from outside did not, or something else was answered."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the platform's public doors are."""

    gateway: str
    sandbox: str
    broker: str
    namespace: str


async def seen(what: str, look: Callable[[], Awaitable[T | None]], *, within: float = _PATIENCE) -> T:
    """Look again and again until there is something to see.

    Raises:
        NotSeen: nothing was there within so many seconds.
    """
    end = time.monotonic() + within
    while True:
        found = await look()
        if found is not None:
            return found
        if time.monotonic() > end:
            raise NotSeen(f"{what}: not seen within {within:g} s")
        await asyncio.sleep(_SHORT)


@dataclass(slots=True)
class Visitor:
    """One person: an address, a password, and after signing in the tokens."""

    addresses: Addresses
    http: httpx.AsyncClient
    email: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    access_token: str = ""
    refresh_token: str = ""
    user_id: str = ""

    async def call(
        self, method: str, path: str, *, expect: int | None = None, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request through the gateway, with our token if we have one.

        Raises:
            NotSeen: another status than `expect` was answered.
        """
        own = {"authorization": f"Bearer {self.access_token}"} if self.access_token else {}
        url = self.addresses.gateway + path
        answer = await self.http.request(method, url, headers=own | (headers or {}), **more)
        if expect is not None and answer.status_code != expect:
            raise NotSeen(f"{method} {path}: {answer.status_code} instead of {expect}: {answer.text[:300]}")
        return answer

    async def sign_up(self) -> None:
        """Ask for an account; the answer is the same whether the address is known or not."""
        await self.call("POST", "/v1/accounts", expect=202, json={"email": self.email, "password": self.password})

    async def token_from_mail(self, path: str) -> str:
        """The token of the newest link to `path` in our mailbox."""

        async def look() -> str | None:
            answer = await self.http.get(f"{self.addresses.sandbox}/mailbox/messages", params={"to": self.email})
            answer.raise_for_status()
            for message in answer.json()["items"]:
                for link in message["links"]:
                    parts = urlsplit(str(link))
                    if parts.path.endswith(path) and parts.fragment.startswith("token="):
                        return parts.fragment.removeprefix("token=")
            return None

        return await seen(f"a mail to {self.email} with a link to {path}", look)

    async def verify(self) -> None:
        """Follow the link in the verification mail, with the password of that sign-up."""
        body = {"token": await self.token_from_mail("/verify"), "password": self.password}
        await self.call("POST", "/v1/accounts/verify", expect=200, json=body)

    async def sign_in(self, organization_id: str | None = None) -> dict[str, Any]:
        """Get tokens with our password."""
        body = {"email": self.email, "password": self.password}
        if organization_id:
            body["organization_id"] = organization_id
        answer = await self.call("POST", "/v1/sessions", expect=201, json=body)
        return self._remember(answer)

    async def refresh(self, organization_id: str | None = None) -> dict[str, Any]:
        """Exchange the refresh token; with an organization, act in it from now on."""
        body = {"refresh_token": self.refresh_token}
        if organization_id:
            body["organization_id"] = organization_id
        answer = await self.call("POST", "/v1/sessions/refresh", expect=200, json=body)
        return self._remember(answer)

    async def create_organization(self, name: str, *, key: str | None = None) -> dict[str, Any]:
        """Create an organization; the same key again answers with the same one."""
        headers = {"idempotency-key": key or secrets.token_hex(8)}
        answer = await self.call("POST", "/v1/organizations", expect=201, headers=headers, json={"name": name})
        organization: dict[str, Any] = answer.json()
        return organization

    async def found(self, name: str) -> dict[str, Any]:
        """Create an organization and act in it from now on."""
        organization = await self.create_organization(name)
        await self.refresh(organization["id"])
        return organization

    def _remember(self, answer: httpx.Response) -> dict[str, Any]:
        body: dict[str, Any] = answer.json()
        self.access_token, self.refresh_token = body["access_token"], body["refresh_token"]
        self.user_id = body["user_id"]
        return body


async def newcomer(addresses: Addresses, http: httpx.AsyncClient, email: str) -> Visitor:
    """A visitor who has signed up, verified the address and signed in."""
    visitor = Visitor(addresses, http, email)
    await visitor.sign_up()
    await visitor.verify()
    await visitor.sign_in()
    return visitor
