"""Commands beside the run: the clock, the tests, dead letters, deleting what we made."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import aio_pika
import asyncpg
import httpx
import redis.asyncio
from rich.console import Console

from contracts.registry import EVENTS
from kit.db.provision import ForeignDatabase, drop_everything, move_clock, with_database
from kit.messaging.broker import OwnedConnection
from kit.messaging.topology import Topology
from local.backing import Finder, Servers, Unusable, remove_ours, stop_ours
from local.backing.probes import OVER_TCP, shown
from local.plan import Plan
from local.running import NAME
from local.state import CHECKOUT, SERVICES, State
from local.supervisor import Record

_FOLLOWED: Final = timedelta(seconds=1)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """`90m`, `1h30m` or `2d` as a duration.

    Raises:
        ValueError: it is none of these.
    """
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise ValueError("a duration is written like 90m, 1h30m or 2d")
    return timedelta(**{_UNITS[unit]: int(count) for count, unit in re.findall(r"(\d+)([smhdw])", text)})


async def clock(plan: Plan, *, forward: timedelta | None, reset: bool) -> datetime:
    """Move the clock of our own database if asked to, until all processes have followed; the platform's time then.

    Raises:
        ForeignDatabase: the database does not carry our mark.
        Unusable: the server does not answer.
    """
    try:
        connection = await asyncpg.connect(plan.admin_url, timeout=60)
    except OSError:
        raise Unusable(f"{shown(plan.admin_url)} does not answer: make up first.") from None
    try:
        mark = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        if mark != plan.state.mark:
            raise ForeignDatabase(f"The database {plan.state.database} was not made here.")
        if reset or forward is not None:
            await move_clock(plan.admin_url, forward.total_seconds() if forward and not reset else None)
            await _until_followed(plan, connection)
            await _let_the_world_follow(plan, await _now(connection))
        return await _now(connection)
    finally:
        await connection.close()


async def _now(connection: "asyncpg.Connection[asyncpg.Record]") -> datetime:
    now: datetime = await connection.fetchval("SELECT kit.kit_now()")
    return now


async def _until_followed(plan: Plan, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until every process that runs tells the same time, give or take a second, for at most 20 seconds."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
        for part in plan.parts():
            for _ in range(100):
                try:
                    told = (await http.get(f"{part.address}/healthz")).json().get("time")
                except (httpx.TransportError, ValueError):
                    break
                if told is None or abs(datetime.fromisoformat(told) - await _now(connection)) < _FOLLOWED:
                    break
                await asyncio.sleep(0.2)


async def _let_the_world_follow(plan: Plan, now: datetime) -> None:
    """What third parties sign from now on is dated so, or it would be refused as too old; the sandbox may be off."""
    ahead = (now - datetime.now(UTC)).total_seconds()
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        with suppress(httpx.TransportError):
            await http.put(f"{plan.url('sandbox')}/control/clock", json={"ahead_seconds": ahead})


def test(state: State, arguments: Sequence[str], console: Console) -> int:
    """Run pytest with the addresses of real servers; servers started for it are stopped after it."""
    servers = asyncio.run(Finder(state, os.environ, console.print, kinds=OVER_TCP).find())
    environment = os.environ | {
        "ROSTRUM_TEST_DATABASE_URL": servers.postgres.url,
        "ROSTRUM_TEST_REDIS_URL": servers.redis.url,
        "ROSTRUM_TEST_BROKER_URL": servers.rabbitmq.url,
    }
    # Kept, it is compiled once, and not by each worker and by each of the hundreds of processes that tests start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        command = [sys.executable, "-m", "pytest", *arguments]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 130
    finally:
        if Record(state, NAME).identity() is None:
            stop_ours(state)


def dead_letters(plan: Plan, arguments: Sequence[str]) -> int:
    """Ask every service, or pass a whole command on to the one that is named."""
    service, *command = arguments or [""]
    asked = [service] if service else list(SERVICES)
    statuses = []
    for name in asked:
        line = plan.command(name, "dead-letters", *(command or ["list"]))
        statuses.append(subprocess.run(line, env=plan.environment(name), check=False).returncode)  # noqa: S603
    return max(statuses)


async def clean_data(state: State) -> None:
    """Delete our database, roles, queues, exchanges, keys and servers, on servers that are not ours by name only.

    Raises:
        ForeignDatabase: the database of our name was not made here; nothing has been deleted then.
    """
    plan = Plan.kept(state)
    if plan is not None:
        await _delete_on_others_servers(state, plan.servers)
    remove_ours(state)
    state.remember(seeded=False, servers={})
    state.forget("addresses.json")


async def _delete_on_others_servers(state: State, servers: Servers) -> None:
    others = {name: found.url for name, found in servers.items() if found.source in {"environment", "standard"}}
    partners: list[UUID] = []
    if url := others.get("postgres"):
        partners = await _partners(with_database(url, state.database))
        passwords = dict.fromkeys(SERVICES)
        await drop_everything(url, state.database, passwords, mark=state.mark, role_prefix=state.role_prefix)
    if url := others.get("rabbitmq"):
        consumers = {service: [event.type for event in EVENTS] for service in SERVICES}
        async with await aio_pika.connect(url, timeout=60, connection_class=OwnedConnection) as connection:
            await Topology(state.namespace).delete(connection, consumers, partners)
    if url := others.get("redis"):
        await _delete_keys(url, state.namespace)


async def _partners(url: str) -> list[UUID]:
    """Whose partner queues may exist; they are named after organizations."""
    try:
        connection = await asyncpg.connect(url, timeout=60)
    except asyncpg.InvalidCatalogNameError:
        return []
    try:
        if not await connection.fetchval("SELECT to_regclass('publisher.partner_queues')"):
            return []
        rows = await connection.fetch("SELECT organization_id FROM publisher.partner_queues")
        return [row["organization_id"] for row in rows]
    finally:
        await connection.close()


async def _delete_keys(url: str, prefix: str) -> None:
    async with redis.asyncio.Redis.from_url(url) as client:
        async for key in client.scan_iter(match=f"{prefix}[:/.]*", count=1000):
            await client.unlink(key)
