"""A real worker is killed while LinkedIn has its post."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.outside import Sandbox
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually
from publisher.bootstrap import SERVICE

from .story import MASTER, POSTING, Story

SLOW = {"kind": "delay", "seconds": 15, "match": POSTING, "times": 1}


@pytest.fixture
async def worker(
    story: Story, sandbox: Sandbox, broker_url: str, namespace: str, tmp_path: Path
) -> AsyncIterator[Program]:
    port = free_port()
    environment = {
        "HTTP_PORT": str(port),
        "DATABASE_URL": story.place.url("publisher"),
        "ROLE_PREFIX": story.place.role_prefix,
        "BROKER_URL": broker_url,
        "NAMESPACE": namespace,
        "JWKS_URL": "http://127.0.0.1:1/jwks.json",
        "SEALING_KEY": MASTER,
        "POOL_SIZE": "4",
        "LINKEDIN_CLIENT_ID": "sandbox-client",
        "LINKEDIN_CLIENT_SECRET": "sandbox-secret",
        "LINKEDIN_API_URL": f"{sandbox.url}/linkedin/api",
        "LINKEDIN_OAUTH_URL": f"{sandbox.url}/linkedin/www",
    }
    topology = Topology(namespace)
    broker = Broker(broker_url, name="publisher test")
    connection = await broker.connect("test")
    queues = SERVICE.heard_by() | SERVICE.own_consumers()
    await topology.declare(connection, queues)
    told = {f"PUBLISHER_{name}": value for name, value in environment.items()}
    program = Program(("publisher", "worker"), told, tmp_path / "worker.log", port)
    try:
        yield program
    finally:
        await program.kill()
        await topology.delete(connection, queues)
        await connection.close()
        await broker.close()


async def test_a_post_whose_worker_was_killed_in_the_call_is_live_once(story: Story, worker: Program) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails(SLOW)
    await worker.start()
    post = await story.post(client, account)

    async def under_way() -> bool:
        return len(await story.linkedin.calls("/rest/posts")) == 1

    await eventually(under_way)
    await worker.kill()
    assert (await story.shown(client, post))["status"] == "publishing"
    await worker.start()
    await story.until(client, post, "checking", "published", within=60)
    await story.forward(seconds=6)
    done = await story.until(client, post, "published", within=60)
    assert [each["outcome"] for each in done["deliveries"][0]["tried"]][-1] == "found"
    assert len(await story.linkedin.live()) == 1
    assert len(await story.linkedin.calls("/rest/posts")) == 1
