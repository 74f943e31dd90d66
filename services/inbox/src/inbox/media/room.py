"""How many bytes of media a process holds in memory at once: strangers decide how many come, and how large."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MOST_HELD: Final = 256 * 1024 * 1024


class Room:
    """Who wants more than is free waits until others have done; who wants more than there is, until all have."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.most = most
        self._held = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Room for so many bytes, as long as the block lasts."""
        size = min(size, self.most)
        while self._held + size > self.most:
            self._freed.clear()
            await self._freed.wait()
        self._held += size
        try:
            yield
        finally:
            self._held -= size
            self._freed.set()
