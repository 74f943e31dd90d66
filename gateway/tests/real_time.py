"""What the tests of real time share: facts published through the broker, a reader of event streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from contracts import Event, encode, new_id
from contracts.auth import InvitationCreated, OrganizationRenamed
from contracts.inbox import BroadcastProgressed, MessageSent
from gateway.cache.generations import Invalidation
from gateway.cache.policy import Policy
from gateway.events.feeder import Feeder
from gateway.events.streams import Streams
from gateway.redis_pipe import RedisPipe
from gateway.routes import Route
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.process import cancelled

from .conftest import WITHIN, Client, until

GET = frozenset({"GET"})
ROUTES = (
    Route("/v1/events", "gateway", methods=GET, rates=("real-time",), body_limit=0),
    Route("/v1/events/ws", "gateway", methods=GET, rates=("real-time",), body_limit=0, websocket=True),
    Route("/v1/open", "auth", public=True),
    Route("/v1/closed", "auth"),
    Route("/v1/line", "auth", websocket=True),
)


def renamed(organization: UUID, version: int = 1, **changes: Any) -> OrganizationRenamed:
    fact = OrganizationRenamed(id=new_id(), time=datetime.now(UTC), organization_id=organization, version=version)
    return fact.model_copy(update=changes)


def invited(organization: UUID) -> InvitationCreated:
    return InvitationCreated(
        id=new_id(), time=datetime.now(UTC), organization_id=organization, invitation_id=uuid4(), role="editor"
    )


def sent(organization: UUID, seen_by: list[UUID]) -> MessageSent:
    now, some = datetime.now(UTC), uuid4()
    return MessageSent(
        id=new_id(),
        time=now,
        organization_id=organization,
        message_id=some,
        conversation_id=some,
        sent_at=now,
        seen_by=seen_by,
    )


def progressed(organization: UUID, broadcast: UUID, version: int, sent: int, of: int) -> BroadcastProgressed:
    return BroadcastProgressed(
        id=new_id(),
        time=datetime.now(UTC),
        organization_id=organization,
        version=version,
        broadcast_id=broadcast,
        total=of,
        waiting=of - sent,
        unknown=0,
        sent=sent,
        delivered=0,
        read=0,
        failed=0,
        skipped=0,
    )


@dataclass
class Platform:
    """The broker of one test with the gateway's feed on it."""

    broker: Broker
    topology: Topology
    channel: Any
    broker_url: str
    redis_url: str

    async def say(self, *events: Event | bytes, kind: str = OrganizationRenamed.type) -> None:
        """Publish as the relay does."""
        raw = await self.channel.get_underlay_channel()
        for event in events:
            key = kind if isinstance(event, bytes) else event.type
            body = event if isinstance(event, bytes) else encode(event)
            await raw.basic_publish(body, exchange=self.topology.events, routing_key=key)

    @asynccontextmanager
    async def feeding(self, redis_url: str = "", idle: float = 4.0, holds: float = 15.0) -> AsyncIterator[Feeder]:
        """A gateway's feed, while the block lasts."""
        pipe = RedisPipe(redis_url or self.redis_url, timeout=WITHIN)
        await pipe.start()
        broker = Broker(self.broker_url, name="feed")
        namespace = self.topology.namespace
        ending = Invalidation(pipe, namespace, Policy(), holds=holds)
        feeder = Feeder(broker, self.topology, Streams(pipe, namespace), ending, idle=idle)
        task = asyncio.create_task(feeder.run())
        try:
            await until(lambda: feeder.feeding)
            yield feeder
        finally:
            await cancelled(task)
            await broker.close()
            await pipe.stop()


@asynccontextmanager
async def platform(broker_url: str, redis_url: str, namespace: str) -> AsyncIterator[Platform]:
    topology, broker = Topology(namespace), Broker(broker_url, name="test")
    connection = await broker.connect("test")
    channel = connection.channel()
    await channel.initialize()
    await channel.declare_exchange(topology.events, "topic", durable=True)
    try:
        yield Platform(broker, topology, channel, broker_url, redis_url)
    finally:
        await channel.queue_delete(topology.browser_feed)
        await channel.exchange_delete(topology.events)
        await connection.close()
        await broker.close()


@dataclass
class Told:
    """One server-sent event."""

    kind: str
    id: str
    data: Any

    @property
    def version(self) -> int:
        return int(self.data["version"])


class Stream:
    """A browser that reads `text/event-stream`."""

    def __init__(self, client: Any, organization: UUID) -> None:
        self.client, self.organization = client, organization
        self.last_id = ""
        self.status = 0
        self.headers: dict[str, str] = {}
        self._text = b""

    async def open(self, token: str, *, after: str = "", query: str = "") -> None:
        lines = [f"GET /v1/events{query} HTTP/1.1", "host: api.example.com", f"authorization: Bearer {token}"]
        lines += [f"last-event-id: {after}"] if after else []
        await self.client.send("\r\n".join([*lines, "", ""]).encode())
        self.status, headers = await asyncio.wait_for(self.client.head(), WITHIN)
        self.headers = dict(headers)

    async def _chunk(self) -> bool:
        size = int(await self.client.reader.readuntil(b"\r\n"), 16)
        self._text += (await self.client.reader.readexactly(size + 2))[:-2]
        return size > 0

    async def block(self) -> bytes:
        """The next block of the stream, a comment included; empty at its end."""
        while b"\n\n" not in self._text:
            if not await asyncio.wait_for(self._chunk(), WITHIN):
                return b""
        found, _, self._text = self._text.partition(b"\n\n")
        return found

    async def next(self, *, passing: bool = False) -> Told | None:
        """The next event, passing news left out or not; None at the end of the stream."""
        async with asyncio.timeout(WITHIN):
            while (told := await self._event()) is not None:
                if passing or told.kind != "passing":
                    return told
            return None

    async def _event(self) -> Told | None:
        while block := await self.block():
            fields = dict(line.partition(": ")[::2] for line in block.decode().split("\n"))
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                return Told(fields.get("event", "fact"), self.last_id, orjson.loads(fields["data"]))
        return None

    async def some(self, count: int) -> list[Told]:
        """That many events."""
        told = [await self.next() for _ in range(count)]
        assert None not in told
        return [event for event in told if event is not None]


@dataclass
class Door:
    """As much of a gateway in another process as a browser needs."""

    port: int
    issuer: Any

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


@asynccontextmanager
async def listening(door: Any, organization: UUID, *, role: str = "editor", **options: Any) -> AsyncIterator[Stream]:
    """A browser of an organization's member on `/v1/events`."""
    after, query = options.pop("after", ""), options.pop("query", "")
    connection = options.pop("connection", {})
    token = options.pop("token", "") or door.issuer.token(org=str(organization), role=role, **options)
    async with door.client(**connection) as client:
        stream = Stream(client, organization)
        await stream.open(token, after=after, query=query)
        yield stream
