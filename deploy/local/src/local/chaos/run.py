"""One run from beginning to end: servers, platform, traffic, faults, settling, accounts."""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
from rich.console import Console

from kit.messaging.topology import Topology
from local.backing import Found, Servers
from local.chaos import report
from local.chaos.accountant import Accounts
from local.chaos.books import Book
from local.chaos.buying import Buying
from local.chaos.client import Client, Desk
from local.chaos.evidence import (
    Evidence,
    gather_conversations,
    gather_facts,
    gather_history,
    gather_later_mails,
    gather_outside,
    gather_tables,
    overhear,
)
from local.chaos.hearing import Browser, Partner
from local.chaos.lanes import Lanes, fresh_tag
from local.chaos.outside import Sandbox
from local.chaos.plan import Strike, draw
from local.chaos.settling import Settling
from local.chaos.shooting import Shooter, private_servers
from local.chaos.tenant import Tenant, bring_up, unlimited
from local.private_servers import PrivateServer
from local.staff import enrolled
from local.state import State
from local.supervisor import end_leftovers
from local.trial import Trial
from local.visitor import Visitor

TENANTS: Final = 4
BROWSERS: Final = 2
_PATIENCE: Final = 10.0  # seconds after which a client asks again what was not answered
_LAST_ANSWERS: Final = 10.0  # seconds after the faults in which what was asked before may still be answered
_LAST_NEWS: Final = 60.0


def chaos(seconds: float, seed: int, *, folder: Path, result: Path, console: Console) -> bool:
    """Shoot at a platform of its own; True when nothing is lost, doubled or unexplained."""
    plan = draw(seed, seconds)
    for library in ("aio_pika", "aiormq"):  # that the broker goes away is what happens here
        logging.getLogger(library).setLevel(logging.CRITICAL)
    report.announce(console, seed, seconds, plan)
    with ExitStack() as stack:
        servers = private_servers(folder)
        _clear(folder, servers)
        for server in servers.values():
            stack.callback(server.remove)
        with ThreadPoolExecutor() as starting:
            list(starting.map(lambda server: server.start(), servers.values()))
        found = Servers(*(Found(servers[name].url, "chaos") for name in ("postgres", "redis", "rabbitmq")))
        trial = stack.enter_context(Trial(folder / "platform", found, dict(os.environ), split=True))
        outcome = asyncio.run(_Run(seconds, seed, plan, trial, servers, console).run())
    outcome.write(result)
    report.conclude(console, outcome)
    console.print(f"Written to {result}; the logs are in {trial.logs}", highlight=False, soft_wrap=True)
    return outcome.clean


def _clear(folder: Path, servers: Mapping[str, PrivateServer]) -> None:
    """End and delete what a run that was itself killed has left."""
    platform = State(folder / "platform")
    end_leftovers(platform)
    for server in servers.values():
        server.remove()
    shutil.rmtree(platform.folder, ignore_errors=True)


