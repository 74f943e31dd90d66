"""A service killed around the commit of a request: nothing happened or all of it did; a retry makes it once."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from auth import migrations
from auth.bootstrap import SERVICE
from auth.tokens.mints import Mints
from contracts.auth import UserRegistered
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.seal import Sealer
from kit.testing.databases import Databases, TestDatabase
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually
from kit.testing.proxy import Proxy, proxied

# Auth is not ready before the queues of those who hear it exist.
CONSUMERS = SERVICE.heard_by() | {"listener": [UserRegistered.type]}
PERSON = {"email": "grace@example.com", "password": "a long sentence nobody has written before"}


@dataclass
class World:
    place: TestDatabase
    topology: Topology
    broker: Broker
    postgres: Proxy
    auth: Program
    direct: str
    sealing_key: str
    ids: set[str | None] = field(default_factory=set)

    async def people(self) -> int:
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            count: int = await connection.fetchval("SELECT count(*) FROM auth.users")
        finally:
            await connection.close()
        return count

    async def told(self) -> set[str | None]:
        """The ids of the messages that an independent consumer has got so far."""
        connection = await self.broker.connect("listener")
        try:
            channel = await connection.channel()
            queue = await channel.get_queue(self.topology.queue("listener", UserRegistered.type))
            while message := await queue.get(fail=False, no_ack=True):
                self.ids.add(message.message_id)
            return self.ids
        finally:
            await connection.close()

    async def call(self, path: str, body: dict[str, str]) -> int:
        async with httpx.AsyncClient(trust_env=False, timeout=90) as http:
            answer = await http.post(f"http://127.0.0.1:{self.auth.port}{path}", json=body)
        return answer.status_code

    async def link(self) -> str:
        """The token of the link in the mail, which no server is there to take."""
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            challenge_id = await connection.fetchval("SELECT id FROM auth.challenges")
        finally:
            await connection.close()
        return Mints.under(Sealer.from_text(self.sealing_key)).challenge.make(challenge_id)

    async def verify(self, token: str) -> int:
        return await self.call("/v1/accounts/verify", {"token": token, "password": PERSON["password"]})


@pytest.fixture
async def world(databases: Databases, namespace: str, broker_url: str, tmp_path: Path) -> AsyncIterator[World]:
    place = await databases.clone({"auth": migrations})
    topology, broker = Topology(namespace), Broker(broker_url, name="test")
    connection = await broker.connect("test")
    await topology.declare(connection, CONSUMERS)
    url = urlsplit(place.url("auth"))
    async with proxied(url.hostname or "", url.port or 5432) as postgres:
        port = free_port()
        via = place.url("auth").replace(url.netloc.rpartition("@")[2], f"127.0.0.1:{postgres.listening_on}")
        sealing_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        environment = {
            "AUTH_HTTP_PORT": str(port),
            "AUTH_DATABASE_URL": via,
            "AUTH_DATABASE_DIRECT_URL": place.url("auth"),
            "AUTH_ROLE_PREFIX": place.role_prefix,
            "AUTH_BROKER_URL": broker_url,
            "AUTH_NAMESPACE": namespace,
            "AUTH_JWKS_URL": f"http://127.0.0.1:{port}/.well-known/jwks.json",
            "AUTH_SEALING_KEY": sealing_key,
            "AUTH_SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
            "AUTH_MAIL_FROM": "no-reply@example.com",
            "AUTH_PUBLIC_URL": "http://127.0.0.1:1",
        }
        auth = Program(("auth", "all"), environment, tmp_path / "auth.log", port)
        try:
            yield World(place, topology, broker, postgres, auth, place.url("auth"), sealing_key)
        finally:
            await auth.kill()
            await topology.delete(connection, CONSUMERS)
            await connection.close()
            await broker.close()


@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("step", "people_after"), [("to_server", 0), ("to_client", 1)])
async def test_a_request_killed_around_its_commit_happened_wholly_or_not_at_all(
    world: World, step: str, people_after: int
) -> None:
    await world.auth.start()
    assert await world.call("/v1/accounts", PERSON) == 202
    token = await world.link()
    hold = world.postgres.hold(
        "to_server" if step == "to_server" else "to_client", b"COMMIT", after_seeing=b"INSERT INTO identities"
    )
    request = asyncio.create_task(world.verify(token))
    async with asyncio.timeout(60):
        await hold.reached.wait()
    await world.auth.kill()
    world.postgres.cut()
    with pytest.raises(httpx.TransportError):
        await request

    await world.auth.start(AUTH_DATABASE_URL=world.direct)
    assert await world.people() == people_after
    assert await world.verify(token) == (410 if people_after else 200)

    async def told_once() -> bool:
        return len(await world.told()) == 1

    await eventually(told_once)
    assert await world.people() == 1
    assert await world.auth.stop() == 0
    assert len(await world.told()) == 1
