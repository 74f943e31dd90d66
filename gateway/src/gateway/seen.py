"""When people were last seen: gathered in memory, and told to auth once a minute, so that no request writes it."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
import structlog

from gateway.fetch import NotFetched

log = structlog.get_logger(__name__)

EVERY: Final = 60.0
AT_ONCE: Final = 5000
"""Sessions in one telling."""
MOST: Final = 200_000
"""Sessions of one minute; whoever comes beyond is seen with the next refresh."""


class Seen:
    """The sessions of the last minute. Of those that could not be told the next refresh tells."""

    def __init__(self, tell: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._tell = tell
        self._sessions: set[str] = set()

    def note(self, session_id: str) -> None:
        """This one was used."""
        if len(self._sessions) < MOST:
            self._sessions.add(session_id)

    async def tell(self) -> None:
        """Tell auth what was gathered; to be repeated every minute."""
        gathered, self._sessions = self._sessions, set()
        remaining = iter(gathered)
        while some := list(itertools.islice(remaining, AT_ONCE)):
            try:
                await self._tell(orjson.dumps({"session_ids": some}))
            except NotFetched as trouble:
                log.warning("seen.not_told", error=str(trouble), sessions=len(some))
                return
