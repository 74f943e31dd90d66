import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from kit.testing.databases import ADMIN_URL
from kit.testing.plugin import BROKER_URL, REDIS_URL
from local.backing import Found, Servers
from local.trial import Trial


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """The whole platform, as `make run` starts it, for all tests of this folder."""
    servers = Servers(*(Found(url, "environment") for url in (ADMIN_URL, REDIS_URL, BROKER_URL)))
    folder = tmp_path_factory.mktemp("platform")
    with Trial(folder, servers, {**os.environ, "ROSTRUM_TRACE_SAMPLE": "1"}) as trial:
        yield trial


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        yield client
