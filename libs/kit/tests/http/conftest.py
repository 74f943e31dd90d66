import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from kit.http.serving import serve
from kit.testing.listening import Handler, listening

Serving = Callable[[Any], Any]


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The application behind a real server on loopback."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, bound=port.set_result))
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{await port}", trust_env=False, timeout=30, verify=False
        ) as client:
            yield client
    finally:
        stop.set()
        await task


@pytest.fixture
def serving() -> Serving:
    return served


@pytest.fixture
def peer() -> Callable[[Handler], AbstractAsyncContextManager[int]]:
    """A server on loopback that does with each connection what a test says; gives its port."""
    return listening
