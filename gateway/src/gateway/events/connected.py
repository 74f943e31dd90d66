"""Who is connected: told to the browsers of their organization at once, and to the inbox again and again."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import hiredis
import orjson
import structlog

from gateway.events.passing import SEEN_BY, Passing
from gateway.fetch import NotFetched
from gateway.redis_pipe import RedisAway
from gateway.tokens import Session

log = structlog.get_logger(__name__)

EVERY: Final = 15.0
"""Seconds after which it is told again; the inbox believes it for three times as long."""

AT_ONCE: Final = 5000
_PAUSE: Final = 0.5


class Connected:
    """Those of this process who may answer conversations. What could not be told is told next time."""

    def __init__(self, passing: Passing, tell: Callable[[bytes], Awaitable[bytes]], *, every: float = EVERY) -> None:
        self._passing = passing
        self._tell = tell
        self._every = every
        self._held: Counter[tuple[UUID, str]] = Counter()
        self._came = asyncio.Event()

    async def came(self, session: Session) -> None:
        """Somebody listens."""
        if session.organization_id is not None and session.role in SEEN_BY:
            who = (session.organization_id, session.user_id)
            self._held[who] += 1
            if self._held[who] == 1:
                self._came.set()
                await self._say(who, connected=True)

    async def went(self, session: Session) -> None:
        """They listen no more; elsewhere they may."""
        if session.organization_id is not None and session.role in SEEN_BY:
            who = (session.organization_id, session.user_id)
            self._held[who] -= 1
            if self._held[who] <= 0:
                del self._held[who]
                await self._say(who, connected=False)

    async def _say(self, who: tuple[UUID, str], *, connected: bool) -> None:
        try:
            await self._passing.tell_connected(*who, connected=connected)
        except (RedisAway, hiredis.ReplyError):
            log.debug("events.presence_not_told")

    async def run(self) -> None:
        """Tell the inbox for ever: soon after somebody came, else from time to time."""
        while True:
            await self.tell()
            try:
                async with asyncio.timeout(self._every):
                    await self._came.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_PAUSE)  # of those who come together it is told together

    async def tell(self) -> None:
        """Tell the inbox who is connected here just now."""
        self._came.clear()
        remaining = iter(list(self._held))
        while some := list(itertools.islice(remaining, AT_ONCE)):
            people = [{"organization_id": str(each), "user_id": user_id} for each, user_id in some]
            try:
                await self._tell(orjson.dumps({"people": people}))
            except NotFetched as trouble:
                log.warning("presence.not_told", error=str(trouble), people=len(some))
                return
