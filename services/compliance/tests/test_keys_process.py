"""Compliance as a process that is killed and comes back, and what a service does meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from compliance import migrations
from compliance.bootstrap import SERVICE
from kit.errors import TransientError
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.process import Loop, supervise
from kit.seal import KeyShredded
from kit.testing import sample
from kit.testing.databases import Databases
from kit.testing.programs import Program, eventually
from kit.testing.tokens import AUDIENCE, ISSUER

from .keeping import PLACE, Keeping, contact, keeping
from .office import SECRETS
from .trail import MASTER, ORIGIN


@pytest.fixture
async def process(
    databases: Databases, broker_url: str, namespace: str, tmp_path: Path
) -> AsyncIterator[tuple[Program, Keeping]]:
    """The process, and the keyrings of services before its doors."""
    place = await databases.clone({"compliance": migrations, "sample": sample})
    queues = SERVICE.heard_by()
    for consumer, types in SERVICE.own_consumers().items():
        queues[consumer] = sorted({*queues.get(consumer, ()), *types})
    topology, broker = Topology(namespace), Broker(broker_url, name="compliance test")
    connection = await broker.connect("topology")
    await topology.declare(connection, queues)
    async with keeping(place) as made:
        await made.stop()  # its place is the process's
        told = {
            "HTTP_PORT": str(made.port),
            "DATABASE_URL": place.url("compliance"),
            "BROKER_URL": broker_url,
            "NAMESPACE": namespace,
            "JWKS_URL": "http://127.0.0.1:9/keys",
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "ROLE_PREFIX": place.role_prefix,
            "SEALING_KEY": MASTER,
            "AUDIT_ORIGIN": ORIGIN,
            "CLIENT_SECRETS": orjson.dumps(SECRETS).decode(),
        }
        environment = {f"COMPLIANCE_{name}": value for name, value in told.items()}
        program = Program(("compliance", "api"), environment, tmp_path / "log", made.port)
        try:
            await program.start()
            yield program, made
        finally:
            await program.kill()
            await topology.delete(connection, queues)
            await connection.close()
            await broker.close()


async def test_killed_it_is_missed_by_strangers_only_and_what_it_destroyed_is_gone_when_it_is_back(
    process: tuple[Program, Keeping],
) -> None:
    program, keys = process
    organization, ada, bob = new_id(), contact(), contact()
    inbox, publisher = await keys.ring("inbox"), await keys.ring("publisher")
    of_ada = await inbox.seal(organization, b"ada", PLACE, subject=ada)
    assert await publisher.open(organization, of_ada, PLACE) == b"ada"
    await program.kill()
    assert await inbox.open(organization, await inbox.seal(organization, b"on", PLACE, subject=ada), PLACE) == b"on"
    with pytest.raises(TransientError):
        await inbox.seal(organization, b"bob", PLACE, subject=bob)
    await keys.shred(organization, ada)  # the saga's worker goes on without the doors
    stop = asyncio.Event()
    loops = [Loop(f"forget {at}", ring.forget_shredded, every=1.0) for at, ring in enumerate((inbox, publisher))]
    running = asyncio.create_task(supervise(loops, stop))
    try:
        await program.start()

        async def served_again_and_gone_everywhere() -> bool:
            for ring in (inbox, publisher):
                try:
                    await ring.open(organization, of_ada, PLACE)
                except KeyShredded:
                    continue
                return False
            try:
                await inbox.seal(organization, b"bob", PLACE, subject=bob)
            except TransientError:
                return False
            return True

        await eventually(served_again_and_gone_everywhere)
    finally:
        stop.set()
        await running
    with pytest.raises(KeyShredded):
        await inbox.seal(organization, b"again", PLACE, subject=ada)
    assert "sealed" not in await asyncio.to_thread(program.log.read_text)
