"""The inbox as processes on servers that may be shot at, the outside world beside it, and somebody at its doors."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import orjson
import redis.asyncio

from benchmarks import harness
from benchmarks.broadcast_chaos.receiver import SECRET
from benchmarks.crew import Crew
from contracts.event import Event, encode
from inbox import migrations
from inbox.bootstrap import SERVICE
from kit.db.provision import move_clock
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from kit.testing.databases import Databases, TestDatabase
from kit.testing.listening import listening
from kit.testing.ports import free_port
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer
from local.private_servers import PrivateRabbit, PrivateRedis

MASTER: Final = "A" * 43
POOL: Final = 3
"""Connections of each process: a few, so that a crowded server has room for all."""

_GOOD_FOR: Final = timedelta(minutes=10)
_BUSY: Final = frozenset({429, 502, 503, 504})
_ROOT: Final = Path(__file__).parents[2]


@dataclass(slots=True)
class Setting:
    """Everything there is; `ahead` is how far the platform's clock was moved."""

    place: TestDatabase
    rabbit: PrivateRabbit
    redis: PrivateRedis
    api: Crew
    workers: Crew
    client: httpx.AsyncClient
    receiver: str
    issuer: Issuer
    topology: Topology
    organization_id: UUID = field(default_factory=new_id)
    ahead: timedelta = timedelta()

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask at a door until it has time; the answer's document.

        Raises:
            RuntimeError: the request is refused.
        """
        while True:
            headers = {**self.authorization(), **more.get("headers", {})}
            try:
                answer = await self.client.request(method, path, **{**more, "headers": headers})
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code < 300:
                return answer.json() if answer.content else None
            if answer.status_code not in _BUSY:
                raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
            await asyncio.sleep(0.2)

    def authorization(self) -> dict[str, str]:
        """Of an owner, good on both sides of a jump of the clock."""
        until = int((datetime.now(UTC) + self.ahead + _GOOD_FOR).timestamp())
        token = self.issuer.token(datetime.now(UTC), self.organization_id, exp=until)
        return {"authorization": f"Bearer {token}"}

    async def listed(self, path: str) -> list[dict[str, Any]]:
        """Everything on all pages of a list."""
        found: list[dict[str, Any]] = []
        page = await self.ask("GET", f"{path}?limit=100")
        while page["next_cursor"] is not None:
            found += page["items"]
            page = await self.ask("GET", f"{path}?limit=100&cursor={page['next_cursor']}")
        return found + list(page["items"])

    async def record(self) -> dict[str, Any]:
        """What the outside world has seen and told."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.receiver.rpartition(":")[2], limit=2**28)
        writer.write(b"GET /record HTTP/1.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(size)
        writer.close()
        await writer.wait_closed()
        found: dict[str, Any] = orjson.loads(body)
        return found

    async def count(self, sql: str) -> int:
        """A number out of the inbox's tables."""
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            await connection.execute("SET search_path = inbox, kit")
            found: int = await connection.fetchval(sql)
            return found
        finally:
            await connection.close()

    async def forward(self, seconds: float) -> None:
        """Let the platform's clock jump."""
        await move_clock(self.place.admin_url, seconds)
        self.ahead += timedelta(seconds=seconds)

    async def tell(self, event: Event) -> None:
        """Let another service's fact come over the broker."""
        broker = Broker(self.rabbit.url, name="chaos")
        try:
            await broker.publish(
                [Message(self.topology.events, event.type, encode(event), str(event.id), event.type)]
            )
        finally:
            await broker.close()

    async def flush(self) -> None:
        """Redis forgets everything."""
        async with redis.asyncio.Redis.from_url(self.redis.url) as client:
            await client.flushall()
            await client.script_flush()

    async def restart_broker(self, away: float) -> None:
        """The broker dies and is back after so many seconds."""
        await asyncio.to_thread(self.rabbit.kill)
        await asyncio.sleep(away)
        await asyncio.to_thread(self.rabbit.start)


@asynccontextmanager
async def opened(databases: Databases, folder: Path, workers: int) -> AsyncIterator[Setting]:
    """All of it on a fresh database; broker and Redis are private, for they are shot at."""
    async with AsyncExitStack() as stack:
        place = await databases.clone({"inbox": migrations})
        rabbit, private_redis = PrivateRabbit(folder), PrivateRedis(folder)
        for server in (rabbit, private_redis):
            await asyncio.to_thread(server.start)
            stack.push_async_callback(asyncio.to_thread, server.remove)
        issuer, topology = Issuer(), Topology("chaos")
        port, outside = free_port(), free_port()
        hook = f"http://127.0.0.1:{port}/v1/webhooks/whatsapp"
        keys = await stack.enter_async_context(_keys(issuer))
        environment = _environment(place, folder) | {
            "INBOX_BROKER_URL": rabbit.url,
            "INBOX_NAMESPACE": topology.namespace,
            "INBOX_REDIS_URL": private_redis.url,
            "INBOX_JWKS_URL": f"http://127.0.0.1:{keys}/keys",
            "INBOX_META_GRAPH_URL": f"http://127.0.0.1:{outside}",
        }
        await _declared(rabbit.url, topology)
        receiver = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.broadcast_chaos.receiver", str(outside), hook, cwd=_ROOT
        )
        stack.push_async_callback(_ended, receiver)
        api = Crew(("inbox", "api"), folder / "api.log", environment | {"INBOX_HTTP_PORT": str(port)})
        crew = Crew(("inbox", "worker"), folder / "workers.log", environment | {"INBOX_HTTP_PORT": "0"})
        for each, size in ((api, 1), (crew, workers)):
            stack.push_async_callback(each.end)
            await each.start(size)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        )
        setting = Setting(place, rabbit, private_redis, api, crew, client, f"127.0.0.1:{outside}", issuer, topology)
        await harness.listening(outside, within=60)
        await api.until(lambda: _ready(client), lambda: "the inbox does not answer", within=120)
        yield setting


def _environment(place: TestDatabase, folder: Path) -> dict[str, str]:
    told = {
        "DATABASE_URL": place.url("inbox"),
        "POOL_SIZE": str(POOL),
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_AUDIENCE": AUDIENCE,
        "ROLE_PREFIX": place.role_prefix,
        "SEALING_KEY": MASTER,
        "META_APP_SECRET": SECRET,
        "META_VERIFY_TOKEN": "chaos-verify",
        "MEDIA_FOLDER": str(folder / "media"),
        "LOG_LEVEL": "warning",
    }
    return {f"INBOX_{name}": value for name, value in told.items()}


@asynccontextmanager
async def _keys(issuer: Issuer) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = orjson.dumps(await issuer.jwks())
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with listening(serve) as port:
        yield port


async def _declared(url: str, topology: Topology) -> None:
    """The queues of all who hear the inbox, as a deployment makes them before any process starts."""
    broker = Broker(url, name="chaos")
    connection = await broker.connect("topology")
    try:
        await topology.declare(connection, SERVICE.heard_by() | SERVICE.own_consumers())
    finally:
        await connection.close()
        await broker.close()


async def _ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
