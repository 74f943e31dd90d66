"""A gateway on real sockets, raw services behind it that may misbehave, and a raw client before it."""

import asyncio
import base64
import io
import shutil
import socket
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis.asyncio import Redis

from gateway.access import AccessLog
from gateway.addresses import Addresses
from gateway.api_keys import ApiKeys, Ask
from gateway.app import Gateway, Parts
from gateway.cache.cache import Cache
from gateway.cache.policy import Policy
from gateway.deadlines import Sweep
from gateway.edge import Bounds, Door, EdgeConnection
from gateway.events.connected import Connected
from gateway.events.door import EventsDoor
from gateway.events.hub import Hub
from gateway.events.presence import PresenceDoor
from gateway.events.sight import Sight
from gateway.events.streams import Kept, Streams
from gateway.fetch import NotFetched
from gateway.headers import SECURITY, Cors
from gateway.health import Health
from gateway.keys import KeyRing
from gateway.limits import Limiter
from gateway.maintenance import Maintenance
from gateway.plans import Plans
from gateway.policy import Policy as LimitPolicy
from gateway.policy import shipped
from gateway.redis_pipe import RedisPipe
from gateway.revocations import Revocations
from gateway.routes import Route, RouteTable
from gateway.seen import Seen
from gateway.stays import Most, Stays
from gateway.tokens import Verifier
from gateway.upstream import PoolBounds, Upstream
from kit.clock import Clock, SystemClock
from kit.http.tokens import staff_audience
from kit.testing.listening import Handler, listening

ISSUER, AUDIENCE = "https://rostrum.local", "rostrum-api"
STAFF = staff_audience(AUDIENCE)
WITHIN = 30.0
"""How long anything is waited for; a busy machine is slow, not wrong."""
OPEN = Route("/v1/open", "auth", public=True)
CLOSED = Route("/v1/closed", "auth")


def a_policy(**classes: Any) -> LimitPolicy:
    """The policy that is shipped, with some classes added or changed."""
    given = tomllib.loads(shipped().read_text())
    given["classes"] |= {name.replace("_", "-"): told for name, told in classes.items()}
    return LimitPolicy.model_validate(given)


