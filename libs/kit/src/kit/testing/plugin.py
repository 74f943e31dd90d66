"""Fixtures for every test of the workspace; loaded by the root conftest."""

import asyncio
import gc
import os
import secrets
import signal
from collections.abc import AsyncIterator
from types import FrameType

import pytest
import structlog
from hypothesis import HealthCheck, settings

from kit.testing.databases import Databases

# A busy machine is slow, not wrong: no example has a deadline.
settings.register_profile("rostrum", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rostrum")

# An exception that is logged is shown as Python shows it: to draw every frame with its variables takes a second.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

BROKER_URL = os.environ.get("ROSTRUM_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
REDIS_URL = os.environ.get("ROSTRUM_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def pytest_sessionstart() -> None:
    """Called at the beginning of every process that runs tests.

    For each fixture and test asyncio would put a handler of its own in the place of Python's, and to compare the two
    it describes all that the fixture has made: that takes longer than many a test.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_collection_finish() -> None:
    """Called when all tests are known: they and all modules stay, so whoever collects garbage need not look there."""
    gc.collect()
    gc.freeze()


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
