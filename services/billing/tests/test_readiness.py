"""What closes billing's doors, and what does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from billing.bootstrap import SERVICE, open_parts
from billing.settings import BillingSettings
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.service import Backbone, Pulse, make_app, open_backbone
from kit.testing.databases import TestDatabase
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually

from .conftest import MASTER


@pytest.fixture
async def backbone(place: TestDatabase, broker_url: str, namespace: str) -> AsyncIterator[Backbone[BillingSettings]]:
    given: dict[str, Any] = {
        "http_port": 0,
        "jwks_url": "http://auth.test/.well-known/jwks.json",
        "database_url": SecretStr(place.url("billing")),
        "broker_url": SecretStr(broker_url),
        "namespace": namespace,
        "pool_size": 2,
        "sealing_key": SecretStr(MASTER),
    }
    settings = BillingSettings(**given)
    async with open_backbone(SERVICE, settings) as opened:
        connection = await opened.broker.connect("test")
        topology, consumers = Topology(namespace), SERVICE.own_consumers() | SERVICE.heard_by()
        await topology.declare(connection, consumers)
        try:
            yield opened
        finally:
            await topology.delete(connection, consumers)
            await connection.close()


def away() -> Broker:
    return Broker("amqp://guest:guest@127.0.0.1:1/", name="billing test")


@asynccontextmanager
async def door(
    backbone: Backbone[BillingSettings], pulse: Pulse, *, public: bool
) -> AsyncIterator[httpx.AsyncClient]:
    async with open_parts(backbone) as parts:
        app = make_app(SERVICE, backbone, parts, pulse, None, public=public)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://billing.test"
        ) as client:
            yield client


async def test_a_broker_that_goes_away_closes_no_door_to_people(backbone: Backbone[BillingSettings]) -> None:
    pulse = Pulse(SERVICE, backbone)
    await pulse.topology()
    without = replace(backbone, broker=away())
    async with door(without, pulse, public=True) as people:
        assert (await people.get("/readyz")).json() == {"status": "ok", "failed": []}
        told = await people.get("/healthz")
        assert (told.status_code, told.json()["checks"]["broker"]["status"]) == (503, "failed")
    async with door(without, pulse, public=False) as worker:
        assert (await worker.get("/readyz")).json()["failed"] == ["broker"]


async def test_a_pool_that_is_all_in_use_closes_no_door(backbone: Backbone[BillingSettings]) -> None:
    pulse = Pulse(SERVICE, backbone)
    await pulse.topology()
    async with door(backbone, pulse, public=True) as people, AsyncExitStack() as held:
        for _ in range(backbone.database.use().size):
            await held.enter_async_context(backbone.database.transaction())
        assert (await people.get("/readyz")).json() == {"status": "ok", "failed": []}
        assert (await people.get("/healthz")).json()["checks"]["database"]["detail"] == "busy"


async def test_whoever_sends_requests_here_has_time_to_notice_the_end(
    backbone: Backbone[BillingSettings], place: TestDatabase, tmp_path: Path
) -> None:
    port, settings = free_port(), backbone.settings
    environment = {
        "BILLING_HTTP_PORT": str(port),
        "BILLING_JWKS_URL": settings.jwks_url,
        "BILLING_DATABASE_URL": place.url("billing"),
        "BILLING_BROKER_URL": settings.broker_url.get_secret_value(),
        "BILLING_NAMESPACE": settings.namespace,
        "BILLING_DRAIN_NOTICE": "12",
        "BILLING_SEALING_KEY": MASTER,
    }
    program = Program(("billing", "api"), environment, tmp_path / "api.log", port)
    try:
        await program.start()
        ending = asyncio.create_task(program.stop(within=60))
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:

            async def says_so() -> bool:
                return bool((await client.get("/readyz")).json()["status"] == "draining")

            await eventually(says_so, within=11)
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as late:
            assert (await late.get("/livez")).status_code == 200
        assert await ending == 0
    finally:
        await program.kill()


async def test_until_the_queues_of_its_events_were_seen_nobody_is_let_in(backbone: Backbone[BillingSettings]) -> None:
    without = replace(backbone, broker=away())
    async with door(without, Pulse(SERVICE, without), public=True) as people:
        assert (await people.get("/readyz")).json()["failed"] == ["topology"]
