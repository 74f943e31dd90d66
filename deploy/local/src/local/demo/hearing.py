"""What a browser hears while its page is open: the organization's facts as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from local.visitor import NotSeen, Visitor


@asynccontextmanager
async def listening(visitor: Visitor) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The facts that are told from the moment the stream is ready.

    Raises:
        NotSeen: there is no stream.
    """
    headers = {"authorization": f"Bearer {visitor.access_token}", "accept": "text/event-stream"}
    url = f"{visitor.addresses.gateway}/v1/events"
    async with visitor.http.stream("GET", url, headers=headers) as answer:
        if answer.status_code != httpx.codes.OK:
            raise NotSeen(f"GET /v1/events: {answer.status_code}")
        lines = answer.aiter_lines()
        await _ready(lines)
        yield _facts(lines)


async def _ready(lines: AsyncIterator[str]) -> None:
    async with asyncio.timeout(60):
        async for line in lines:
            if line == "event: ready":
                return
    raise NotSeen("the stream of events ended before it was ready")


async def _facts(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    async for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
