import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from kit.testing.databases import ADMIN_URL
from kit.testing.plugin import BROKER_URL, REDIS_URL
from local.backing import Found, Servers
from local.trial import Trial

RUNNING = pytest.StashKey[Trial]()


@pytest.fixture
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The whole platform, as `make run` starts it, for tests that follow one another."""
    stash = request.session.stash
    if RUNNING not in stash:
        servers = Servers(*(Found(url, "environment") for url in (ADMIN_URL, REDIS_URL, BROKER_URL)))
        environment = {**os.environ, "ROSTRUM_TRACE_SAMPLE": "1"}
        stash[RUNNING] = Trial(tmp_path_factory.mktemp("platform"), servers, environment).__enter__()
    return stash[RUNNING]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the platform where the next test does without it: that may need the connections, for one of its own."""
    try:
        return (yield)
    finally:
        if "platform" not in getattr(nextitem, "fixturenames", ()):
            end(item.session)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Called also where tests break off."""
    end(session)


def end(session: pytest.Session) -> None:
    trial = session.stash.get(RUNNING, None)
    if trial is not None:
        del session.stash[RUNNING]
        trial.__exit__(None, None, None)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as client:
        yield client
