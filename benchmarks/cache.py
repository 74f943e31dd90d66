"""How many reads the gateway answers without asking a service, on the reads of a single-page application.

A real gateway process with real Redis and RabbitMQ stands before one stand-in for the services (a process of its own,
which counts what it is asked). In a dozen organizations twenty people each (an owner, two administrators, seventeen
agents) look at something every two seconds on the average:

- 40 %: another conversation: its messages; one of thirty, the first ones far more often than the last
- 25 %: the inbox: conversations, channels, and the messages of a conversation
- 15 %: the list of conversations again
- 10 %: the page anew: the organization, channels, conversations
- 3 %: the team: the organization and its members
- 7 %: what is not kept: posts and connected accounts, or the plan

In each organization somebody answers a contact every half minute (a POST; then the events that the conversation has
changed and that the message was sent, delivered and read), and a contact writes every half minute (an event alone).
The pace is that of the clock, so some answers end by age, too. The first seconds, in which nothing is kept yet, do
not count; then it is measured in three stretches. The first row counts reads of kept rows, the second all reads, also
those that are not kept. Both fall where less is read between two changes: in teams of eight a third of the reads ask.

Then what a kept read costs the gateway beside the same read with `no-store`, which passes to the service: about as
much, for the question to Redis costs what the exchange with a quick service does. It is the services that are spared.
"""

import asyncio
import os
import random
import secrets
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from joserfc import jwt
from joserfc.jwk import OKPKey
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from benchmarks import harness, peers
from benchmarks.harness import Result, Size, cpu_seconds, pinned
from contracts import Event, encode, new_id
from contracts.inbox import ConversationChanged, MessageReceived, MessageSent, MessageStatusChanged
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.plugin import BROKER_URL, REDIS_URL
from kit.testing.ports import free_port

ORGANIZATIONS: Final = 12
ROLES: Final = ("owner", "admin", "admin", *("agent",) * 17)
CONVERSATIONS: Final = 30
LOOKS_EVERY, CHANGES_EVERY = 2.0, 30.0
WARM_UP, STRETCH, STRETCHES = 10.0, 5.0, 3
ISSUER, AUDIENCE = "https://rostrum.local", "rostrum-api"
ROW: Final = orjson.dumps(
    {"items": [{"id": str(UUID(int=n)), "text": "Is it still available? " * 5} for n in range(20)]}
)


