"""Those who listen: browsers by server-sent events, partners at their queue. They come back whatever happens."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import httpx
from aio_pika.abc import AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from kit.messaging.broker import OwnedConnection
from local.chaos.client import Client

_TROUBLE = (AMQPError, ChannelInvalidStateError, OSError, RuntimeError, TimeoutError)
_SILENCE = 30.0  # seconds after which a browser's connection counts as dead; the gateway says something more often


@dataclass(slots=True)
class Browser:
    """A page that listens and resumes; it notes what it was told and when it was told to load anew."""

    client: Client
    organization: str
    now: Callable[[], float]
    heard: list[str] = field(default_factory=list)
    """Ids of events since the last reset, in the order in which they came."""
    earlier: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    since: float | None = None
    loaded: float = 0.0
    """When it was last told to load anew: whatever happened before it has seen by that."""
    resets: int = 0
    connections: int = 0
    _place: str = ""

    @property
    def told(self) -> set[str]:
        """Every event it was ever told."""
        return self.earlier | set(self.heard)

    async def listen(self, stop: asyncio.Event) -> None:
        """Listen until `stop`, connecting again with the last place."""
        listening = asyncio.create_task(self._again_and_again(stop))
        try:
            await stop.wait()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _again_and_again(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            token = self.client.visitor.access_token
            with suppress(httpx.TransportError, TimeoutError):
                if not await self._once(token):
                    await self.client.sign_in(instead_of=token)
            await asyncio.sleep(0.3)

    async def _once(self, token: str) -> bool:
        """One connection; False when the token is no longer good."""
        visitor = self.client.visitor
        headers = {"authorization": f"Bearer {token}"} | ({"last-event-id": self._place} if self._place else {})
        url = f"{visitor.addresses.gateway}/v1/events"
        timeout = httpx.Timeout(5.0, read=_SILENCE)
        async with visitor.http.stream("GET", url, headers=headers, timeout=timeout) as answer:
            if answer.status_code != httpx.codes.OK:
                return answer.status_code != httpx.codes.UNAUTHORIZED
            self.connections += 1
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
                    continue
                if "data" in fields and not self._take(fields):
                    return False
                fields = {}
        return True

    def _take(self, fields: dict[str, str]) -> bool:
        self._place = fields.get("id") or self._place
        kind = fields.get("event", "fact")
        if kind == "fact":
            self._hear(json.loads(fields["data"]))
        elif kind == "reset":
            self.resets += 1
            self.loaded = self.now()
            self.earlier |= set(self.heard)
            self.heard.clear()
        elif kind == "ready" and self.since is None:
            self.since = self.now()
        return kind != "expired"

    def _hear(self, fact: dict[str, Any]) -> None:
        if fact["id"] in self.heard:
            self.twice.append(fact["id"])
        if fact.get("organization", self.organization) != self.organization:
            self.foreign.append(fact["id"])
        self.heard.append(fact["id"])


@dataclass(slots=True)
class Partner:
    """An integration that reads its organization's queue; it acknowledges what it has noted, so it may get twins."""

    broker: str
    queue: str
    organization: str
    heard: set[str] = field(default_factory=set)
    twins: int = 0
    foreign: list[str] = field(default_factory=list)

    async def read(self, stop: asyncio.Event) -> None:
        """Read until `stop`, connecting again after every loss."""
        while not stop.is_set():
            with suppress(*_TROUBLE):
                connection = await aio_pika.connect(self.broker, timeout=5, connection_class=OwnedConnection)
                try:
                    channel = await connection.channel()
                    await self._drain(await channel.get_queue(self.queue, ensure=False), stop)
                finally:
                    with suppress(*_TROUBLE):
                        await asyncio.wait_for(connection.close(), 3)
            await asyncio.sleep(0.3)

    async def _drain(self, queue: AbstractQueue, stop: asyncio.Event) -> None:
        while not stop.is_set():
            message = await queue.get(fail=False, timeout=5)
            if message is None:
                await asyncio.sleep(0.2)
                continue
            event = json.loads(message.body)
            self.twins += event["id"] in self.heard
            self.heard.add(event["id"])
            if event.get("organization") != self.organization:
                self.foreign.append(event["id"])
            await asyncio.wait_for(message.ack(), 5)
