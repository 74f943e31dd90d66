"""Tells the team that a visitor writes: over Redis, where the gateway reads what is true for seconds only.

It is never kept and never told again. Without Redis, or while it is away, nobody is told; nothing else is missing.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.names import MANAGERS
from contracts.permissions import PERMISSIONS

HOLDS: Final = 6
"""Seconds for which it is believed."""
_MOST: Final = 200
_KEPT_MS: Final = 60_000
_ROLES: Final = ",".join(sorted(PERMISSIONS["conversations.read"].roles))


@dataclass(frozen=True, slots=True)
class Passing:
    """Says passing news of visitors to the browsers of their organization's team (`gateway.events.passing`)."""

    redis: "Redis | None" = field(default=None, repr=False)
    namespace: str = ""

    async def contact_types(
        self, organization_id: UUID, conversation_id: UUID, viewers: Collection[UUID] | None = None
    ) -> None:
        """The contact of a conversation writes; told to everyone, or to these and to owners and admins."""
        if self.redis is None:
            return
        key = f"{self.namespace}:passing:{organization_id}"
        news = {"conversation_id": str(conversation_id), "seconds": HOLDS}
        body = orjson.dumps({"type": "contact_typing", "data": news})
        with suppress(RedisError, OSError):
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.xadd(
                    key,
                    {"r": _ROLES if viewers is None else _marks(viewers), "d": body, "u": ""},
                    maxlen=_MOST,
                    approximate=True,
                )
                pipe.pexpire(key, _KEPT_MS)
                await pipe.execute()


def _marks(viewers: Collection[UUID]) -> str:
    return ",".join(sorted({*MANAGERS, *(f"user:{each}" for each in viewers)}))


NOBODY: Final = Passing()
"""Tells nobody."""


@asynccontextmanager
async def connected(redis_url: str, namespace: str) -> AsyncIterator[Passing]:
    """Who tells the team that a visitor writes; without an address nobody does."""
    if not redis_url:
        yield NOBODY
        return
    redis = Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
    try:
        yield Passing(redis, namespace)
    finally:
        await redis.aclose()
