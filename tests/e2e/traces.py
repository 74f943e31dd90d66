"""Looks for words in everything that the platform keeps: tables, queues, history, Redis, files and logs."""

import asyncio
import base64
import io
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import aio_pika
import asyncpg
import redis.asyncio as redis
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from contracts.consumers import CONSUMERS
from kit.messaging.broker import OwnedConnection
from kit.messaging.topology import RETRY_DELAYS, Topology
from local.trial import Trial


@dataclass
class Traces:
    """What was found where; a word counts in any of the forms in which programs write bytes."""

    trial: Trial
    words: Iterable[str]
    organizations: Iterable[str] = ()
    found: set[tuple[str, str]] = field(default_factory=set)
    looked_at: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        forms: dict[bytes, str] = {}
        for word in self.words:
            forms |= dict.fromkeys(_forms(word), word)
        self._forms = forms
        self._pattern = re.compile(b"|".join(map(re.escape, sorted(forms, key=len, reverse=True))))

    async def everywhere(self) -> set[tuple[str, str]]:
        """Where which word was found."""
        await self.tables()
        await self.broker()
        await self.redis()
        self.files()
        return self.found

    def look(self, where: str, data: bytes) -> None:
        """Note each word that stands here."""
        kind = where.partition(":")[0]
        self.looked_at[kind] = self.looked_at.get(kind, 0) + len(data)
        self.found |= {(where, self._forms[match]) for match in self._pattern.findall(data)}

    async def tables(self) -> None:
        """Every row of every table, as a dump holds it."""
        connection = await asyncpg.connect(self.trial.plan.admin_url)
        try:
            names = await connection.fetch(
                """
                SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
                WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
                """
            )
            for row in names:
                dump = io.BytesIO()
                await connection.copy_from_query(f"SELECT * FROM {row['name']}", output=dump, format="binary")
                self.look(f"table:{row['name']}", dump.getvalue())
        finally:
            await connection.close()

    async def broker(self) -> None:
        """Every queue of ours, and the whole history."""
        addresses = self.trial.addresses
        topology = Topology(addresses.namespace)
        async with await aio_pika.connect(addresses.broker, connection_class=OwnedConnection) as connection:
            for name in _queues(topology, self.organizations):
                channel = await connection.channel()
                try:
                    await self._queue(channel, name)
                except aio_pika.exceptions.ChannelNotFoundEntity:
                    continue
                finally:
                    await channel.close()
            await self._history(await connection.channel(), topology.history)

    async def _queue(self, channel: AbstractChannel, name: str) -> None:
        queue = await channel.get_queue(name)
        while message := await queue.get(no_ack=False, fail=False):  # closing the channel puts them back
            self.look(f"queue:{name}", message.body)

    async def _history(self, channel: AbstractChannel, name: str) -> None:
        """Up to a message of our own, which is the last."""
        end, over = b"the end of what is looked at", asyncio.Event()

        async def take(message: AbstractIncomingMessage) -> None:
            await message.ack()
            if message.body == end:
                over.set()
            else:
                self.look("history:stream", message.body)

        await channel.set_qos(prefetch_count=100)
        queue = await channel.get_queue(name)
        await channel.default_exchange.publish(aio_pika.Message(end), name)
        tag = await queue.consume(take, arguments={"x-stream-offset": "first"})
        async with asyncio.timeout(120):
            await over.wait()
        await queue.cancel(tag)

    async def redis(self) -> None:
        """Every key of ours and what it holds."""
        client: redis.Redis = redis.Redis.from_url(self.trial.plan.servers.redis.url)
        try:
            async for key in client.scan_iter(match=f"{self.trial.addresses.namespace}*", count=500):
                self.look("redis:" + key.decode(), key + repr(await _value(client, key)).encode())
        finally:
            await client.aclose()

    def files(self) -> None:
        """Whatever lies in the platform's folder, logs included."""
        for path in self.trial.logs.parent.rglob("*"):
            if path.is_file():
                kind = "log" if self.trial.logs in path.parents else "file"
                self.look(f"{kind}:{path.relative_to(self.trial.logs.parent)}", path.read_bytes())


def _forms(word: str) -> Iterator[bytes]:
    plain = word.encode()
    yield plain
    yield plain.hex().encode()
    yield base64.b64encode(plain).rstrip(b"=")
    yield base64.b64encode(b"x" + plain)[4:-4]
    yield base64.b64encode(b"xx" + plain)[4:-4]
    with suppress(ValueError):
        yield UUID(word).bytes


def _queues(topology: Topology, organizations: Iterable[str]) -> Iterator[str]:
    for event, consumers in CONSUMERS.items():
        yield from (topology.queue(consumer, event.type) for consumer in consumers)
    yield from map(topology.retry_queue, RETRY_DELAYS)
    yield from (topology.partner_bridge, topology.browser_feed)
    yield from (f"{topology.namespace}/partner/{organization}" for organization in organizations)


async def _value(client: "redis.Redis", key: bytes) -> object:
    read: dict[bytes | str, Callable[[bytes], Awaitable[object]]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"stream": client.xrange,
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
        b"set": client.smembers,
        b"list": lambda name: client.lrange(name, 0, -1),
    }
    reader = read.get(await client.type(key))
    return None if reader is None else await reader(key)