UNHURRIED = a_policy(address={"per": "address", "burst": 600, "period": 36_000.0})
"""The policy that is shipped, but what an address has used comes back to it so slowly that no test sees it."""


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class Issuer:
    """Signs tokens as auth does, or wrongly on request."""

    def __init__(self, kid: str = "k1") -> None:
        self.kid = kid
        self.key = Ed25519PrivateKey.generate()
        self.asked = 0
        self.away = False

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "alg": "EdDSA", "x": b64(self.public)}

    async def jwks(self) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("auth is away")
        return orjson.dumps({"keys": [self.jwk()]})

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(uuid4()),
            "sid": str(uuid4()),
            "epoch": 1,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": str(uuid4()),
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        whole = {"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid, **(header or {})}
        whole = {name: value for name, value in whole.items() if value is not None}
        signed = b64(orjson.dumps(whole)) + "." + b64(orjson.dumps(self.claims(**claims)))
        return signed + "." + b64(self.key.sign(signed.encode()))


@dataclass
class Answer:
    """What came back over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool = True

    def __getitem__(self, name: str) -> str:
        return next(value for key, value in self.headers if key == name)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """One raw connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw[:-4].split("\r\n")
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return int(first.split(" ")[1]), pairs

    async def answer(self, *, method: str = "GET") -> Answer:
        status, headers = await self.head()
        while status == 100:
            status, headers = await self.head()
        answer = Answer(status, headers, b"")
        if method == "HEAD" or status in (204, 304):
            return answer
        try:
            if answer.get("transfer-encoding") == "chunked":
                while size := int(await self.reader.readuntil(b"\r\n"), 16):
                    answer.body += (await self.reader.readexactly(size + 2))[:-2]
                await self.reader.readexactly(2)
            else:
                answer.body = await self.reader.readexactly(int(answer["content-length"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.whole = False
        return answer

    async def closed(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), WITHIN) == b""
        except ConnectionError:
            return True


@dataclass
class House:
    """A running gateway and everything a test wants to turn."""

    port: int
    issuer: Issuer
    parts: Parts
    log: io.BytesIO
    redis: RedisPipe
    namespace: str
    keys: KeyRing
    received: list[bytes] = field(default_factory=list)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **{"limit": 2**20, **options})
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()

    async def ask(
        self, path: str = "/v1/open", *, method: str = "GET", body: bytes = b"", token: str = "", **headers: str
    ) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", "host: api.example.com"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"authorization: Bearer {token}"] if token else []
        lines += [f"content-length: {len(body)}"] if body else []
        async with self.client() as client:
            await client.send("\r\n".join([*lines, "", ""]).encode() + body)
            return await asyncio.wait_for(client.answer(method=method), WITHIN)


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """Read one whole request as a service would, by Content-Length or chunks."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = b""
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length: "):
            body = await reader.readexactly(int(line[16:]))
    return head + body


def answering(response: bytes, log: list[bytes] | None = None) -> Handler:
    """A service that gives the same answer to each request of a connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await request_of(reader)
            if log is not None:
                log.append(request)
            writer.write(response)
            await writer.drain()

    return handle


OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


def raw_service(handler: Handler) -> AbstractAsyncContextManager[int]:
    """A server made of one handler per connection."""
    return listening(handler, limit=2**20)


_HELD: list[socket.socket] = []


def closed_port() -> int:
    """A port that refuses connections and that nobody else is given; a server that is told of it can listen on it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    return int(held.getsockname()[1])


@pytest.fixture(autouse=True)
def ports() -> Iterator[None]:
    yield
    while _HELD:
        _HELD.pop().close()


async def _nobody(_question: bytes) -> bytes:
    raise NotFetched("no auth in this test")


@dataclass
class Builder:
    """Opens gateways for one test and closes them after it."""

    closing: AsyncExitStack
    redis_url: str
    namespace: str

    async def __call__(
        self,
        handler: Handler | int | None = None,
        *,
        routes: tuple[Route, ...] = (OPEN, CLOSED),
        redis_url: str = "",
        redis_within: float = WITHIN,
        bounds: Bounds | None = None,
        pool: PoolBounds | None = None,
        trusted: tuple[Any, ...] = (),
        staff_networks: tuple[Any, ...] = (),
        origins: frozenset[str] = frozenset(),
        issuer: Issuer | None = None,
        scale: float = 1.0,
        secure: bool = False,
        max_in_flight: int = 1024,
        revocations: Revocations | None = None,
        clock: Clock | None = None,
        most: Most | None = None,
        heartbeat: float = 15.0,
        events_redis_url: str = "",
        kept: Kept | None = None,
        send_buffer: int = 0,
        backlog: int = 256,
        cache_bytes: int = 2**20,
        now: Callable[[], float] = time.monotonic,
        policy: LimitPolicy | None = None,
        plans: Plans | None = None,
        seen: Seen | None = None,
        present: Ask | None = None,
        sees: Ask | None = None,
        maintenance: Maintenance | None = None,
        exchange: Ask | None = None,
        **key_bounds: Any,
    ) -> House:
        received: list[bytes] = []
        if not isinstance(handler, int):
            handler = await self.closing.enter_async_context(raw_service(handler or answering(OK, received)))
        sweep = Sweep(every=0.02)
        sweep.start()
        self.closing.callback(sweep.stop)
        upstream = Upstream("auth", f"http://127.0.0.1:{handler}", sweep, pool)
        self.closing.callback(upstream.close)
        pipe = RedisPipe(redis_url or self.redis_url, timeout=redis_within)
        await pipe.start()
        self.closing.push_async_callback(pipe.stop)
        if not redis_url:
            await until(lambda: pipe.up)
        issuer = issuer or Issuer()
        keys = KeyRing(issuer.jwks)
        revocations = Revocations() if revocations is None else revocations  # one that knows nothing yet is false
        revocations.heard()
        plans = Plans() if plans is None else plans  # one that knows nothing yet is false
        clock = clock or SystemClock()
        stays = Stays(clock, revocations, most)
        hub = await self._hub(events_redis_url or redis_url, stays, kept)
        connected = Connected(hub.passing, present or _untold)
        out = io.BytesIO()
        verifier = Verifier(keys, clock, issuer=ISSUER, audience=AUDIENCE, trusts_memory=lambda: revocations.fresh)
        api_keys = ApiKeys(
            exchange or _nobody, verifier, clock, trusts_memory=lambda: revocations.fresh, **key_bounds
        )
        keys.heed(api_keys.forget)
        parts = Parts(
            routes=RouteTable(routes),
            upstreams=dict.fromkeys(("auth", "billing", "compliance", "generation", "publisher", "inbox"), upstream),
            verifier=verifier,
            api_keys=api_keys,
            seen=seen or Seen(_untold),
            staff_verifier=Verifier(keys, clock, issuer=ISSUER, audience=STAFF, staff=True),
            limiter=Limiter(pipe, self.namespace, policy or a_policy(), plan_of=plans.of, scale=scale),
            revocations=revocations,
            addresses=Addresses(trusted),
            staff_addresses=Addresses(staff_networks) if staff_networks else None,
            cors=Cors(origins),
            log=AccessLog(out),
            health=Health({"keys": lambda: True}),
            stays=stays,
            events=EventsDoor(hub, stays, connected, heartbeat=heartbeat, backlog=backlog),
            presence=PresenceDoor(hub.passing, Sight(sees or _everyone)),
            cache=Cache(pipe, self.namespace, Policy(), most_bytes=cache_bytes, now=now),
            maintenance=maintenance or Maintenance(clock.now),
            secure=secure,
            max_in_flight=max_in_flight,
            trace_sample=0.0,
        )
        gateway = Gateway(parts)
        door = Door(sweep, gateway.serve, bounds or Bounds(), lines=SECURITY, is_proxy=parts.addresses.is_trusted)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: EdgeConnection(door), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if send_buffer:
            server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)

        async def close() -> None:
            server.close()
            for connection in list(door.connections):
                connection.abort()
            await asyncio.gather(*gateway.tasks, return_exceptions=True)

        self.closing.push_async_callback(close)
        return House(port, issuer, parts, out, pipe, self.namespace, keys, received)

    async def _hub(self, redis_url: str, stays: Stays, kept: Kept | None) -> Hub:
        pipes = [RedisPipe(redis_url or self.redis_url, timeout=WITHIN) for _ in range(2)]
        for pipe in pipes:
            await pipe.start()
            self.closing.push_async_callback(pipe.stop)
        hub = Hub(Streams(pipes[0], self.namespace, kept), pipes[1], check_every=0.1)
        tasks = [asyncio.create_task(work) for work in (hub.follow(), _repeated(hub.check, 0.1), stays.watch())]

        async def stop() -> None:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.closing.push_async_callback(stop)
        return hub


async def _untold(_told: bytes) -> bytes:
    return b""


async def _everyone(_asked: bytes) -> bytes:
    return b'{"viewers": null}'


async def until(holds: Callable[[], object]) -> None:
    """Wait for what happens in another task or process."""
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.01)


async def _repeated(work: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        await work()
        await asyncio.sleep(pause)


@pytest.fixture
async def house(redis_url: str, namespace: str) -> AsyncIterator[Builder]:
    async with AsyncExitStack() as closing:
        yield Builder(closing, redis_url, namespace)
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter(f"{namespace}:*", count=1000)]
        if keys:
            await redis.delete(*keys)


class PrivateRedis:
    """A redis-server of this test alone, to be stopped, started and flushed."""

    def __init__(self, folder: Any) -> None:
        self.folder, self.port = folder, closed_port()
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        quiet = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(program, *options, stdout=quiet, stderr=quiet)
        async with asyncio.timeout(WITHIN):
            while not await self._answers():  # noqa: ASYNC110 - what is waited for knows no event
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            async with Redis.from_url(self.url) as redis:
                return bool(await redis.ping())
        except (OSError, ConnectionError, Exception):  # noqa: BLE001 - not yet
            return False

    async def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None


@pytest.fixture
async def private_redis(tmp_path: Any) -> AsyncIterator[PrivateRedis]:
    server = PrivateRedis(tmp_path)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@pytest.fixture
def tools() -> SimpleNamespace:
    return SimpleNamespace(
        OK=OK,
        OPEN=OPEN,
        CLOSED=CLOSED,
        Issuer=Issuer,
        answering=answering,
        b64=b64,
        closed_port=closed_port,
        raw_service=raw_service,
        request_of=request_of,
    )
