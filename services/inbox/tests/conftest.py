import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from inbox import migrations
from inbox.api import ROUTERS
from inbox.bootstrap import Meta, build, endpoint_parts, mounts
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.http.transport import PyreqwestTransport
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .house import SECRET, VERIFY, House

MASTER = "A" * 43


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The outside world as a program of its own, shared by the tests of one worker."""
    told = {"SANDBOX_HTTP_PORT": "0", "SANDBOX_SMTP_PORT": "0"}
    log = tmp_path_factory.mktemp("sandbox") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox"], env={**os.environ, **told}, stdout=output, stderr=output
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait(60)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Where it listens, which is the first that it says."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        first, whole, _ = log.read_bytes().partition(b"\n")
        if whole:
            return str(orjson.loads(first)["http"])
        time.sleep(0.05)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=60) as client:
        answer = await client.post("/control/reset")
        assert answer.status_code < 300, answer.text
        yield client


@pytest.fixture
async def house(
    databases: Databases, sandbox: httpx.AsyncClient, sandbox_url: str, tmp_path: Path
) -> AsyncIterator[House]:
    place = await databases.clone({"inbox": migrations})
    database = await Database.open(place.url("inbox"), name="inbox test", pool_size=12, acquire_within=20)
    outbound, issuer = Outbound(transport=PyreqwestTransport(connect=30.0, read=30.0)), Issuer()
    try:
        keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
        meta = Meta(f"{sandbox_url}/whatsapp/graph", "v23.0", SECRET, VERIFY)
        parts = build(database, keyring, outbound, meta, tmp_path / "media")
        app = create_app(
            service="inbox",
            title="Inbox",
            routers=ROUTERS,
            parts=endpoint_parts(parts),
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
            mounts=mounts(parts),
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inbox.test", timeout=60) as client:
            yield House(place, database, parts, client, sandbox, issuer)
    finally:
        await outbound.close()
        await database.close()
        await asyncio.sleep(0)