async def services(port: int, jwk: dict[str, Any]) -> None:
    """Answers everything as quickly as can be, and says what it was asked."""
    asked = {"reads": 0}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            method, target, _ = head.split(b" ", 2)
            if method == b"POST":
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
            body = ROW
            if target == b"/.well-known/jwks.json":
                body = orjson.dumps({"keys": [jwk]})
            elif target == b"/internal/revocations":
                body = orjson.dumps({"now": datetime.now(UTC), "revocations": []})
            elif target == b"/asked":
                body = orjson.dumps(asked)
            else:
                asked["reads"] += method == b"GET"
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(body), body)
            )

    server = await asyncio.start_server(handle, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


@dataclass(slots=True)
class World:
    """A gateway before its services, and the broker."""

    gateway: Process
    port: int
    admin: int
    services: int
    key: OKPKey
    topology: Topology
    channel: Any

    def token(self, organization: UUID, role: str) -> str:
        """An access token of a new person."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(uuid4()), "sid": str(uuid4()), "epoch": 1, "iat": now}
        claims |= {"nbf": now, "exp": now + 600, "jti": str(uuid4()), "org": str(organization), "role": role}
        return jwt.encode({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"}, claims, self.key, algorithms=["EdDSA"])

    async def say(self, *events: Event) -> None:
        """Publish, as the relay does."""
        raw = await self.channel.get_underlay_channel()
        for event in events:
            await raw.basic_publish(encode(event), exchange=self.topology.events, routing_key=event.type)

    async def asked(self) -> int:
        """How many reads the services were asked for so far."""
        return int(orjson.loads(await fetched(self.services, "/asked"))["reads"])

    async def figures(self) -> tuple[float, float]:
        """Hits and misses of the gateway so far."""
        text = (await fetched(self.admin, "/metrics")).decode()
        found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        hits, misses = (
            sum(each.value for each in found if each.name == f"gateway_cache_{name}_total")
            for name in ("hits", "misses")
        )
        return hits, misses


async def fetched(port: int, path: str) -> bytes:
    """The body of one answer."""
    browser = Browser(port)
    try:
        return await browser.ask("GET", path)
    finally:
        browser.close()


class Browser:
    """One keep-alive connection."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port, self.token, self.reads = port, token, 0
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Ask, and read the whole answer."""
        if self._line is None:
            self._line = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._line
        told = f"authorization: Bearer {self.token}\r\n" if self.token else ""
        length = f"content-length: {len(body)}\r\n" if method == "POST" else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nhost: here\r\n{told}{length}\r\n".encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        self.reads += method == "GET"
        return await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))

    def close(self) -> None:
        """Leave."""
        if self._line is not None:
            self._line[1].close()


@dataclass(slots=True)
class Team:
    """One organization."""

    world: World
    id: UUID
    browsers: list[Browser]
    talks: list[UUID]

    def one_talk(self) -> UUID:
        """A conversation, the first ones far more often than the last."""
        return self.talks[min(int(random.paretovariate(1.0)) - 1, CONVERSATIONS - 1)]

    def view(self) -> list[str]:
        """What one look at something reads."""
        messages = f"/v1/conversations/{self.one_talk()}/messages"
        organization = f"/v1/organizations/{self.id}"
        views = [
            (40, [messages]),
            (25, ["/v1/conversations", "/v1/channels", messages]),
            (15, ["/v1/conversations"]),
            (10, [organization, "/v1/channels", "/v1/conversations"]),
            (3, [organization, f"{organization}/members"]),
            (4, ["/v1/posts", "/v1/connected-accounts"]),
            (3, ["/v1/billing/organization"]),
        ]
        return random.choices([paths for _, paths in views], [weight for weight, _ in views])[0]

    async def look(self, browser: Browser) -> None:
        """Look at things for ever."""
        await asyncio.sleep(random.uniform(0, LOOKS_EVERY))
        while True:
            for path in self.view():
                await browser.ask("GET", path)
            await asyncio.sleep(random.uniform(0.5, 1.5) * LOOKS_EVERY)

    async def answer(self) -> None:
        """Write to a contact every now and then; the platform says later what became of it."""
        browser = Browser(self.world.port, self.browsers[-1].token)
        while True:
            await asyncio.sleep(random.uniform(0, 2) * CHANGES_EVERY)
            talk = self.one_talk()
            await browser.ask("POST", f"/v1/conversations/{talk}/messages", b'{"text": "It is."}')
            await self.world.say(
                self._event(ConversationChanged, talk, state="open", assignee_id=None, unread_count=0)
            )
            told = {"message_id": uuid4()}
            await asyncio.sleep(0.2)
            await self.world.say(self._event(MessageSent, talk, **told, sent_at=datetime.now(UTC)))
            for status in ("delivered", "read"):
                await asyncio.sleep(random.uniform(0.2, 3))
                now = datetime.now(UTC)
                await self.world.say(self._event(MessageStatusChanged, talk, **told, status=status, changed_at=now))

    async def hear(self) -> None:
        """Contacts write."""
        while True:
            await asyncio.sleep(random.uniform(0, 2) * CHANGES_EVERY)
            more = {"message_id": uuid4(), "channel_id": uuid4(), "kind": "text", "sequence": 1}
            now = datetime.now(UTC)
            await self.world.say(
                self._event(MessageReceived, self.one_talk(), **more, provider_time=now, conversation_version=1)
            )

    def _event(self, event: type[Event], talk: UUID, /, **fields: Any) -> Event:
        told: dict[str, Any] = {"id": new_id(), "time": datetime.now(UTC), "organization_id": self.id, "version": 1}
        told |= {"conversation_id": talk, **fields}
        return event(**told)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Everything that is measured, until the block is left."""
    namespace = f"bench-cache-{secrets.token_hex(4)}"
    port, admin, behind = (free_port() for _ in range(3))
    key = OKPKey.generate_key("Ed25519")
    jwk = {**key.as_dict(private=False), "kid": "k", "use": "sig", "alg": "EdDSA"}
    async with AsyncExitStack() as closing:
        command = [
            *pinned(1),
            sys.executable,
            "-m",
            "benchmarks.cache",
            "services",
            str(behind),
            orjson.dumps(jwk).decode(),
        ]
        await _program(closing, command, dict(os.environ))
        broker, topology = Broker(BROKER_URL, name="bench"), Topology(namespace)
        closing.push_async_callback(broker.close)
        connection = await broker.connect("bench")
        closing.push_async_callback(connection.close)
        channel = connection.channel()
        await channel.initialize()
        await channel.declare_exchange(topology.events, "topic", durable=True)
        closing.push_async_callback(_forget, namespace)
        closing.push_async_callback(channel.exchange_delete, topology.events)
        closing.push_async_callback(channel.queue_delete, topology.browser_feed)
        here = f"http://127.0.0.1:{behind}"
        services = ("AUTH", "BILLING", "COMPLIANCE", "GENERATION", "INBOX", "PUBLISHER")
        given = {f"{name}_URL": here for name in services}
        given |= {"JWKS_URL": f"{here}/.well-known/jwks.json", "REDIS_URL": REDIS_URL, "BROKER_URL": BROKER_URL}
        given |= {"HTTP_PORT": str(port), "ADMIN_PORT": str(admin), "NAMESPACE": namespace, "LIMIT_SCALE": "100000"}
        environment = {**os.environ, **{f"GATEWAY_{name}": value for name, value in given.items()}}
        await harness.listening(behind)
        gateway = await _program(closing, [*pinned(0), sys.executable, "-m", "gateway"], environment)
        await harness.listening(port)
        yield World(gateway, port, admin, behind, key, topology, channel)


async def _program(closing: AsyncExitStack, command: Sequence[str], environment: dict[str, str]) -> Process:
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=DEVNULL)

    async def end() -> None:
        process.kill()
        await process.wait()

    closing.push_async_callback(end)
    return process


