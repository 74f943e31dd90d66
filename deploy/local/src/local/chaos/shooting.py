"""Carries a plan out on a running platform, and mends everything at the end."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis.asyncio

from local.chaos.outside import Sandbox
from local.chaos.plan import CLOCK, OUTSIDE, Strike
from local.private_servers import PrivatePostgres, PrivateRabbit, PrivateRedis, PrivateServer
from local.trial import Trial

Tell = Callable[[Strike], None]


@dataclass(slots=True)
class Shooter:
    """Each target is struck by one thing at a time; what comes too early waits until the former is over."""

    trial: Trial
    servers: Mapping[str, PrivateServer]
    sandbox: Sandbox
    tell: Tell
    moved: float = 0.0
    """By how many seconds the platform's clock was moved so far."""
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def shoot(self, plan: Sequence[Strike]) -> None:
        """Carry out the whole plan, from now on."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as strikes:
            for strike in plan:
                strikes.create_task(self._in_time(strike, began))

    async def mend(self) -> None:
        """Thaw, start and calm everything: from now on nothing is wrong any more."""
        for part in self.trial.plan.parts():
            self.trial.thaw(part.name)
        for server in self.servers.values():
            await asyncio.to_thread(server.thaw)
            await asyncio.to_thread(server.start)
        for member in OUTSIDE:
            await self.sandbox.behave(member)

    async def forward(self, seconds: float) -> None:
        """Move the platform's clock; every process has followed when this returns."""
        async with self._locks["postgres"]:
            self.moved += seconds  # before it happens: who notes a time meanwhile notes rather a later one
            await self.sandbox.at(self.moved)
            await asyncio.to_thread(self.trial.forward, seconds=seconds)

    async def _in_time(self, strike: Strike, began: float) -> None:
        await asyncio.sleep(began + strike.at - asyncio.get_running_loop().time())
        if strike.target == CLOCK:
            self.tell(strike)
            await self.forward(float(re.findall(r"\d+", strike.what)[0]))
            return
        async with self._locks[strike.target]:
            self.tell(strike)
            await self._strike(strike)

    async def _strike(self, strike: Strike) -> None:
        if strike.target in OUTSIDE:
            await self.sandbox.misbehave(strike)
            await asyncio.sleep(strike.lasts)
            await self.sandbox.behave(strike.target)
        elif strike.target in self.servers:
            await self._strike_server(self.servers[strike.target], strike)
        elif strike.what == "frozen":
            self.trial.freeze(strike.target)
            await asyncio.sleep(strike.lasts)
            self.trial.thaw(strike.target)
        else:
            self.trial.kill(strike.target)

    async def _strike_server(self, server: PrivateServer, strike: Strike) -> None:
        if strike.what == "flushed":
            async with redis.asyncio.Redis.from_url(server.url) as client:
                await client.flushall()
                await client.script_flush()
            return
        begin, end = {
            "killed": (server.kill, server.start),
            "stopped": (server.stop, server.start),
            "frozen": (server.freeze, server.thaw),
        }[strike.what]
        await asyncio.to_thread(begin)
        await asyncio.sleep(strike.lasts)
        await asyncio.to_thread(end)


def private_servers(folder: Path) -> Mapping[str, PrivateServer]:
    """Servers of this run alone; none is started yet."""
    return {kind.name: kind(folder) for kind in (PrivatePostgres, PrivateRabbit, PrivateRedis)}