@dataclass(slots=True)
class _Run:
    seconds: float
    seed: int
    plan: Sequence[Strike]
    trial: Trial
    servers: Mapping[str, PrivateServer]
    console: Console
    book: Book = field(default_factory=Book)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    deaf: asyncio.Event = field(default_factory=asyncio.Event)
    began: float = 0.0

    async def run(self) -> report.Outcome:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http, AsyncExitStack() as stack:
            sandbox = Sandbox(http, self.trial.addresses.sandbox)
            await overhear(self.trial.plan.servers.rabbitmq.url, self._topology)
            shooter = Shooter(self.trial, self.servers, sandbox, self._tell)
            tenants = await self._bring_up(stack, sandbox)
            desk = await self._desk(tenants[0].owner.visitor.http, shooter)
            browsers, partners = self._listeners(tenants, shooter)
            async with asyncio.TaskGroup() as tasks:
                for listener in browsers:
                    tasks.create_task(listener.listen(self.deaf))
                for partner in partners:
                    tasks.create_task(partner.read(self.deaf))
                traffic = tasks.create_task(self._traffic(tenants, desk, sandbox, shooter))
                try:
                    settled = await self._storm(shooter, traffic)
                    evidence = await self._evidence(sandbox, tenants)
                    accounts = Accounts(self.book, evidence, self._topology, partners, browsers)
                    await self._last_news(accounts)
                finally:
                    for end in (self.stop, self.over, self.deaf):
                        end.set()
        return report.Outcome(self.seed, self.seconds, self.plan, accounts.lines(), settled)

    @property
    def _topology(self) -> Topology:
        return Topology(self.trial.addresses.namespace)

    async def _bring_up(self, stack: AsyncExitStack, sandbox: Sandbox) -> list[Tenant]:
        await sandbox.prepare(self.trial.addresses.gateway)
        self.console.print(f"{TENANTS} organizations are brought up …")
        making = []
        for number in range(TENANTS):
            http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, trust_env=False))
            tag = fresh_tag()
            visitor = Visitor(self.trial.addresses, http, f"owner.{tag}@example.com")
            self.book.asked["person"].add(visitor.email)
            making.append(bring_up(Client(visitor, self.book, self.over), sandbox, tag, number))
        tenants = list(await asyncio.gather(*making))
        for tenant in tenants:
            tenant.owner.visitor.http.timeout = httpx.Timeout(_PATIENCE)
        await unlimited(self.trial.plan, [UUID(tenant.organization) for tenant in tenants])
        return tenants

    def _listeners(self, tenants: Sequence[Tenant], shooter: Shooter) -> tuple[list[Browser], list[Partner]]:
        def now() -> float:
            return time.time() + shooter.moved

        broker = self.trial.plan.servers.rabbitmq.url
        return (
            [self._browser(each, now) for each in tenants for _ in range(BROWSERS)],
            [Partner(broker, each.partner_queue, each.organization) for each in tenants],
        )

    def _browser(self, tenant: Tenant, now: Callable[[], float]) -> Browser:
        """A browser has a session of its own, which lasts until all is over."""
        person = Client(replace(tenant.owner.visitor), self.book, self.deaf, tenant.organization)
        return Browser(person, tenant.organization, now)

    async def _desk(self, http: httpx.AsyncClient, shooter: Shooter) -> Desk:
        """A member of staff, who refunds and corrects for all tenants."""
        staff, secret = await enrolled(self.trial.plan, http, f"staff.{fresh_tag()}@example.com")
        return Desk(staff, self.book, self.over, secret=secret, now=lambda: time.time() + shooter.moved)

    async def _traffic(self, tenants: Sequence[Tenant], desk: Desk, sandbox: Sandbox, shooter: Shooter) -> None:
        def now() -> float:
            return time.time() + shooter.moved

        async with asyncio.TaskGroup() as tasks:
            for tenant in tenants:
                others = [each for each in tenants if each is not tenant]
                lanes = Lanes(tenant, others, sandbox, self.stop, now).all()
                for lane in (*lanes, *Buying(tenant, desk, sandbox, self.stop, now).all()):
                    tasks.create_task(lane())

    async def _storm(self, shooter: Shooter, traffic: "asyncio.Task[None]") -> float | None:
        """Faults while there is traffic, then none; when the platform has settled, how long that took."""
        self.began = time.monotonic()
        telling = asyncio.create_task(self._progress())
        try:
            await asyncio.gather(shooter.shoot(self.plan), asyncio.sleep(self.seconds))
        finally:
            self.stop.set()
            telling.cancel()
            await shooter.mend()
        ended = time.monotonic()
        self.console.print(f"{self._at()}  [green]all faults are over; it settles …[/]", highlight=False)
        await asyncio.wait([traffic], timeout=_LAST_ANSWERS)
        self.over.set()
        await traffic
        after = await Settling(self.trial, shooter, self.book).settle()
        return None if after is None else time.monotonic() - ended

    async def _evidence(self, sandbox: Sandbox, tenants: Sequence[Tenant]) -> Evidence:
        self.over.clear()
        evidence = Evidence()
        evidence.tables, evidence.left = await gather_tables(self.trial.plan)
        broker = self.trial.plan.servers.rabbitmq.url
        evidence.facts = await gather_facts(broker, self._topology)
        evidence.history = await gather_history(broker, self._topology, {fact.id for fact in evidence.facts})
        evidence.conversations = await gather_conversations(tenants)
        await gather_outside(evidence, sandbox, tenants)
        evidence.tables["mails"] += await gather_later_mails(self.trial.plan, evidence.tables["mails"])
        return evidence

    async def _last_news(self, accounts: Accounts) -> None:
        """Let partners and browsers hear what is on its way to them."""
        until = time.monotonic() + _LAST_NEWS
        while True:
            if accounts.everybody_has_heard() or time.monotonic() > until:
                return
            await asyncio.sleep(0.3)

    async def _progress(self) -> None:
        while True:
            await asyncio.sleep(5.0)
            counts = ", ".join(f"{kind} {len(found)}" for kind, found in self.book.accepted.items())
            self.console.print(f"{self._at()}  [dim]{counts}[/]", highlight=False)

    def _tell(self, strike: Strike) -> None:
        self.console.print(f"{self._at()}  [yellow]{strike}[/]", highlight=False)

    def _at(self) -> str:
        return f"{time.monotonic() - self.began:6.1f} s"
