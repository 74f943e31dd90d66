"""The publisher as its people meet it: real application, real ledger, LinkedIn played by the sandbox."""

import asyncio
import base64
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
from fastapi import FastAPI

from contracts import decode
from contracts.audit import AuditEntry
from contracts.billing import EntitlementsChanged
from contracts.event import Event, encode
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.http.transport import Answer, Outgoing, PyreqwestTransport
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.messaging.topology import Topology
from kit.process import Loop, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer
from publisher import worker
from publisher.api import ROUTERS
from publisher.bootstrap import SERVICE, Publishing, publishing
from publisher.partner_queues.service import PartnerQueueService
from publisher.settings import PublisherSettings

NOBODY = PUBLIC = "http://127.0.0.1:1"
CALLBACK = "/v1/oauth/linkedin/callback"
MASTER = base64.urlsafe_b64encode(bytes(range(32))).decode()


@dataclass
class LinkedInSide:
    """LinkedIn as those see it who watch: what is live, and what shall go wrong."""

    http: httpx.AsyncClient

    async def fails(self, *rules: dict[str, Any]) -> None:
        answer = await self.http.put("/control/linkedin/faults", json=list(rules))
        assert answer.status_code == 200, answer.text

    async def live(self) -> list[dict[str, Any]]:
        """The posts that are live, newest first."""
        found: list[dict[str, Any]] = (await self.http.get("/linkedin/control/posts")).json()
        return found

    async def set_app(self, **app: Any) -> None:
        (await self.http.put("/linkedin/control/app", json=app)).raise_for_status()

    async def calls(self, path: str, method: str = "POST") -> list[dict[str, Any]]:
        """The calls that came to a path, oldest last."""
        received = (await self.http.get("/control/linkedin/received", params={"limit": 100})).json()["items"]
        return [each for each in received if each["path"].endswith(path) and each["method"] == method]

    async def end_tokens(self, **how: Any) -> None:
        (await self.http.post("/linkedin/control/tokens/end", json={"state": "revoked", **how})).raise_for_status()

    async def clock_runs(self) -> None:
        """A sign of life."""
        (await self.http.get("/livez")).raise_for_status()


POSTING = {"path": "/linkedin/api/rest/posts", "method": "POST"}
READING = {"path": "/linkedin/api/rest/posts", "method": "GET"}
TOKEN = {"path": "/linkedin/www/oauth/v2/accessToken", "method": "POST"}


class Line:
    """The way to LinkedIn's API; while it is cut, connections are refused."""

    def __init__(self, api_url: str) -> None:
        self.real = PyreqwestTransport(connect=30.0, read=30.0)
        self.api_url = api_url
        self.cut = False

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        if self.cut and request.url.startswith(self.api_url):
            request = replace(request, url=request.url.replace(self.api_url, NOBODY))
        return await self.real.exchange(request, within=within, at_most=at_most)

    async def wait_no_longer_than(self, seconds: float) -> None:
        """From now on an answer that takes longer is given up."""
        await self.real.close()
        self.real = PyreqwestTransport(connect=30.0, read=seconds)

    async def warm(self) -> None:
        await self.real.warm()

    async def close(self) -> None:
        await self.real.close()


@dataclass
class Signed(httpx.Auth):
    """Signs each request anew: tokens live shorter than some stories."""

    story: "Story"
    organization_id: UUID
    role: str
    claims: dict[str, Any]

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        now = self.story.database.clock.now()
        token = self.story.issuer.token(now, self.organization_id, self.role, **self.claims)
        request.headers["authorization"] = f"Bearer {token}"
        yield request


