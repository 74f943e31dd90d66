"""The broker dies and Redis forgets everything while requests come in: nothing that was accepted is lost or doubled.

What may degrade: rate limits start anew when Redis is flushed; events wait while the broker is away. Nothing else.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import aio_pika
import asyncpg
import httpx
import pytest
import redis.asyncio
from aio_pika.abc import AbstractConnection

from kit.messaging.broker import OwnedConnection
from kit.messaging.liveness import NAMES_KEPT
from kit.messaging.topology import Topology, depth
from kit.testing.databases import ADMIN_URL
from kit.testing.programs import eventually
from local.backing import Found, Servers
from local.private_servers import PrivateRabbit, PrivateRedis
from local.trial import Trial
from local.visitor import Visitor, newcomer

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Shaken:
    rabbit: PrivateRabbit
    redis: PrivateRedis
    trial: Trial


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaken]:
    folder = tmp_path_factory.mktemp("private")
    with PrivateRabbit(folder) as rabbit, PrivateRedis(folder) as private_redis:
        servers = Servers(
            Found(ADMIN_URL, "environment"), Found(private_redis.url, "environment"), Found(rabbit.url, "environment")
        )
        with Trial(folder / "state", servers) as trial:
            time.sleep(NAMES_KEPT)  # workers have just made queues; the test of dead ones makes its own
            yield Shaken(rabbit, private_redis, trial)


@dataclass
class Traffic:
    """Creates organizations without pause; remembers what was accepted and what was refused."""

    visitor: Visitor
    accepted: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            key = secrets.token_hex(8)
            answer = await self._create(key)
            while answer.status_code in {429, 502, 503, 504}:
                await asyncio.sleep(0.2)
                answer = await self._create(key)
            assert answer.status_code == 201, answer.text
            self.accepted.append(answer.json()["id"])

    async def _create(self, key: str) -> httpx.Response:
        answer = await self.visitor.call(
            "POST", "/v1/organizations", headers={"idempotency-key": key}, json={"name": f"Shaken {key}"}
        )
        self.answers[answer.status_code] += 1
        if answer.status_code in {429, 503}:
            assert int(answer.headers["retry-after"]) >= 1
        return answer


async def known_to_billing(trial: Trial) -> Counter[str]:
    """How often billing knows each organization; nothing while events are on their way out."""
    connection = await asyncpg.connect(trial.plan.admin_url)
    try:
        rows = await connection.fetch(
            "SELECT organization_id FROM billing.organizations JOIN billing.entitlements "
            "USING (organization_id) JOIN billing.seats USING (organization_id) "
            "WHERE NOT EXISTS (SELECT FROM auth.outbox) AND NOT EXISTS (SELECT FROM billing.outbox)"
        )
    finally:
        await connection.close()
    return Counter(str(row[0]) for row in rows)


async def test_the_broker_is_killed_and_redis_is_flushed_during_traffic(shaken: Shaken) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        visitor = await newcomer(shaken.trial.addresses, http, f"shaken.{secrets.token_hex(4)}@example.com")
        traffic, stop = Traffic(visitor), asyncio.Event()
        lanes = [asyncio.create_task(traffic.run(stop)) for _ in range(4)]

        await _reach(traffic, 20)
        await asyncio.to_thread(shaken.rabbit.kill)
        during = len(traffic.accepted)
        await _reach(traffic, during + 20)
        async with redis.asyncio.Redis.from_url(shaken.redis.url) as client:
            await client.flushall()
            await client.script_flush()
        await _reach(traffic, during + 40)
        await asyncio.to_thread(shaken.rabbit.start)
        await asyncio.to_thread(shaken.redis.kill)
        await _reach(traffic, during + 60)
        await asyncio.to_thread(shaken.redis.start)
        await _reach(traffic, during + 80)
        stop.set()
        await asyncio.gather(*lanes)

    known: Counter[str] = Counter()

    async def settled() -> bool:
        known.clear()
        known.update(await known_to_billing(shaken.trial))
        return set(known) >= set(traffic.accepted)

    await eventually(settled, within=120)
    assert len(set(traffic.accepted)) == len(traffic.accepted), "one request made two organizations"
    assert {organization: known[organization] for organization in traffic.accepted} == dict.fromkeys(
        traffic.accepted, 1
    )
    assert set(traffic.answers) <= {201, 429, 502, 503}, traffic.answers


async def test_a_queue_that_the_power_cut_left_dead_holds_up_no_event(shaken: Shaken) -> None:
    """The broker lists a queue that it has no process for: made in the half second before it died."""
    feed = Topology(shaken.trial.addresses.namespace).browser_feed
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        visitor = await newcomer(shaken.trial.addresses, http, f"cut.{secrets.token_hex(4)}@example.com")
        async with await aio_pika.connect(shaken.rabbit.url, connection_class=OwnedConnection) as connection:
            async with connection.channel() as channel:
                await channel.queue_delete(feed)
            await eventually(lambda: _exists(connection, feed))
            await asyncio.to_thread(shaken.rabbit.kill)
        await asyncio.to_thread(shaken.rabbit.start)
        organization = await visitor.found("After the cut")

        async def settled() -> bool:
            return organization["id"] in await known_to_billing(shaken.trial)

        await eventually(settled, within=120)
        await eventually(lambda: _is_told(visitor, organization["id"]), within=120)


async def _exists(connection: AbstractConnection, queue: str) -> bool:
    return await depth(connection, queue) is not None


async def _is_told(visitor: Visitor, organization_id: str) -> bool:
    """Whether a browser hears what happens now."""
    headers = {"authorization": f"Bearer {visitor.access_token}"}
    path = f"/v1/organizations/{organization_id}/invitations"
    invited = {"email": f"guest.{secrets.token_hex(4)}@example.com", "role": "editor"}
    async with visitor.http.stream("GET", f"{visitor.addresses.gateway}/v1/events", headers=headers) as told:
        lines = told.aiter_lines()
        if not await _ready(lines):
            return False
        await visitor.call("POST", path, expect=201, headers={"idempotency-key": secrets.token_hex(8)}, json=invited)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                async for line in lines:
                    if "auth.invitation.created.v1" in line:
                        return True
    return False


async def _ready(lines: AsyncIterator[str]) -> bool:
    """Whether the stream began; while the gateway knows of no events it may be refused or end."""
    async for line in lines:
        if line == "event: ready":
            return True
    return False


async def _reach(traffic: Traffic, count: int) -> None:
    async def reached() -> bool:
        return len(traffic.accepted) > count

    await eventually(reached, within=120)


async def test_changes_are_refused_while_events_cannot_leave_and_accepted_again_after(shaken: Shaken) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        visitor = await newcomer(shaken.trial.addresses, http, f"pressed.{secrets.token_hex(4)}@example.com")
        await asyncio.to_thread(shaken.rabbit.kill)
        try:
            await visitor.create_organization("Waits in the outbox")
            await asyncio.to_thread(shaken.trial.forward, minutes=2)

            async def refused() -> bool:
                answer = await visitor.call("POST", "/v1/organizations", json={"name": "Refused"})
                if answer.status_code != 503:
                    return False
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.headers["content-type"] == "application/problem+json"
                return True

            await eventually(refused, within=120)
            assert (await visitor.call("GET", "/v1/organizations")).status_code == 200, "reading goes on"
        finally:
            await asyncio.to_thread(shaken.rabbit.start)

        async def accepted() -> bool:
            answer = await visitor.call("POST", "/v1/organizations", json={"name": "Accepted"})
            return answer.status_code == 201

        await eventually(accepted, within=120)
