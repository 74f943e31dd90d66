"""Generation as its people meet it: the real application, and models played by ourselves or by the sandbox."""

import asyncio
import base64
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from contracts import decode
from contracts.audit import AuditEntry
from contracts.billing import EntitlementsChanged
from contracts.event import Event, encode
from generation import worker
from generation.api import ROUTERS
from generation.bootstrap import SERVICE, Parts, endpoint_parts, generating, loops
from generation.settings import GenerationSettings
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.process import Loop, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal
from kit.testing.programs import eventually
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .platform import Platform

MASTER = base64.urlsafe_b64encode(bytes(range(32))).decode()


@dataclass
class Signed(httpx.Auth):
    """Signs each request anew: tokens live shorter than some stories."""

    story: "Story"
    organization_id: UUID
    role: str
    claims: dict[str, Any]

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self.story.issuer.token(self.story.now(), self.organization_id, self.role, **self.claims)
        request.headers["authorization"] = f"Bearer {token}"
        yield request


@dataclass
class Story:
    """One generation service, several organizations, and time in the test's hand."""

    place: TestDatabase
    database: Mortal
    keyring: Keyring
    made: Parts
    app: FastAPI
    issuer: Issuer
    platform: Platform
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def told(cls, place: TestDatabase, database: Mortal, **changed: Any) -> AsyncIterator["Story"]:
        issuer, keyring, platform = Issuer(), Keyring(database, LocalMasterKey.from_text(MASTER)), Platform()
        outside: Outbound = changed.pop("outbound", None) or Outbound(transport=platform, pause=0.001)
        made = generating(settings(place, **changed), database, keyring, outside)
        app = create_app(
            service="generation",
            title="Generation",
            routers=ROUTERS,
            parts=endpoint_parts(made),
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
            large_bodies=SERVICE.large_bodies,
        )
        story = cls(place, database, keyring, made, app, issuer, platform)
        try:
            yield story
        finally:
            await made.close()
            await outside.close()
            for client in story.clients:
                await client.aclose()

    def client(self, organization_id: UUID, role: str = "owner", **claims: Any) -> httpx.AsyncClient:
        """A program of a member of that organization."""
        who = {"sub": str(new_id()), "sid": str(new_id())} | claims
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://generation.test",
            auth=Signed(self, organization_id, role, who),
            timeout=60,
        )
        self.clients.append(client)
        return client

    async def forward(self, **delta: float) -> None:
        """Move the platform's time on."""
        await self.place.forward(timedelta(**delta).total_seconds())
        await self.database.clock.synchronise()

    def now(self) -> datetime:
        return self.database.clock.now()

    def loops(self) -> Sequence[Loop]:
        return (*self.made.ledger.loops(), *loops(self.made))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker runs meanwhile."""
        stop = asyncio.Event()
        task = asyncio.create_task(supervise(self.loops(), stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def grant(self, organization_id: UUID, *, version: int = 1, **limits: int | None) -> None:
        """Billing says what an organization may use; twice, as may happen, and once more as another message."""
        event = EntitlementsChanged(
            organization_id=organization_id, time=self.now(), version=version, plan="pro", limits=limits
        )
        await self.hear(event, 0, 0, 1)

    async def hear(self, event: Event, *generations: int) -> None:
        """Let this arrive as the consumer hands it on, each time in one generation of replays."""
        subscription = next(each for each in worker.SUBSCRIPTIONS if each.event is type(event))
        for generation in generations or (0, 1):
            delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
            await Applier(self.database, event.type, event.type, subscription).apply([delivery])

    async def texts(self, client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
        """A generation that was accepted."""
        wanted = {"subject": "A second shop opens on Saturday", "platforms": ["linkedin"]}
        answer = await client.post("/v1/generations", json=wanted | body)
        assert answer.status_code == 202, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def ended(self, client: httpx.AsyncClient, generation: dict[str, Any]) -> dict[str, Any]:
        """The generation once it has ended."""
        seen: dict[str, Any] = {}

        async def there() -> bool:
            seen.update((await client.get(f"/v1/generations/{generation['id']}")).json())
            return bool(seen["state"] != "running")

        await eventually(there, within=60)
        return seen

    async def budget(self, client: httpx.AsyncClient, monthly_micros: int) -> None:
        answer = await client.put("/v1/generation/budget", json={"monthly_micros": monthly_micros})
        assert answer.status_code == 200, answer.text

    async def told_of(self, organization_id: UUID) -> list[Event]:
        """The facts that leave about this organization, but for lines of the audit trail."""
        return [event for event in await self._left(organization_id) if not isinstance(event, AuditEntry)]

    async def audited(self, organization_id: UUID) -> list[AuditEntry]:
        """The lines of the audit trail that leave about this organization."""
        return [event for event in await self._left(organization_id) if isinstance(event, AuditEntry)]

    async def _left(self, organization_id: UUID | None) -> list[Event]:
        async with self.database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT body FROM outbox WHERE organization_id IS NOT DISTINCT FROM $1 ORDER BY id", organization_id
            )
        return [decode(row["body"]) for row in rows]

    async def told_by_the_platform(self) -> list[Event]:
        """The facts that leave about no organization."""
        return await self._left(None)


def settings(place: TestDatabase, **changed: Any) -> GenerationSettings:
    wanted: dict[str, Any] = {
        "http_port": 1,
        "jwks_url": "http://127.0.0.1:1/jwks.json",
        "database_url": place.url("generation"),
    }
    return GenerationSettings(**(wanted | changed))
