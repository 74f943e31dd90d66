import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from inbox import migrations
from inbox.api import LARGE_BODIES, ROUTERS
from inbox.bootstrap import build, endpoint_parts, mounts
from inbox.outside import Meta, Pages, TelnyxAccount
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.http.transport import PyreqwestTransport
from kit.mail import SmtpServer
from kit.seal import Keyring, LocalMasterKey
from kit.seal.sealer import Sealer
from kit.testing.databases import Databases, TestDatabase
from kit.testing.outside import Sandbox, running_sandbox
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .house import SECRET, TELNYX_PUBLIC_KEY, VERIFY, House

MASTER = "A" * 43
PAGES = "https://api.rostrum.test"
LINKS = "https://go.rostrum.test"


@pytest.fixture(scope="session")
def outside() -> Iterator[Sandbox]:
    """The outside world as a program of its own, shared by the tests of one worker."""
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox_url(outside: Sandbox) -> str:
    return outside.url


@pytest.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=60, verify=False) as client:
        answer = await client.post("/control/reset")
        assert answer.status_code < 300, answer.text
        yield client


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"inbox": migrations})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("inbox"), name="inbox test", pool_size=8, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()
        await asyncio.sleep(0)


@pytest.fixture
async def house(
    place: TestDatabase, database: Database, sandbox: httpx.AsyncClient, outside: Sandbox, tmp_path: Path
) -> AsyncIterator[House]:
    sandbox_url = outside.url
    outbound, issuer = Outbound(transport=PyreqwestTransport(connect=30.0, read=30.0)), Issuer()
    try:
        keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
        meta = Meta(f"{sandbox_url}/whatsapp/graph", "v23.0", SECRET, VERIFY, f"{sandbox_url}/messenger/graph")
        telnyx = TelnyxAccount(f"{sandbox_url}/telnyx/v2", TELNYX_PUBLIC_KEY, MASTER)
        clients = {"gateway": Sealer.from_text(MASTER)}
        server = SmtpServer.at(f"smtp://{outside.smtp}")
        pages = Pages(PAGES, server, "Rostrum <no-reply@rostrum.local>", MASTER, link_url=LINKS)
        folder = tmp_path / "media"
        parts = build(database, keyring, outbound, meta, folder, telnyx=telnyx, pages=pages, clients=clients)
        app = create_app(
            service="inbox",
            title="Inbox",
            routers=ROUTERS,
            parts=endpoint_parts(parts),
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
            mounts=mounts(parts),
            large_bodies=LARGE_BODIES,
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inbox.test", timeout=60) as client:
            yield House(place, database, parts, client, sandbox, issuer)
    finally:
        await outbound.close()
        await asyncio.sleep(0)