async def _forget(namespace: str) -> None:
    async with Redis.from_url(REDIS_URL) as redis:
        async for key in redis.scan_iter(f"{namespace}:*", count=1000):
            await redis.delete(key)


async def mix(place: World) -> list[tuple[float, float]]:
    """For each stretch the share of hits among reads of kept rows, and of all reads the share that asked nobody."""
    teams = []
    for _ in range(ORGANIZATIONS):
        organization = uuid4()
        browsers = [Browser(place.port, place.token(organization, role)) for role in ROLES]
        teams.append(Team(place, organization, browsers, [uuid4() for _ in range(CONVERSATIONS)]))
    found = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(team.look(browser)) for team in teams for browser in team.browsers]
        tasks += [group.create_task(work) for team in teams for work in (team.answer(), team.hear())]
        await asyncio.sleep(WARM_UP)
        for _ in range(STRETCHES):
            before = await _counted(place, teams)
            await asyncio.sleep(STRETCH)
            hits, misses, asked, reads = (
                after - then for after, then in zip(await _counted(place, teams), before, strict=True)
            )
            found.append((hits / (hits + misses), 1 - asked / reads))
        for task in tasks:
            task.cancel()
    return found


async def _counted(place: World, teams: Sequence[Team]) -> tuple[float, float, int, int]:
    hits, misses = await place.figures()
    return hits, misses, await place.asked(), sum(browser.reads for team in teams for browser in team.browsers)


async def cost(place: World, *, kept: bool, seconds: float) -> float:
    """Reads per second of the gateway's processor."""
    headers = ["-H", f"authorization: Bearer {place.token(UUID(int=1), 'agent')}"]
    headers += [] if kept else ["-H", "cache-control: no-store"]
    address = f"http://127.0.0.1:{place.port}/v1/channels"
    command = [*pinned(1), str(peers.wrk()), "-t1", "-c32", f"-d{seconds:.0f}s", *headers, address]
    used = cpu_seconds(place.gateway.pid)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    used = cpu_seconds(place.gateway.pid) - used
    lines = out.decode().splitlines()
    if process.returncode or any("Non-2xx" in line for line in lines):
        raise RuntimeError(out.decode())
    done = next(int(line.split()[0]) for line in lines if " requests in " in line)
    return done / used


async def measure(size: Size) -> Sequence[Result]:
    """What is spared on the mix, and what a kept read costs."""
    rounds, seconds = (3, 1.0) if size == "short" else (5, 5.0)
    async with world() as place:
        stretches = await mix(place)
        results = [
            Result(
                "hits, of reads that may be kept",
                "of all",
                [each[0] for each in stretches],
                [1.0],
                0.85,
            ),
            Result(
                "upstream requests spared",
                "of all",
                [each[1] for each in stretches],
                [1.0],
                0.80,
            ),
        ]
        name, unit = "a kept read beside one asked", "reads/CPU-s"
        try:
            pairs = [
                (await cost(place, kept=True, seconds=seconds), await cost(place, kept=False, seconds=seconds))
                for _ in range(rounds)
            ]
        except peers.Missing as missing:
            return [*results, Result(name, unit, missing=str(missing))]
    values, references = zip(*pairs, strict=True)
    return [*results, Result(name, unit, values, references)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["services"]:
        asyncio.run(services(int(sys.argv[2]), orjson.loads(sys.argv[3])))
    else:
        harness.run("cache", measure)
