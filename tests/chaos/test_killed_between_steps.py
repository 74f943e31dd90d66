"""SIGKILL of a real worker exactly between two steps: nothing is lost, nothing is applied twice.

A proxy before PostgreSQL and one before RabbitMQ hold the traffic at the chosen step; no hook stands in the code.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from billing import migrations
from billing.bootstrap import SERVICE
from contracts import decode
from contracts.auth import OrganizationCreated
from contracts.billing import EntitlementsChanged
from contracts.event import encode, new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from kit.testing.databases import Databases, TestDatabase
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually
from kit.testing.proxy import Hold, Proxy, proxied

CREATED, CHANGED = OrganizationCreated.type, EntitlementsChanged.type
CONSUMERS = SERVICE.own_consumers() | SERVICE.heard_by() | {"listener": [CHANGED]}
INSERTS = b"INSERT INTO processed_messages"
# As the relay's claim returns it: before an id of sixteen bytes. Where it is inserted, arrays stand side by side.
CLAIMED = CHANGED.encode() + b"\x00\x00\x00\x10"
# Frames of AMQP 0-9-1 by class and method.
PUBLISH, ACK = b"\x00\x3c\x00\x28", b"\x00\x3c\x00\x50"


@dataclass
class World:
    place: TestDatabase
    topology: Topology
    broker: Broker
    postgres: Proxy
    rabbit: Proxy
    worker: Program
    direct: dict[str, str]
    told: list[EntitlementsChanged] = field(default_factory=list)

    async def die(self) -> None:
        """Kill the worker; what the proxies hold is lost with it, as its sockets are closed."""
        await self.worker.kill()
        self.postgres.cut()
        self.rabbit.cut()

    async def publish(self, event: OrganizationCreated) -> None:
        await self.broker.publish(
            [Message(self.topology.events, event.type, encode(event), str(event.id), event.type)]
        )

    async def heard(self) -> list[EntitlementsChanged]:
        """What an independent consumer has got so far."""
        connection = await self.broker.connect("listener")
        try:
            channel = await connection.channel()
            queue = await channel.get_queue(self.topology.queue("listener", CHANGED))
            while message := await queue.get(fail=False, no_ack=True):
                event = decode(message.body)
                assert isinstance(event, EntitlementsChanged)
                self.told.append(event)
            return self.told
        finally:
            await connection.close()

    async def settled(self) -> bool:
        """Whether the event was applied, its consequence sent and heard."""
        return await self.state() == (1, 1, 1, 0) and bool(await self.heard())

    async def state(self) -> tuple[int, int, int, int]:
        """Organizations, snapshots of entitlements, seen messages, events not yet sent."""
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            row = await connection.fetchrow(
                """
                SELECT (SELECT count(*) FROM billing.organizations), (SELECT count(*) FROM billing.entitlements),
                       (SELECT count(*) FROM billing.processed_messages), (SELECT count(*) FROM billing.outbox)
                """
            )
        finally:
            await connection.close()
        assert row is not None
        return tuple(row.values())


@pytest.fixture
async def world(databases: Databases, namespace: str, broker_url: str, tmp_path: Path) -> AsyncIterator[World]:
    place = await databases.clone({"billing": migrations})
    topology, broker = Topology(namespace), Broker(broker_url, name="test")
    connection = await broker.connect("test")
    await topology.declare(connection, CONSUMERS)
    database, rabbit_at = urlsplit(place.url("billing")), urlsplit(broker_url)
    async with (
        proxied(database.hostname or "", database.port or 5432) as postgres,
        proxied(rabbit_at.hostname or "", rabbit_at.port or 5672) as rabbit,
    ):
        port = free_port()
        own = place.url("billing").replace(database.netloc.rpartition("@")[2], f"127.0.0.1:{postgres.listening_on}")
        via = broker_url.replace(rabbit_at.netloc.rpartition("@")[2], f"127.0.0.1:{rabbit.listening_on}")
        common = {
            "BILLING_HTTP_PORT": str(port),
            "BILLING_DATABASE_DIRECT_URL": place.url("billing"),
            "BILLING_ROLE_PREFIX": place.role_prefix,
            "BILLING_NAMESPACE": namespace,
            "BILLING_SEALING_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
            "BILLING_JWKS_URL": "http://127.0.0.1:9/none",
        }
        direct = {"BILLING_DATABASE_URL": place.url("billing"), "BILLING_BROKER_URL": broker_url}
        environment = {**common, "BILLING_DATABASE_URL": own, "BILLING_BROKER_URL": via}
        worker = Program(("billing", "worker"), environment, tmp_path / "worker.log", port)
        try:
            yield World(place, topology, broker, postgres, rabbit, worker, direct)
        finally:
            await worker.kill()
            await topology.delete(connection, CONSUMERS)
            await connection.close()
            await broker.close()


def _postgres(direction: str, seen: bytes) -> tuple[str, str, bytes, bytes]:
    return ("postgres", direction, b"COMMIT", seen)


STEPS = {
    "consumer, before its commit": _postgres("to_server", INSERTS),
    "consumer, committed, answer lost": _postgres("to_client", INSERTS),
    "consumer, before its ack": ("rabbit", "to_server", b"\x00\x00\x00\x0d" + ACK, b""),
    "relay, claimed, before publishing": ("rabbit", "to_server", PUBLISH, b""),
    "relay, published, confirm lost": ("rabbit", "to_client", b"\x00\x00\x00\x0d" + ACK, b""),
    "relay, confirmed, before its commit": _postgres("to_server", CLAIMED),
    "relay, committed, answer lost": _postgres("to_client", CLAIMED),
}


@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_between_two_steps_loses_nothing_and_applies_nothing_twice(
    world: World, step: str
) -> None:
    where, direction, pattern, seen = STEPS[step]
    proxy = world.postgres if where == "postgres" else world.rabbit
    await world.worker.start()
    hold: Hold = proxy.hold("to_server" if direction == "to_server" else "to_client", pattern, after_seeing=seen)
    organization = new_id()
    await world.publish(
        OrganizationCreated(organization_id=organization, created_by=new_id()).stamped(time=datetime.now(UTC))
    )
    async with asyncio.timeout(60):
        await hold.reached.wait()
    applied = 0 if step == "consumer, before its commit" else 1
    assert (await world.state())[:3] == (applied, applied, applied)

    await world.die()
    await world.worker.start(**world.direct)

    await eventually(world.settled)
    assert await world.worker.stop() == 0
    told = await world.heard()
    assert {event.organization_id for event in told} == {organization}
    assert len({event.id for event in told}) == 1, "the event went out under two ids"
    assert await world.state() == (1, 1, 1, 0)
