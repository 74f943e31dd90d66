"""Files that a platform fetches itself, from the address that a post names."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import RequestBuilder

PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came from an address; of its bytes only the number is kept. `size` is None when nothing did."""

    url: str
    size: int | None
    content_type: str = ""


class Puller:
    """Fetches in the background, and tells when it has ended."""

    def __init__(self, *, timeout: float = 20.0, largest: int = 4 * 1024**3) -> None:
        self._timeout = timedelta(seconds=timeout)
        self._largest = largest
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, urls: list[str], then: Callable[[list[Pulled]], None]) -> None:
        """Fetch these, one after the other, and hand over what came."""
        task = asyncio.create_task(self._fetch(urls, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def reset(self) -> None:
        """Give up what is on its way."""
        for task in self._tasks:
            task.cancel()

    async def _fetch(self, urls: list[str], then: Callable[[list[Pulled]], None]) -> None:
        then([await self._one(url) for url in urls])

    async def _one(self, url: str) -> Pulled:
        try:
            async with ClientBuilder().timeout(self._timeout).follow_redirects(False).no_proxy().build() as client:
                return await self._read(client.get(url), url)
        except (PyreqwestError, ValueError):
            return Pulled(url, None)

    async def _read(self, request: RequestBuilder, url: str) -> Pulled:
        async with request.build_streamed() as response:
            size = 0
            while (piece := await response.body_reader.read(PIECE)) and size <= self._largest:
                size += len(piece)
            good = response.status == 200 and 0 < size <= self._largest
            return Pulled(url, size if good else None, response.headers.get("content-type", ""))
