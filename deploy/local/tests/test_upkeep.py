"""Clock, deletion and the environment of processes, on the real servers of the test run."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aio_pika
import asyncpg
import pytest
import redis.asyncio
from aio_pika.exceptions import ChannelNotFoundEntity

from kit.db.provision import ForeignDatabase, with_database
from kit.messaging.topology import Topology
from kit.testing.databases import ADMIN_URL
from local import upkeep
from local.backing import Found, Servers
from local.plan import PORTS, Plan
from local.prepare import Preparation
from local.state import SEALING, SERVICES, State


@pytest.fixture
async def plan(tmp_path: Path, broker_url: str, redis_url: str) -> AsyncIterator[Plan]:
    """A provided database of a made-up checkout."""
    state = State.of(tmp_path)
    servers = Servers(*(Found(url, "environment") for url in (ADMIN_URL, redis_url, broker_url)))
    plan = Plan(state, servers, state.ports(PORTS))
    plan.keep()
    await Preparation(plan).provide_database()
    yield plan
    await mark(plan, state.mark)
    await upkeep.clean_data(state)


async def mark(plan: Plan, comment: str) -> None:
    """Write another comment on the database, if it is there."""
    connection = await asyncpg.connect(ADMIN_URL)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", plan.state.database):
            await connection.execute(f"COMMENT ON DATABASE \"{plan.state.database}\" IS '{comment}'")
    finally:
        await connection.close()


async def names(query: str, *arguments: object) -> list[str]:
    connection = await asyncpg.connect(ADMIN_URL)
    try:
        return [row[0] for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def test_providing_twice_changes_nothing_and_roles_sign_in_with_their_secrets(plan: Plan) -> None:
    assert await Preparation(plan).provide_database() is False
    for service in SERVICES:
        connection = await asyncpg.connect(plan.database_url(service))
        assert await connection.fetchval("SELECT current_user") == f"{plan.state.role_prefix}{service}_app"
        await connection.close()


async def test_the_clock_moves_and_comes_back(plan: Plan) -> None:
    now = await upkeep.clock(plan, forward=None, reset=False)
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    later = await upkeep.clock(plan, forward=upkeep.duration("1d2h"), reset=False)
    assert timedelta(hours=26) <= later - now < timedelta(hours=26, minutes=1)
    back = await upkeep.clock(plan, forward=None, reset=True)
    assert back - now < timedelta(minutes=1)


async def test_the_clock_of_a_database_that_is_not_ours_is_left_alone(plan: Plan) -> None:
    await mark(plan, "mine")
    with pytest.raises(ForeignDatabase):
        await upkeep.clock(plan, forward=timedelta(hours=1), reset=False)


async def test_a_database_with_another_mark_is_neither_used_nor_dropped(plan: Plan) -> None:
    await mark(plan, "mine")
    with pytest.raises(ForeignDatabase):
        await Preparation(plan).provide_database()
    with pytest.raises(ForeignDatabase):
        await upkeep.clean_data(plan.state)
    assert await names("SELECT datname FROM pg_database WHERE datname = $1", plan.state.database)


async def test_cleaning_deletes_what_is_ours_and_nothing_else(plan: Plan, namespace: str) -> None:
    state, organization, theirs = plan.state, uuid4(), f"{namespace}-bystander"
    topology = Topology(state.namespace)
    async with (
        await aio_pika.connect(plan.servers.rabbitmq.url) as broker,
        redis.asyncio.Redis.from_url(plan.servers.redis.url) as store,
    ):
        await topology.declare(broker, {"billing": ["auth.organization.created.v1"]})
        await (await broker.channel()).declare_queue(theirs)
        await store.set(f"{state.namespace}:limit:{organization}", "1", ex=60)
        await store.set(f"{state.namespace}more:key", "1", ex=60)

        await upkeep.clean_data(state)

        assert await store.exists(f"{state.namespace}more:key")
        assert not await store.exists(f"{state.namespace}:limit:{organization}")
        await store.delete(f"{state.namespace}more:key")
        with pytest.raises(ChannelNotFoundEntity):
            await (await broker.channel()).get_queue(topology.queue("billing", "auth.organization.created.v1"))
        await (await broker.channel()).queue_delete(theirs)
    assert not await names("SELECT datname FROM pg_database WHERE datname = $1", state.database)
    assert not await names("SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", state.role_prefix)
    assert Plan.kept(state) is None


def test_no_running_process_is_told_the_administrators_address_or_anothers_secret(tmp_path: Path) -> None:
    state = State.of(tmp_path)
    admin = "postgresql://boss:hush@127.0.0.1:5432/postgres"
    servers = Servers(Found(admin, "environment"), Found("redis://r", "standard"), Found("amqp://b", "standard"))
    plan = Plan(state, servers, dict.fromkeys(PORTS, 1), {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x"})
    for part in plan.parts():
        told = " ".join(part.environment.values())
        assert "hush" not in told
        assert "AWS_SECRET_ACCESS_KEY" not in part.environment
        assert {each for each in SERVICES if state.sealing_key(each) in told} == {part.name} & set(SERVICES)
        shared = {each for each in SEALING if state.compliance_secret(each) in told}
        assert shared == (set(SEALING) if part.name == "compliance" else {part.name} & set(SEALING))
        assert (state.gateway_secret() in told) is (part.name in ("auth", "gateway"))
    assert "hush" in plan.migration_environment("billing")["BILLING_MIGRATE_URL"]


def test_login_roles_use_tcp_when_the_administrator_came_by_a_socket(tmp_path: Path) -> None:
    """A local socket would ask for the system account of the role's name."""
    admin = Found("postgresql://postgres@/postgres?host=/var/run/postgresql", "standard")
    state = State.of(tmp_path)
    plan = Plan(state, Servers(admin, admin, admin), dict.fromkeys(PORTS, 1))
    assert plan.admin_url == f"postgresql://postgres@/{state.database}?host=/var/run/postgresql"
    assert plan.database_url("auth").startswith(f"postgresql://{state.role_prefix}auth_app:")
    assert plan.database_url("auth").endswith(f"@127.0.0.1:5432/{state.database}")


@pytest.mark.parametrize("text", ["", "1", "h", "1x", "-1h", "1h 2m"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="90m"):
        upkeep.duration(text)


def test_an_address_keeps_its_query_in_our_database() -> None:
    assert with_database("postgresql://a@h/x?sslmode=require", "y") == "postgresql://a@h/y?sslmode=require"
