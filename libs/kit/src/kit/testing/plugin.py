"""Fixtures for every test of the workspace; loaded by the root conftest."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from kit.testing.databases import Databases

# A busy machine is slow, not wrong: no example has a deadline.
settings.register_profile("rostrum", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rostrum")

BROKER_URL = os.environ.get("ROSTRUM_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
REDIS_URL = os.environ.get("ROSTRUM_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


@pytest.fixture
async def databases() -> AsyncIterator[Databases]:
    """Lends databases to this test and takes them back after it."""
    made = Databases(reuse=True)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def broker_url() -> str:
    """The address of a real RabbitMQ."""
    return BROKER_URL


@pytest.fixture
def redis_url() -> str:
    """The address of a real Redis; use only keys that start with `namespace`."""
    return REDIS_URL


@pytest.fixture
def namespace() -> str:
    """A prefix for exchanges, queues and keys that nobody else uses; whoever declares with it deletes it."""
    return f"t{secrets.token_hex(5)}"


def pytest_sessionfinish() -> None:
    """Called at the end of every process that runs tests."""
    asyncio.run(Databases().drop_spare())
