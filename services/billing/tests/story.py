"""Billing as its people meet it: real application, real ledger, Stripe played by the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from billing.api import ROUTERS
from billing.bootstrap import Selling, selling, selling_loops, selling_parts, stripe_of
from billing.entitlements.service import EntitlementService
from billing.organizations.service import OrganizationService
from billing.settings import BillingSettings
from contracts import decode
from contracts.audit import AuditEntry
from contracts.event import Event
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.ids import new_id
from kit.process import Loop, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import TestDatabase
from kit.testing.programs import eventually
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .conftest import MASTER
from .hearing import Ear, created

Json = dict[str, Any]
PRO = {"plan": "pro", "interval": "month", "currency": "eur"}
STAFF = f"{AUDIENCE}/staff"


@dataclass
class StripeSide:
    """Stripe as those see it who watch, and whoever sits before its pages."""

    http: httpx.AsyncClient

    async def fails(self, *rules: Json) -> None:
        answer = await self.http.put("/control/stripe/faults", json=list(rules))
        assert answer.status_code == 200, answer.text

    async def calls(self, path: str, method: str = "POST") -> list[Json]:
        """The calls that came to a path, oldest first."""
        received = (await self.http.get("/control/stripe/received", params={"limit": 100})).json()["items"]
        return [each for each in received if each["path"].endswith(path) and each["method"] == method]

    async def ask(self, path: str, **params: Any) -> Json:
        """What the API answers."""
        answer = await self.http.get(f"/stripe{path}", params=params, auth=("sk_test_sandbox", ""))
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def count(self, path: str, **params: Any) -> int:
        """How many of them there are."""
        return len((await self.ask(path, limit=100, **params))["data"])

    async def pay(self, session_id: str, **card: Any) -> Json:
        """Somebody pays on a page."""
        entered = {"card": "4242424242424242", "country": "DE", "email": "ada@acme.test", **card}
        answer = await self.http.post(f"/stripe/control/checkout/{session_id}/pay", json=entered)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


@dataclass
class Signed(httpx.Auth):
    """Signs each request anew: tokens live shorter than some stories."""

    story: "Story"
    organization_id: UUID | None
    role: str
    claims: Json

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        now = self.story.database.clock.now()
        token = self.story.issuer.token(now, self.organization_id, self.role, **self.claims)
        request.headers["authorization"] = f"Bearer {token}"
        yield request


@dataclass
class Story:
    """One billing, several organizations, and time in the test's hand."""

    place: TestDatabase
    database: Database
    made: Selling
    app: FastAPI
    issuer: Issuer
    stripe: StripeSide
    keyring: Keyring
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def told(
        cls, place: TestDatabase, database: Database, sandbox_url: str, **changed: Any
    ) -> AsyncIterator["Story"]:
        issuer, keyring = Issuer(), Keyring(database, LocalMasterKey.from_text(MASTER))
        asked = settings(place, sandbox_url, **changed)
        made = selling(asked, database, keyring, stripe_of(asked))
        app = create_app(
            service="billing",
            title="Billing",
            routers=ROUTERS,
            parts=[OrganizationService(database), EntitlementService(database), *selling_parts(made)],
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
            mounts={f"/v1/webhooks/{name}": made.intake.asgi(name) for name in made.sources},
        )
        async with httpx.AsyncClient(base_url=sandbox_url, timeout=60, trust_env=False, verify=False) as http:
            (await http.post("/control/reset")).raise_for_status()
            story = cls(place, database, made, app, issuer, StripeSide(http), keyring)
            try:
                yield story
            finally:
                for client in story.clients:
                    await client.aclose()
                await made.stripe.close()

    async def organization(self) -> UUID:
        """One that billing has heard of."""
        organization_id = new_id()
        await Ear(self.database).hear(created(organization_id))
        return organization_id

    def client(self, organization_id: UUID | None, role: str = "owner", **claims: Any) -> httpx.AsyncClient:
        """A browser of a member of that organization."""
        who = {"sub": str(new_id()), "sid": str(new_id())} | claims
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://billing.test",
            auth=Signed(self, organization_id, role, who),
        )
        self.clients.append(client)
        return client

    def staff(self, *permissions: str) -> httpx.AsyncClient:
        """A member of staff who may do this."""
        return self.client(
            None,
            aud=STAFF,
            principal="staff",
            staff_role="operator",
            permissions=" ".join(permissions or ("coupons.manage",)),
        )

    async def forward(self, **delta: float) -> None:
        """Move the platform's time on."""
        await self.place.forward(timedelta(**delta).total_seconds())
        await self.database.clock.synchronise()

    def loops(self) -> Sequence[Loop]:
        return (*self.made.ledger.loops(), *selling_loops(self.made))

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

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """While a worker runs, wait until something is so."""
        async with self.working():
            await eventually(is_so, within=60)

    async def sold(self, *plans: str) -> None:
        """These prices of the catalogue are at Stripe, made by hand: all of them take longer."""
        from billing.catalogue.publishing import KIND, PLATFORM
        from billing.catalogue.repository import PriceRepository
        from kit.ledger.model import Effect

        async with self.database.transaction() as tx:
            ids = await PriceRepository(tx).take_in(plans or ["pro_month_eur_v1", "pro_seat_month_eur_v1"])
        for price_id in ids:
            await self.made.ledger.perform(Effect(KIND, PLATFORM, price_id))

    async def events(self, organization_id: UUID) -> list[Event]:
        """What leaves for the other services about it, oldest first."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", organization_id)
        return [decode(row["body"]) for row in rows]

    async def actions(self, organization_id: UUID) -> list[str]:
        """The lines of the audit trail about it, oldest first."""
        return [each.action for each in await self.events(organization_id) if isinstance(each, AuditEntry)]

    async def rows(self, sql: str, *args: Any, organization_id: UUID | None = None) -> list[Json]:
        """Rows as they are."""
        async with self.database.transaction(*filter(None, [organization_id])) as tx:
            return [dict(row) for row in await tx.fetch(sql, *args)]


def settings(place: TestDatabase, sandbox_url: str, **changed: Any) -> BillingSettings:
    """As in development, but for the addresses."""
    given: Json = {
        "http_port": 0,
        "jwks_url": "http://auth.test/jwks.json",
        "database_url": place.url("billing"),
        "stripe_url": f"{sandbox_url}/stripe",
        "stripe_api_key": "sk_test_sandbox",
        "stripe_webhook_secrets": ["whsec_sandbox"],
        "public_url": "http://gateway.test",
        "console_url": "http://console.test",
        **changed,
    }
    return BillingSettings(**given)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of a problem."""
    return answer.status_code, answer.json()["type"].removeprefix("urn:rostrum:problem:")