@dataclass
class Story:
    """One publisher, several organizations, and time in the test's hand."""

    place: TestDatabase
    database: Database
    line: Line
    made: Publishing
    app: FastAPI
    issuer: Issuer
    linkedin: LinkedInSide
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def told(
        cls,
        place: TestDatabase,
        database: Database,
        sandbox: Sandbox,
        media: Any = None,
        **changed: Any,
    ) -> AsyncIterator["Story"]:
        line, issuer = Line(f"{sandbox.url}/linkedin/api"), Issuer()
        outbound = Outbound(transport=line)
        keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
        folder = TemporaryDirectory(prefix="media-")
        changed = {"media_url": f"file://{folder.name}"} | changed
        made = publishing(settings(place, sandbox, **changed), database, keyring, outbound, media)
        app = create_app(
            service="publisher",
            title="Publisher",
            routers=ROUTERS,
            parts=[
                made.posts,
                made.previews,
                *made.scheduling.for_endpoints(),
                *made.library,
                made.accounts,
                made.connections,
                made.addresses,
                made.withdrawals,
                PartnerQueueService(database),
                Topology("shown"),
            ],
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
            large_bodies=SERVICE.large_bodies,
            mounts={f"/v1/webhooks/{name}": made.intake.asgi(name) for name in made.sources},
        )
        async with httpx.AsyncClient(base_url=sandbox.url, timeout=60, verify=False) as http:
            (await http.post("/control/reset")).raise_for_status()
            story = cls(place, database, line, made, app, issuer, LinkedInSide(http))
            try:
                yield story
            finally:
                for client in story.clients:
                    await client.aclose()
                await outbound.close()
                folder.cleanup()

    def client(self, organization_id: UUID | None, role: str = "owner", **claims: Any) -> httpx.AsyncClient:
        """A browser of a member of that organization; it keeps its cookies."""
        who = {"sub": str(new_id()), "sid": str(new_id())} | claims
        auth = None if organization_id is None else Signed(self, organization_id, role, who)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://publisher.test",
            auth=auth,
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
        made = self.made
        return (
            *made.ledger.loops(),
            *worker.publishing_loops(
                made.intake, made.account_watch, made.connection_sweeper, made.version_watch, made.withdrawals
            ),
        )

    @asynccontextmanager
    async def working(self, workers: int = 1) -> AsyncIterator[None]:
        """Workers run meanwhile."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(supervise(self.loops(), stop)) for _ in range(workers)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """LinkedIn's API refuses connections meanwhile."""
        self.line.cut = True
        try:
            yield
        finally:
            self.line.cut = False

    async def consent(self, client: httpx.AsyncClient, what: str = "member", **answer: str) -> str:
        """Ask to connect and answer LinkedIn's consent page; the address with which the browser comes back."""
        asked = await client.post("/v1/connected-accounts", json={"platform": "linkedin", "what": what})
        assert asked.status_code == 201, asked.text
        page_url = asked.json()["authorization_url"] + "&" + urlencode(answer or {"approve": "ann"})
        page = await self.linkedin.http.get(page_url, follow_redirects=False)
        assert page.status_code == 302, page.text
        back = urlsplit(page.headers["location"])
        assert back.path == CALLBACK
        return f"{CALLBACK}?{back.query}"

    async def connect(self, client: httpx.AsyncClient, what: str = "organization", person: str = "ann") -> str:
        """The id of a connected account."""
        answer = await client.get(await self.consent(client, what, approve=person))
        assert answer.status_code == 303, answer.text
        told = parse_qs(urlsplit(answer.headers["location"]).query)
        assert "connected" in told, told
        return told["connected"][0]

    async def post(self, client: httpx.AsyncClient, *accounts: str, **body: Any) -> dict[str, Any]:
        """A post that was accepted."""
        wanted = {"text": f"Hello {new_id()}", "targets": list(accounts), "publish_at": "now"}
        answer = await client.post("/v1/posts", json=wanted | body)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def shown(self, client: httpx.AsyncClient, post: dict[str, Any]) -> dict[str, Any]:
        answer = await client.get(f"/v1/posts/{post['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def until(
        self, client: httpx.AsyncClient, post: dict[str, Any], *statuses: str, within: float = 60.0
    ) -> dict[str, Any]:
        """The post once it has one of these statuses."""
        seen: dict[str, Any] = {}

        async def there() -> bool:
            seen.update(await self.shown(client, post))
            return seen["status"] in statuses

        try:
            await eventually(there, within=within)
        except TimeoutError as error:
            raise AssertionError(f"it stays {seen}") from error
        return seen

    async def grant(self, organization_id: UUID, *, version: int = 1, **limits: int | None) -> None:
        """Billing says what an organization may use; twice, as may happen, and once more as another message."""
        event = EntitlementsChanged(
            organization_id=organization_id, time=self.now(), version=version, plan="pro", limits=limits
        )
        subscription = next(each for each in worker.SUBSCRIPTIONS if each.event is EntitlementsChanged)
        for generation in (0, 0, 1):
            delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
            await Applier(self.database, event.type, event.type, subscription).apply([delivery])

    async def told_of(self, organization_id: UUID) -> list[Event]:
        """The facts that leave about this organization, but for lines of the audit trail."""
        return [event for event in await self._left(organization_id) if not isinstance(event, AuditEntry)]

    async def audited(self, organization_id: UUID) -> list[AuditEntry]:
        """The lines of the audit trail that leave about this organization."""
        return [event for event in await self._left(organization_id) if isinstance(event, AuditEntry)]

    async def _left(self, organization_id: UUID) -> list[Event]:
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", organization_id)
        return [decode(row["body"]) for row in rows]

    async def told_by_the_platform(self) -> list[Event]:
        """The facts that leave about no organization, and what is told on its behalf."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE type LIKE 'publisher.e%' ORDER BY id")
        return [decode(row["body"]) for row in rows]


def settings(place: TestDatabase, sandbox: Sandbox, **changed: Any) -> PublisherSettings:
    wanted: dict[str, Any] = {
        "http_port": 1,
        "jwks_url": "http://127.0.0.1:1/jwks.json",
        "database_url": place.url("publisher"),
        "public_url": PUBLIC,
        "console_url": "http://console.test/accounts",
        "linkedin_client_id": "sandbox-client",
        "linkedin_client_secret": "sandbox-secret",
        "linkedin_api_url": f"{sandbox.url}/linkedin/api",
        "linkedin_oauth_url": f"{sandbox.url}/linkedin/www",
        **_of_meta(sandbox),
    }
    return PublisherSettings(**(wanted | changed))


def _of_meta(sandbox: Sandbox) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "facebook_verify_token": "sandbox-verify-token",
        "facebook_upload_url": f"{sandbox.url}/facebook/rupload",
    }
    for name in ("facebook", "instagram", "threads"):
        wanted[f"{name}_client_id"] = "sandbox-client"
        wanted[f"{name}_client_secret"] = "sandbox-secret"
        wanted[f"{name}_graph_url"] = f"{sandbox.url}/{name}/graph"
        wanted[f"{name}_consent_url"] = f"{sandbox.url}/{name}/www"
    return wanted
